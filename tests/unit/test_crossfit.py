"""The cross-fitted teacher answers every row by models that have not read its merchant."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from merchant_classifier.errors import InputError
from train import baselines, collect, config, crossfit, distill, encoder, fit, runs, split, teaching
from train.baselines import Predict, Probabilities
from train.config import Config
from train.rows import TrainingRows, read_rows

pytestmark = pytest.mark.train

TRADES = {"coffee": "espresso", "fuel": "petrol", "books": "library"}
PLACES = "north river oak star blue green king hill lake pine city grand sunny".split()
NAMES = ["books", "coffee", "fuel"]
CONFIGURATION = """
name = "crossfit"
threads = 1
[data]
labels = "own"
validation_percent = 15
test_percent = 15
sources = [{ adapter = "labelled", path = "rows.csv", distill = 0.5 }]
[teacher]
kind = "crossfit"
epochs = 15
[student]
buckets = 2000
dimensions = 16
width = 16
heads = 2
hidden = 16
batch = 16
epochs = 1
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """The arguments of the stages of a run whose rows are split."""
    monkeypatch.chdir(tmp_path)
    lines = [
        f"{place}{other}er {word},{label}" for label, word in TRADES.items() for place in PLACES for other in PLACES
    ]
    Path("rows.csv").write_text("\n".join(["text,label", *lines]), "utf-8")
    Path("toy.toml").write_text(CONFIGURATION, "utf-8")
    args = argparse.Namespace(config="toy.toml", fold=None, branch=None)
    collect.run(args)
    split.run(args)
    return args


def test_a_row_is_answered_by_models_of_other_merchants(
    toy: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[set[str]] = []

    def model(_: Config, rows: TrainingRows, names: list[str], fold: int) -> Predict:
        read.append(set(rows.keys))
        answer = np.array([0.7, 0.2, 0.1], np.float32) if fold else np.array([0.1, 0.3, 0.6], np.float32)
        return lambda lines: np.tile(answer, (len(lines), 1))

    monkeypatch.setattr(crossfit, "_model", model)
    settings = config.load(toy.config)
    rows = read_rows(settings, NAMES)
    labels, probabilities = crossfit.soft_labels(settings, rows, NAMES, 2)
    answered_by = [int(best == 0) for best in labels[:, 0]]
    assert set(answered_by) == {0, 1}
    assert all(key not in read[fold] for key, fold in zip(rows.keys, answered_by, strict=True))
    assert read[0] | read[1] == set(rows.keys)
    assert labels[answered_by.index(1)].tolist() == [0, 1]
    assert probabilities[answered_by.index(1)].tolist() == pytest.approx([0.7, 0.2], abs=1e-3)


def always(*answer: float) -> Predict:
    return lambda lines: np.tile(np.array(answer, np.float32), (len(lines), 1))


def note_trained_folds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Models that are not trained; the list fills with the folds they were asked for."""
    trained: list[int] = []

    def model(_: Config, rows: TrainingRows, names: list[str], fold: int) -> Predict:
        trained.append(fold)
        return always(0.7, 0.2, 0.1) if fold else always(0.1, 0.3, 0.6)

    monkeypatch.setattr(crossfit, "_model", model)
    return trained


def test_the_teacher_is_a_student_and_the_simple_models_and_an_encoder_in_equal_parts(
    toy: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    simple = {"fastText": always(1.0, 0.0, 0.0), "tf-idf linear": always(0.0, 1.0, 0.0)}
    monkeypatch.setattr(crossfit, "_student", lambda *_: always(0.0, 0.0, 1.0))
    monkeypatch.setattr(encoder, "fine_tuned", lambda *_: always(1.0, 0.0, 0.0))
    monkeypatch.setattr(baselines, "BASELINES", {name: lambda _, p=p: p for name, p in simple.items()})
    settings = config.load(toy.config)
    rows = read_rows(settings, NAMES)

    def answer(**teacher: object) -> list[float]:
        changed = replace(settings, teacher=replace(settings.teacher, **teacher))  # type: ignore[arg-type]
        return crossfit._model(changed, rows, NAMES, 0)(["a"])[0].tolist()  # type: ignore[no-any-return]

    assert answer() == [0.25, 0.25, 0.5]
    assert answer(simple=()) == [0.0, 0.0, 1.0]
    assert answer(simple=("fastText",), encoder_epochs=1.0) == pytest.approx([2 / 3, 0.0, 1 / 3])
    with pytest.raises(InputError, match="expected some of fastText, tf-idf linear, found 'oracle'"):
        answer(simple=("oracle",))
    monkeypatch.setitem(baselines.BASELINES, "fastText", lambda _: None)
    assert answer() == [0.0, 0.5, 0.5]


def test_folds_can_be_trained_side_by_side_and_are_not_trained_again(
    toy: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = note_trained_folds(monkeypatch)
    settings = config.load(toy.config)
    for fold in (1, 0):
        assert fit.run(argparse.Namespace(config=toy.config, fold=fold)) == 0
        assert not (settings.build / runs.SOFT_LABELS).exists()
    assert trained == [1, 0]
    assert fit.run(toy) == 0
    assert trained == [1, 0]
    rows = read_rows(settings, NAMES)
    assert rows.soft is not None
    assert set(rows.soft.labels[:, 0].tolist()) == {0, 2}
    fit.run(toy)
    assert trained == [1, 0, 0, 1]  # soft labels written, the folds' answers were let go
    with pytest.raises(InputError, match="expected 0 to 1, found 2"):
        fit.run(argparse.Namespace(config=toy.config, fold=2))


def test_answers_of_a_fold_of_another_configuration_are_not_taken(
    toy: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = note_trained_folds(monkeypatch)
    settings = config.load(toy.config)
    rows = read_rows(settings, NAMES)
    other = replace(settings, student=replace(settings.student, width=32))
    for asked in (settings, settings, other, other, settings):
        crossfit.fold_answers(asked, rows, NAMES, 2, 1)
    assert trained == [1, 1, 1]


def test_student_and_baselines_meet_the_teacher(toy: argparse.Namespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit.run(toy) == 0
    settings = config.load(toy.config)
    rows = read_rows(settings, NAMES)
    assert rows.soft is not None
    assert set(rows.distill.tolist()) == {0.5}
    # The trade's word stands in the rows of other merchants, so the models know it.
    assert np.mean(rows.soft.labels[:, 0] == rows.targets) > 0.8
    assert distill.run(toy) == 0
    assert (settings.build / runs.STUDENT).exists()
    found = baselines.BASELINES["teacher"](baselines.Training([], rows.targets, rows.weights, rows.repeat, 3, settings))
    assert found is not None
    with pytest.raises(InputError, match="run the stage fit again"):
        found(["a line nobody asked about"])
    asked = crossfit.evaluated_lines(settings, NAMES)
    answers: Probabilities = found(asked)
    named = np.array([NAMES[best] for best in answers.argmax(axis=1)])
    expected = np.array(
        [
            next(label for label, word in TRADES.items() if word[:3] in line)
            if any(w[:3] in line for w in TRADES.values())
            else ""
            for line in asked
        ]
    )
    assert np.mean(named[expected != ""] == expected[expected != ""]) > 0.8
    assert not list(settings.build.glob("teacher/*"))


def test_students_can_be_trained_side_by_side(toy: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(toy.config).open("a", encoding="utf-8") as file:
        file.write("branches = 2\nrounds = 2\nsettle_steps = 0\n")
    build = config.load(toy.config).build
    for branch in (0, 1, 0, 1, 0):
        distill.run(argparse.Namespace(config=toy.config, branch=branch))
        assert not (build / runs.STUDENT).exists()
    monkeypatch.setattr(teaching._Trainer, "_step", lambda *_: pytest.fail("both were trained already"))
    assert distill.run(toy) == 0
    assert (build / runs.STUDENT).exists()
    with pytest.raises(InputError, match="--branch: expected 0 to 1, found 2"):
        distill.run(argparse.Namespace(config=toy.config, branch=2))


def test_the_students_of_a_teacher_start_afresh(toy: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(teaching, "train", lambda config, *_: started.append(config.student.start))
    settings = config.load(toy.config)
    settings.build.mkdir(exist_ok=True)
    goes_on = replace(settings, student=replace(settings.student, start="build/former"))
    crossfit._student(goes_on, read_rows(settings, NAMES), NAMES, 0)
    assert started == [""]


@pytest.mark.parametrize(
    ("line", "message"), [('kind = "guess"', "expected encoder or crossfit"), ("folds = 1", "expected 2 or more")]
)
def test_an_impossible_teacher_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(f"[teacher]\n{line}\n", "utf-8")
    with pytest.raises(InputError, match=message):
        config.load(path)
