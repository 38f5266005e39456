"""What models are scored on: every kind of row apart, and nothing that training holds among the unseen."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train import runs, trained
from train.calibrate import unseen_rows
from train.config import Config, Data, Student
from train.evaluation import EvaluationSet, evaluation_sets
from train.trained import Trained

COLUMNS = ("text", "label", "source", "country", "key", "part", "words", "weight")
FRESH = Student()


def drawn(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, str, str]], student: Student = FRESH
) -> dict[str, EvaluationSet]:
    """The sets of rows given as text, source and part."""
    monkeypatch.chdir(folder)
    config = Config("toy", data=Data(labels="own"), student=student)
    write_split(config.build, rows)
    return {found.name: found for found in evaluation_sets(config, ["x"])}


def write_split(build: Path, rows: list[tuple[str, str, str]]) -> None:
    build.mkdir(parents=True)
    full = [(text, "x", source, "GB", text.lower(), part, text.lower(), 1.0) for text, source, part in rows]
    columns = dict(zip(COLUMNS, (list(column) for column in zip(*full, strict=True)), strict=True))
    pq.write_table(pa.table(columns), build / runs.SPLIT)


def test_frequent_and_other_known_merchants_are_sets_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("Tesco", "curated-frequent", "train"), ("Londis", "curated-real", "train"), ("Cafe", "toronto", "train")]
    sets = drawn(tmp_path, monkeypatch, rows)
    assert {name: found.merchants for name, found in sets.items() if name != "seen"} == {
        "seen curated-frequent": ["tesco"],
        "seen curated-real": ["londis"],
    }
    assert sorted(sets["seen"].merchants) == ["cafe", "londis", "tesco"]
    assert all(found.seen for found in sets.values())


def test_an_unseen_line_that_stands_in_training_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"Harbour {word}" for word in ("Espresso", "Garage", "Books", "Dental", "Sushi", "Kennels")]
    cut = [("Harbour", "curated-real", "train")]
    unseen = [(name, "curated-independent", "test") for name in names]
    found = drawn(tmp_path, monkeypatch, [*cut, *unseen, ("Harbour", "curated-independent", "test")])
    assert "harbour" not in found["unseen curated-independent"].merchants
    assert set(found["unseen curated-independent"].merchants) <= {name.lower() for name in names}
    assert not found["unseen curated-independent"].seen


def test_a_merchant_that_a_former_student_was_trained_on_is_not_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = tmp_path / "former"
    rows = [("Harbour Books", "curated-real", "train"), ("CityBus", "curated-real", "train")]
    write_split(former, [*rows, ("Harbour Sushi", "curated-real", "test")])
    Trained.of_split(former).write(former / trained.FILE)
    student = Student(start=str(former))
    names = ["Harbour Books", "City Bus", "Harbour Sushi"]
    rows = [(name, "curated-real", part) for name in names for part in ("test", "validation", "later")]
    found = drawn(tmp_path, monkeypatch, [("Harbour", "curated-real", "train"), *rows], student)
    assert found["unseen curated-real"].merchants == ["harbour sushi"]
    assert found["unseen later"].merchants == ["harbour sushi"]
    asked = unseen_rows(Config("toy", data=Data(labels="own"), student=student), random.Random(1))
    assert [row.merchant for row in asked] == ["harbour sushi"]
