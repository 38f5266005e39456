"""Words become vectors by fixed rules: what the trained table was made for is what serving computes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from merchant_classifier import encoding
from merchant_classifier.encoding import Encoder, pair_features, word_features

BUCKETS, DIMENSIONS = 97, 8


class FloatTable:
    """A table of plain numbers, the same every time."""

    def __init__(self) -> None:
        self.numbers = np.random.default_rng(0).normal(size=(BUCKETS, DIMENSIONS)).astype(np.float32)
        self.shape = (BUCKETS, DIMENSIONS)

    def rows(self, indices: Sequence[int] | Sequence[Sequence[int]]) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = self.numbers[np.array(indices)]
        return rows


@pytest.fixture
def encoder() -> Encoder:
    return Encoder(FloatTable())


def test_a_word_is_itself_and_its_character_ngrams_of_three_to_five() -> None:
    expected = ["<cafe>", "<ca", "caf", "afe", "fe>", "<caf", "cafe", "afe>", "<cafe", "cafe>"]
    assert word_features("cafe", 10_000) == [crc32(part.encode()) % 10_000 for part in expected]


def test_a_word_of_another_script_starts_at_single_characters() -> None:
    expected = ["<寿司>", "<", "寿", "司", ">", "<寿", "寿司", "司>", "<寿司", "寿司>"]
    assert word_features("寿司", 10_000) == [crc32(part.encode()) % 10_000 for part in expected]


def test_one_letter_still_has_features() -> None:
    assert word_features("x", 10_000) == [crc32(b"<x>") % 10_000, crc32(b"<x>") % 10_000]


def test_pairs_join_neighbours_and_the_start_counts() -> None:
    expected = ["^ blue", "blue door", "door coffee"]
    assert pair_features(["blue", "door", "coffee"], 10_000) == [crc32(part.encode()) % 10_000 for part in expected]


@given(word=st.text(min_size=1, max_size=30), buckets=st.integers(1, 5000))
@settings(max_examples=100, deadline=None)
def test_features_are_rows_of_the_table(word: str, buckets: int) -> None:
    word = word.encode("utf-8", "ignore").decode() or "x"  # the normaliser lets no lone surrogate through
    assert all(0 <= row < buckets for row in word_features(word, buckets))


def test_a_words_vector_is_the_sum_of_its_rows(encoder: Encoder) -> None:
    rows = word_features("coffee", BUCKETS)
    expected = FloatTable().rows(rows).sum(axis=0)
    np.testing.assert_allclose(encoder.encode([["coffee"]])[0, 1], expected, rtol=1e-5)


def test_position_zero_is_the_sum_of_the_pairs(encoder: Encoder) -> None:
    rows = pair_features(["blue", "door"], BUCKETS)
    expected = FloatTable().rows(rows).sum(axis=0)
    np.testing.assert_allclose(encoder.encode([["blue", "door"]])[0, 0], expected, rtol=1e-5)


def test_shape_is_rows_by_one_more_than_words(encoder: Encoder) -> None:
    vectors = encoder.encode([["blue", "door", "coffee"], ["old", "oak", "inn"]])
    assert vectors.shape == (2, 4, DIMENSIONS)
    assert vectors.dtype == np.float32


def test_a_word_is_the_same_wherever_it_stands(encoder: Encoder) -> None:
    vectors = encoder.encode([["inn", "oak"], ["oak", "inn"]])
    np.testing.assert_array_equal(vectors[0, 1], vectors[1, 2])


def test_a_remembered_word_is_bit_identical_to_a_fresh_one() -> None:
    warm, cold = Encoder(FloatTable()), Encoder(FloatTable())
    first = warm.encode([["coffee", "house"]])
    np.testing.assert_array_equal(warm.encode([["coffee", "house"]]), first)
    np.testing.assert_array_equal(cold.encode([["coffee", "house"]]), first)


def test_memory_of_words_is_bounded_and_answers_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {f"w{i}": Encoder(FloatTable()).encode([[f"w{i}"]]) for i in range(40)}
    monkeypatch.setattr(encoding, "REMEMBERED_WORDS", 16)
    small = Encoder(FloatTable())
    for _ in range(3):
        for word, vectors in expected.items():
            np.testing.assert_array_equal(small.encode([[word]]), vectors)


def test_threads_that_share_an_encoder_get_the_same_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{i}" for i in range(60)]
    expected = [Encoder(FloatTable()).encode([[word, "shop"]]) for word in words]
    monkeypatch.setattr(encoding, "REMEMBERED_WORDS", 16)  # so that the memory is emptied under the readers
    shared = Encoder(FloatTable())

    def wrong(_: int) -> list[str]:
        return [
            word
            for _ in range(5)
            for word, vectors in zip(words, expected, strict=True)
            if not np.array_equal(shared.encode([[word, "shop"]]), vectors)
        ]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(wrong, range(8))) == [[]] * 8
