"""Drift: silent while nothing changes, loud for each kind of change, and it says which."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from merchant_classifier import MerchantClassifier
from tests.tiny_bundle import keywords
from train import drift, traffic
from train.__main__ import main
from train.drift import INVESTIGATE, NOT_YET, RETRAIN
from train.shifts import Reference, label_shift

LINES = 600
_SYLLABLES = "zor mir tol dun kra pel vex gri lom bas ner fit".split()


def merchants(seed: int, words: dict[str, str | None] | None = None, count: int = 400) -> list[str]:
    """Invented merchants of known trades."""
    rng = random.Random(seed)
    trades = list(words or keywords())
    return [f"{rng.choice(trades)} {''.join(rng.choices(_SYLLABLES, k=3))}".upper() for _ in range(count)]


def lines(names: list[str], seed: int, count: int = LINES) -> list[str]:
    """Payments at merchants, some of them large."""
    rng = random.Random(seed)
    return rng.choices(names, [1 / (1 + place) ** 0.7 for place in range(len(names))], k=count)


@pytest.fixture(scope="module")
def reference(tiny: MerchantClassifier) -> Reference:
    return Reference(traffic.look_at(tiny, lines(merchants(1), 2, 4000)), seed=3)


def alarms(reference: Reference, tiny: MerchantClassifier, recent: list[str]) -> tuple[set[str], str]:
    finding = drift.compare(reference, traffic.look_at(tiny, recent), None)
    return {shift.name for shift in finding.shifts if shift.alarmed}, finding.verdict


def test_twenty_samples_of_the_same_period_raise_no_alarm(reference: Reference, tiny: MerchantClassifier) -> None:
    for seed in range(20):
        assert alarms(reference, tiny, lines(merchants(1), 100 + seed)) == (set(), NOT_YET)


def test_another_country_asks_for_retraining(reference: Reference, tiny: MerchantClassifier) -> None:
    abroad = [f"магазин {name.split()[1]} улица" for name in lines(merchants(8), 9)]
    found, verdict = alarms(reference, tiny, abroad)
    assert {"new merchants", "unknown words", "scripts"} <= found
    assert verdict == RETRAIN


def test_a_new_facilitator_is_named(reference: Reference, tiny: MerchantClassifier) -> None:
    recent = [f"ZAPPO*{line}" if place % 12 == 0 else line for place, line in enumerate(lines(merchants(1), 11))]
    found, verdict = alarms(reference, tiny, recent)
    assert "one beginning" in found
    assert verdict == INVESTIGATE
    assert reference.risen_leads(traffic.look_at(tiny, recent))[0][0] == "ZAPPO"


def test_a_holiday_season_is_a_shift_of_categories_alone(reference: Reference, tiny: MerchantClassifier) -> None:
    travel = {word: mcc for word, mcc in keywords().items() if mcc in ("7011", "4511", "5812", "4121")}
    known = [name for name in merchants(1) if name.split()[0].lower() in travel]
    found, verdict = alarms(
        reference, tiny, lines(merchants(1), 12, LINES * 7 // 10) + lines(known, 13, LINES * 3 // 10)
    )
    assert found == {"categories"}
    assert verdict == INVESTIGATE


def test_the_mix_of_categories_is_recovered_from_probabilities_alone() -> None:
    rng = np.random.default_rng(0)
    prior, recent = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    true = rng.choice(3, 6000, p=recent)
    evidence = rng.normal(np.eye(3)[true] * 1.5, 1.0)  # unit noise around three points: the posterior is known exactly
    odds = prior * np.exp(1.5 * evidence)
    posterior = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    assert np.abs(posterior.mean(axis=0) - recent).max() > 0.1, "counting predictions is not enough"
    assert np.abs(label_shift(prior, posterior) - recent).max() < 0.03


def test_the_command_says_what_to_do(tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def write(name: str, rows: list[str]) -> str:
        (tmp_path / name).write_text("description\n" + "\n".join(rows) + "\n", "utf-8")
        return str(tmp_path / name)

    quiet = write("quiet.csv", lines(merchants(1), 2, 2000))
    common = ["--reference", quiet, "--model", str(tiny_path), "--json", str(tmp_path / "out.json")]
    assert main(["drift", write("same.csv", lines(merchants(1), 21)), *common]) == 0
    assert "verdict: not yet" in capsys.readouterr().out
    assert main(["drift", write("other.csv", [f"лавка {i % 90}улица" for i in range(400)]), *common]) == 1
    assert "verdict: retrain now" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["verdict"] == RETRAIN


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("text\nA\n", "expected a column 'description'"), ("description\nCOFFEE\n", "expected at least 200")],
)
def test_a_wrong_file_is_one_clear_line(
    content: str, complaint: str, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recent.csv").write_text(content)
    file = str(tmp_path / "recent.csv")
    assert main(["drift", file, "--reference", file, "--model", str(tiny_path)]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_a_count_column_is_honoured(tmp_path: Path) -> None:
    (tmp_path / "counted.csv").write_text("description,count\nCOFFEE,3\nTEA,1\n")
    assert traffic.read_lines(tmp_path / "counted.csv", "description") == ["COFFEE"] * 3 + ["TEA"]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("CAFE", "latin"),
        ("CAFÉ", "latin, accents"),
        ("КАФЕ", "cyrillic"),
        ("スターバックス", "katakana"),
        ("12", "none"),
    ],
)
def test_the_script_of_most_letters_counts(text: str, script: str) -> None:
    assert traffic.script(text) == script
