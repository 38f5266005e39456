"""Whatever a description holds, there is an answer, and it is well formed; whatever the disk is like, a model loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchant_classifier import MerchantClassifier, Mode, Prediction, Reason

STRANGE = {
    "empty": "",
    "blank": " \t\r\n\u00a0\u3000",
    "NULs": "\0\0COFFEE\0",
    "controls": "".join(map(chr, range(32))),
    "lone surrogates": "\ud800COFFEE\udfff",
    "right to left": "\u202eEEFFOC\u202c \u200fקפה\u200e",
    "homoglyphs": "ՍΒΕR ТАХI",
    "zero width": "CO\u200bF\u200dF\u2060EE\ufeff",
    "combining": "C" + "\u0301" * 5000 + "OFFEE",
    "emoji": "☕️👩‍👩‍👧‍👦🏳️‍🌈",
    "one phrase sign": "\ufdfa" * 300,
    "scripts": "咖啡 コーヒー 커피 กาแฟ कॉफ़ी قهوة קפה кофе καφές",
    "outside the plane": "𝕮𝕺𝕱𝕱𝕰𝕰 𒀀𓀀",
    "private use": "\ue000\U0010ffff",
    "digits": "٣٤٥ ૧૨ 12345678901234567890",
    "stars": "*" * 500,
    "phrases": "POS PURCHASE " * 50,
    "html": "&amp;lt;&#0;&#x110000;",
    "a megabyte": "COFFEE " * 150_000,
    "a megabyte without spaces": "x" * 1_000_000,
    "a megabyte of astral signs": "\U0001f600" * 1_000_000,
}


def assert_well_formed(answer: Prediction, classifier: MerchantClassifier) -> None:
    """What holds of every answer."""
    codes = {label.mcc for label in classifier.decider.labels}
    assert 0.0 <= answer.confidence <= 1.0
    assert answer.mcc in codes | {None}
    assert (answer.label is not None) == (answer.reason in {Reason.CONFIDENT})
    assert (answer.category is None) == (answer.reason in {Reason.LOW_CONFIDENCE, Reason.NO_TEXT})
    confidences = [candidate.confidence for candidate in answer.candidates]
    assert confidences == sorted(confidences, reverse=True)
    assert bool(confidences) == (answer.reason is not Reason.NO_TEXT)
    assert answer.model_version == classifier.version


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts_get_well_formed_answers(tiny: MerchantClassifier, text: str) -> None:
    assert_well_formed(tiny.predict(text), tiny)
    assert tiny.predict_many(["coffee", text, "hotel"])[1] == tiny.predict(text)


@given(st.text(st.characters(exclude_categories=()), max_size=80), st.sampled_from(Mode))
@settings(max_examples=300, deadline=None)
def test_every_text_gets_a_well_formed_answer(tiny: MerchantClassifier, text: str, mode: Mode) -> None:
    assert_well_formed(tiny.predict(text, mode=mode), tiny)


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=40), max_size=8))
@settings(max_examples=100, deadline=None)
def test_an_answer_does_not_depend_on_its_neighbours(tiny: MerchantClassifier, texts: list[str]) -> None:
    assert tiny.predict_many(texts) == [tiny.predict(text) for text in texts]


def test_a_best_guess_always_answers_where_there_is_text(tiny: MerchantClassifier) -> None:
    for text in STRANGE.values():
        answer = tiny.predict(text, mode="best_guess")
        assert answer.reason in {Reason.CONFIDENT, Reason.NOT_A_MERCHANT, Reason.NO_TEXT}


@pytest.mark.parametrize("wrong", [None, 7, b"coffee", ["coffee"], 1.5])
def test_what_is_no_string_is_a_type_error(tiny: MerchantClassifier, wrong: object) -> None:
    with pytest.raises(TypeError, match="must be str"):
        tiny.predict(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be str"):
        tiny.predict_many(["coffee", wrong])  # type: ignore[list-item]


def test_one_string_is_no_list_of_descriptions(tiny: MerchantClassifier) -> None:
    with pytest.raises(TypeError, match="several"):
        tiny.predict_many("coffee")


def test_no_descriptions_get_no_answers(tiny: MerchantClassifier) -> None:
    assert tiny.predict_many([]) == []
    assert tiny.logits([]).shape == (0, len(tiny.labels))


def test_a_generator_is_read_once(tiny: MerchantClassifier) -> None:
    assert tiny.predict_many(text for text in ("coffee", "hotel")) == tiny.predict_many(["coffee", "hotel"])


@pytest.mark.parametrize("options", [{"threads": 0}, {"memo": -1}, {"mode": "sure"}])
def test_wrong_options_are_value_errors(tiny_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
        MerchantClassifier.load(tiny_path, **options)  # type: ignore[arg-type]


def test_loading_and_answering_write_nothing(tiny_path: Path, tmp_path: Path) -> None:
    """Every file that is opened for writing, made or removed raises: as on a read-only disk without a home."""
    program = """
import sys
def audit(event, arguments):
    writes = event == "open" and (set(str(arguments[1])) & set("wax+") or arguments[2] & 0o3103)
    if writes or event in {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "tempfile.mkstemp"}:
        raise PermissionError(f"read-only: {event} {arguments}")
sys.dont_write_bytecode = True
sys.addaudithook(audit)
from merchant_classifier import MerchantClassifier
print(MerchantClassifier.load(sys.argv[1]).predict("coffee").mcc)
"""
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2] / "serve"),
        "HOME": str(tmp_path / "none"),
        "TMPDIR": "/none",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_path)],
        capture_output=True,
        text=True,
        env={**environment, "PATH": os.environ.get("PATH", "")},
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("5814", 0), done.stderr
    assert not (tmp_path / "none").exists()  # native code escapes the audit


def test_the_runtime_sends_no_telemetry(tiny_path: Path, tmp_path: Path) -> None:
    """onnxruntime's official builds do by default: from a thread of their own, with an identifier kept in the home."""
    program = """
import os, sys
from merchant_classifier import MerchantClassifier
MerchantClassifier.load(sys.argv[1]).predict("coffee")
tasks = "/proc/self/task"
print(os.environ["ORT_DISABLE_TELEMETRY"], len(os.listdir(tasks)) if os.path.isdir(tasks) else 1)
"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    source = str(Path(__file__).parents[2] / "serve")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_path)],
        capture_output=True,
        text=True,
        # BLAS libraries start threads too.
        env={**environment, "PYTHONPATH": source, "HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
        check=True,
    )
    assert done.stdout.split() == ["1", "1"]
    assert list(tmp_path.iterdir()) == []
