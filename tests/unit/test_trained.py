"""What a model was trained on is never forgotten, costs few others, and names nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from merchant_classifier import bundle
from merchant_classifier.errors import InputError
from train import former, shelf, trained
from train.config import SHIPPED, Config, Student
from train.trained import NOTHING, Trained

ROWS = [(f"owner {number}", f"shop {number:b} owner".translate(str.maketrans("01", "ab"))) for number in range(4000)]


def others(filled: Trained) -> float:
    """Share of merchants never trained on that are taken for trained ones."""
    return float(np.mean([filled.has(f"other {number}", f"name {chr(65 + number % 26)}") for number in range(4000)]))


def test_every_merchant_and_every_spelling_is_known_and_few_others() -> None:
    filled = Trained.of(ROWS)
    assert all(filled.has(key, "") and filled.has("", words) for key, words in ROWS)
    assert filled.has("", "shopaowner"), "the letters alone count"
    assert others(filled) < 0.1
    assert not NOTHING.has(*ROWS[0])
    assert not filled.has("", "")
    assert not Trained.of([]).has(*ROWS[0])


def test_a_model_that_goes_on_knows_what_the_former_was_trained_on() -> None:
    former = Trained.of(ROWS[:10])
    on = Trained.of(ROWS[10:], former)
    assert len(on.bits) > len(former.bits), "or growing would not be tested"
    assert all(on.has(key, words) for key, words in ROWS)
    shrunk = Trained.of(ROWS[:10], Trained.of(ROWS[10:]))
    assert all(shrunk.has(key, words) for key, words in ROWS)
    assert others(on) < 0.1


def test_a_filter_grows_with_what_it_is_united_with() -> None:
    filled = Trained.of(ROWS)
    for generation in range(1, 4):
        filled = Trained.of([(f"{generation} {key}", f"{'cdefgh'[generation]} {words}") for key, words in ROWS], filled)
        assert others(filled) == pytest.approx(filled.mistaken, abs=0.04)
        assert filled.mistaken < 0.3, (
            "of one size it would be half after the first union, and nearly all after the third"
        )
    assert all(filled.has(key, words) for key, words in ROWS)
    assert len(Trained.of(ROWS, Trained.of(ROWS)).bits) == len(Trained.of(ROWS).bits), "known rows take no room"


def test_the_file_is_the_filter_and_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trained.npy"
    with pytest.raises(InputError, match=r"trained.npy: expected which merchants the model was trained on, found"):
        Trained.read(path)
    Trained.of(ROWS).write(path)
    assert path.stat().st_size < 10_000
    assert Trained.read(path).has(*ROWS[7])
    path.write_bytes(b"")
    with pytest.raises(InputError, match="expected which merchants"):
        Trained.read(path)
    np.save(path, np.zeros(3, np.uint8))
    with pytest.raises(InputError, match=r"expected uint8, a power of two of them, found uint8 \(3,\)"):
        Trained.read(path)


def test_a_model_cannot_begin_with_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MODELS", tmp_path)
    (tmp_path / "2026.1").mkdir()
    (tmp_path / bundle.CURRENT).write_text("2026.1\n", "utf-8")
    for name in (bundle.MANIFEST, trained.FILE):
        (tmp_path / "2026.1" / name).write_bytes(b"")
    later = Config("quarter", version="2026.2", student=Student(start=SHIPPED))
    assert former.directory(later) == tmp_path / "2026.1"
    assert [path.name for path in former.files(later)] == [bundle.MANIFEST, trained.FILE]
    same = replace(later, version="2026.1")
    for ask in (former.directory, former.files, former.trained_before):
        with pytest.raises(InputError, match=r"of the same version as this configuration.*raise `version`"):
            ask(same)
    assert former.files(replace(same, student=Student())) == []
