"""The neighbour search is exact, in a large index nearly so, and a damaged index is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from merchant_classifier import MerchantClassifier, bundle
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.neighbours import EXACT, STEPS, Neighbour, Neighbours, majority
from tests.tiny_bundle import keywords


def unit_rows(seed: int, rows: int, axes: float) -> NDArray[np.float32]:
    """Random unit vectors of size 24 whose later coordinates are smaller by a power of `axes`."""
    drawn = np.random.default_rng(seed).standard_normal((rows, 24)) * axes ** np.arange(24)
    rows_of_length_one: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return rows_of_length_one


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1, 3, 100, 9000]), st.sampled_from([1.0, 0.8]), st.integers(1, 20))
def test_the_search_finds_exactly_what_comparing_with_all_finds(seed: int, rows: int, axes: float, count: int) -> None:
    index = Neighbours.of(unit_rows(seed, rows, axes), ["a\tb\tc"] * rows)
    for vector in unit_rows(seed + 1, 3, axes):
        similarities = index.similarities(vector, np.arange(rows))
        expected = np.argsort(-similarities, kind="stable")[:count]
        positions, found = index.search(vector, count)
        assert positions.tolist() == expected.tolist()
        assert found.tolist() == similarities[expected].tolist()


@pytest.fixture(scope="module")
def large() -> tuple[Neighbours, NDArray[np.float32]]:
    """An index just large enough to be searched by groups, and what it holds: merchants around 300 centres."""
    centres = unit_rows(5, 300, 1.0)
    rows = centres[np.arange(EXACT + 1) % 300] + 0.5 * unit_rows(6, EXACT + 1, 1.0)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Neighbours.of(vectors, ["a\tb\tc"] * len(vectors)), vectors


def test_a_large_index_finds_nearly_all_that_comparing_with_all_finds(
    large: tuple[Neighbours, NDArray[np.float32]],
) -> None:
    index, vectors = large
    shares = []
    for vector in vectors[::1000] + 0.1 * unit_rows(7, 33, 1.0):
        query = (vector / np.linalg.norm(vector)).astype(np.float32)
        similarities = index.similarities(query, np.arange(len(vectors)))
        positions, found = index.search(query, 10)
        assert found.tolist() == similarities[positions].tolist() == sorted(found.tolist(), reverse=True)
        shares.append((found >= np.sort(similarities)[-10]).mean())
    assert np.mean(shares) > 0.97


def test_a_merchant_of_a_large_index_finds_itself(large: tuple[Neighbours, NDArray[np.float32]]) -> None:
    index, vectors = large
    for place in range(0, len(vectors), 2000):
        positions, found = index.search(vectors[place], 3)
        assert place in positions
        assert found[0] == pytest.approx(1, abs=0.02)


def test_rounding_moves_a_similarity_by_less_than_two_hundredths() -> None:
    vectors = unit_rows(1, 400, 0.9)
    index = Neighbours.of(vectors, ["a\tb\tc"] * len(vectors))
    for vector in unit_rows(2, 20, 0.9):
        assert np.abs(index.similarities(vector, np.arange(400)) - vectors @ vector).max() < 0.02


def test_a_merchant_is_its_own_nearest_neighbour() -> None:
    names = [f"shop {i}\t58{i:02}\tours" for i in range(60)]
    vectors = unit_rows(3, 60, 1.0)
    (first,) = Neighbours.of(vectors, names).nearest(vectors[42], 1)
    assert (first.name, first.label, first.source) == ("shop 42", "5842", "ours")
    assert first.similarity == pytest.approx(1, abs=0.01)


def test_an_empty_index_has_no_neighbours() -> None:
    assert Neighbours(np.zeros((0, 24), np.int8), b"").nearest(unit_rows(4, 1, 1.0)[0], 5) == []


@pytest.mark.parametrize(
    ("vectors", "names"),
    [
        (np.zeros((2, 64), np.float32), "a\tb\tc\n" * 2),
        (np.zeros((2, 63), np.int8), "a\tb\tc\n" * 2),
        (np.zeros((2, 64), np.int8), "a\tb\tc\n"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(tiny_path: Path, vectors: NDArray[np.generic], names: str) -> None:
    whole = bundle.read(tiny_path)
    file = io.BytesIO()
    np.save(file, vectors)
    broken = {bundle.NEIGHBOUR_VECTORS: file.getvalue(), bundle.NEIGHBOUR_NAMES: names.encode()}
    with pytest.raises(BundleCorrupt):
        Neighbours.from_bundle(replace(whole, files={**whole.files, **broken}), 64)


def test_the_majority_is_the_commonest_label_and_of_several_the_nearest() -> None:
    def near(*labels: str) -> list[Neighbour]:
        return [Neighbour("x", label, 0.5, "ours") for label in labels]

    assert majority(near("a", "b", "b")) == "b"
    assert majority(near("a", "b", "b", "a")) == "a"
    assert majority([]) is None


def test_every_known_word_is_explained_by_itself(tiny: MerchantClassifier) -> None:
    for word, mcc in keywords().items():
        evidence = tiny.explain(word)
        assert evidence.neighbours[0].label == (mcc or "not_a_merchant")
        assert evidence.neighbours[0].similarity > 0.99
        assert evidence.prediction == tiny.predict(word)


def test_the_flag_tells_whether_the_majority_is_the_networks_answer(tiny: MerchantClassifier) -> None:
    texts = [f"{first} {second}" for first in ("coffee", "hotel", "xyz") for second in ("pet", "taxi", "qqq")]
    found = [tiny.explain(text) for text in texts]
    assert {evidence.agree for evidence in found} == {True, False}
    for evidence in found:
        assert evidence.agree == (evidence.majority == evidence.prediction.model_mcc)


def test_nothing_readable_has_no_evidence(tiny: MerchantClassifier) -> None:
    evidence = tiny.explain("---")
    assert (evidence.neighbours, evidence.majority, evidence.agree) == ((), None, None)


def test_similarities_are_whole_numbers_of_steps(tiny: MerchantClassifier) -> None:
    for neighbour in tiny.explain("coffee qwertz").neighbours:
        assert (neighbour.similarity * STEPS**2) == pytest.approx(round(neighbour.similarity * STEPS**2), abs=0.01)
