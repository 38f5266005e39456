"""The committed tiny bundle is what its generator writes, and knows its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from merchant_classifier import MerchantClassifier, bundle

generator = pytest.importorskip("tests.tiny_bundle", reason="the generator needs onnx")


def test_committed_files_are_what_the_generator_writes(tmp_path: Path, tiny_path: Path) -> None:
    generator.build(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in tiny_path.iterdir()}
    for name in (bundle.NETWORK, bundle.WORD_TABLE, bundle.LABELS, bundle.NEIGHBOUR_NAMES):
        assert (tmp_path / name).read_bytes() == (tiny_path / name).read_bytes(), name


def test_committed_neighbours_are_within_a_step_of_the_generators(tmp_path: Path, tiny_path: Path) -> None:
    """They come out of a forward pass, whose last bit differs between processors."""
    generator.build(tmp_path)
    made, committed = (np.load(folder / bundle.NEIGHBOUR_VECTORS).astype(int) for folder in (tmp_path, tiny_path))
    assert np.abs(made - committed).max() <= 1


def test_every_known_word_gives_its_code(tiny: MerchantClassifier) -> None:
    words = generator.keywords()
    answers = tiny.predict_many(list(words))
    assert {word: answer.mcc for word, answer in zip(words, answers, strict=True)} == words


def test_unknown_words_are_not_answered(tiny: MerchantClassifier) -> None:
    answers = tiny.predict_many(["qwertz", "zzz", "acme widgets", "0815"])
    assert [answer.mcc for answer in answers] == [None] * 4


def test_it_stays_tiny(tiny_path: Path) -> None:
    assert sum(path.stat().st_size for path in tiny_path.iterdir()) < 120_000
