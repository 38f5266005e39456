"""`verify` says yes to a whole, quick model that answers as it should, and no to any other."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier, Prediction, bundle
from merchant_classifier.cli import main
from merchant_classifier.commands import verify
from merchant_classifier.sample import descriptors
from merchant_classifier.timing import Latency, relative_tail

QUICK = ("--latency-bound", "0")


def test_a_good_model_passes_and_its_identity_is_told(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--model", str(tiny_path), *QUICK]) == 0
    assert MerchantClassifier.load(tiny_path).identity in capsys.readouterr().out


@pytest.mark.parametrize("name", bundle.DECIDING_FILES)
def test_a_damaged_file_fails_and_is_named(tiny_copy: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny_copy / name).write_bytes(b"damaged")
    assert main(["verify", "--model", str(tiny_copy), *QUICK]) == 1
    assert name in capsys.readouterr().out


def test_another_identity_than_the_pinned_one_fails(tiny_path: Path) -> None:
    identity = MerchantClassifier.load(tiny_path).identity
    assert main(["verify", "--model", str(tiny_path), "--sha256", identity, *QUICK]) == 0
    assert main(["verify", "--model", str(tiny_path), "--sha256", "0" * 64, *QUICK]) == 1


@pytest.mark.parametrize(
    "change", [{"mcc": "7995"}, {"category": "gambling"}, {"confidence": 0.5}], ids=["mcc", "category", "confidence"]
)
def test_another_golden_answer_fails_and_is_shown(
    tiny_copy: Path, change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tiny_copy / bundle.GOLDEN
    first, *rest = path.read_text("utf-8").splitlines()
    changed = {**json.loads(first), **change}
    path.write_text("\n".join([json.dumps(changed), *rest]), "utf-8")
    assert main(["verify", "--model", str(tiny_copy), *QUICK]) == 1
    assert changed["text"] in capsys.readouterr().out


def test_confidences_may_differ_by_the_last_digits(tiny_copy: Path) -> None:
    path = tiny_copy / bundle.GOLDEN
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n".join(json.dumps({**row, "confidence": row["confidence"] + 5e-5}) for row in rows), "utf-8")
    assert main(["verify", "--model", str(tiny_copy), *QUICK]) == 0


def test_missing_golden_answers_fail(tiny_copy: Path) -> None:
    (tiny_copy / bundle.GOLDEN).unlink()
    assert main(["verify", "--model", str(tiny_copy), *QUICK]) == 1


@pytest.mark.parametrize("content", ["{", '{"text": "coffee"}', '{"text": 7, "mcc": "5814"}'])
def test_golden_answers_of_another_form_are_bad_input(
    tiny_copy: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny_copy / bundle.GOLDEN).write_text(content)
    assert main(["verify", "--model", str(tiny_copy), *QUICK]) == 2
    assert bundle.GOLDEN in capsys.readouterr().err


def test_no_model_fails(tmp_path: Path) -> None:
    assert main(["verify", "--model", str(tmp_path / "none"), *QUICK]) == 1


def test_the_latency_check_passes_as_it_is(tiny: MerchantClassifier) -> None:
    assert verify.check_latency(tiny.predict, descriptors(300), verify.LATENCY_BOUND) is None


def test_the_latency_check_fails_on_a_planted_slow_down(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One call in ten that waits, as it would for a lock or a disk: the median does not move, the tail does."""
    plain = MerchantClassifier.predict
    calls = 0

    def sometimes_slow(self: MerchantClassifier, text: str) -> Prediction:
        nonlocal calls
        calls += 1
        if calls % 10 == 0:
            time.sleep(0.02)
        return plain(self, text)

    monkeypatch.setattr(MerchantClassifier, "predict", sometimes_slow)
    monkeypatch.setattr(verify, "_TIMED_CALLS", 300)
    assert main(["verify", "--model", str(tiny_path)]) == 1
    assert "FAILED  latency" in capsys.readouterr().out


def test_the_relative_tail_grows_with_the_work(tiny: MerchantClassifier) -> None:
    texts = descriptors(150)

    def twelve_times(text: str) -> None:
        for _ in range(12):
            tiny.predict(text)

    once, often = (min(relative_tail(call, texts) for _ in range(3)) for call in (tiny.predict, twelve_times))
    assert often > 2 * once


def test_percentiles_are_times_that_were_measured() -> None:
    latency = Latency.of([0.001] * 98 + [0.002, 0.003])
    assert (latency.calls, latency.p50, latency.p99, latency.worst) == (100, 1.0, 3.0, 3.0)


def test_made_up_descriptors_are_the_same_everywhere_and_differ() -> None:
    drawn = descriptors(500)
    assert drawn == descriptors(500)
    assert len(set(drawn)) == 500
    assert 15 < sum(map(len, drawn)) / 500 < 40
    assert drawn[:2] == [
        "KARTENZAHLUNG JOPOSOPA ROFIBON #4040 BRYANSK",
        "KARTENZAHLUNG RELAN GARAGE S BERNARDO DO CAMPO",
    ]
