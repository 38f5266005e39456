"""Which merchants enter a bundle's index: only shown sources, a fair share a label, spread over what it covers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from merchant_classifier import MerchantClassifier, bundle
from merchant_classifier.neighbours import STEPS
from train import neighbours

Rows = list[tuple[str, str, str, float, str, str, str]]


def split(folder: Path, rows: Rows) -> Path:
    names = ["text", "label", "source", "weight", "words", "key", "part"]
    path = folder / "split.parquet"
    pq.write_table(pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)}), path)
    return path


def candidates(folder: Path, rows: Rows) -> list[str]:
    return [merchant.text for merchant in neighbours.candidates(split(folder, rows))]


def test_only_training_rows_of_shown_sources_are_candidates(tmp_path: Path) -> None:
    rows = [
        ("Shown", "5814", "curated-real", 1.0, "shown", "shown", "train"),
        ("Register", "5814", "register-x", 1.0, "register", "register", "train"),
        ("Test", "5814", "curated-real", 1.0, "test", "test", "test"),
        ("...", "5814", "curated-real", 1.0, "", "", "train"),
    ]
    assert candidates(tmp_path, rows) == ["Shown"]


def test_the_most_trusted_spelling_of_a_merchant_stands_for_it(tmp_path: Path) -> None:
    rows = [
        ("Cafe Eins", "5814", "curated-real", 0.5, "cafe eins", "cafe", "train"),
        ("Cafe Zwei", "5814", "curated-real", 1.0, "cafe zwei", "cafe", "train"),
        ("Cafe Drei", "5812", "curated-real", 0.5, "cafe drei", "cafe", "train"),
    ]
    assert candidates(tmp_path, rows) == ["Cafe Zwei", "Cafe Drei"]


def test_frequent_merchants_come_first_and_always_enter(tmp_path: Path) -> None:
    rows = [
        ("Markt Eins", "5411", "curated-real", 1.0, "markt eins", "eins", "train"),
        ("ALDI", "5411", "curated-frequent", 0.5, "aldi", "aldi", "train"),
        ("Aldi Markt", "5411", "curated-real", 1.0, "aldi markt", "aldi", "train"),
    ]
    assert candidates(tmp_path, rows) == ["ALDI", "Markt Eins"]
    alike = np.ones((4, 1), np.float32)
    assert neighbours.choose(["a", "a", "a", "b"], alike, 3, always=2).tolist() == [0, 1, 3]
    assert neighbours.choose(["a", "a", "a", "b"], alike, 1, always=2).tolist() == [0]
    assert neighbours.choose(["b", "a", "a", "a"], alike, 2).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("sizes", "places", "expected"),
    [([5, 1, 9], 9, [4, 1, 4]), ([2, 2], 10, [2, 2]), ([], 5, []), ([3, 3], 0, [0, 0]), ([1, 100], 50, [1, 49])],
)
def test_small_labels_keep_all_and_large_ones_share_the_rest(
    sizes: list[int], places: int, expected: list[int]
) -> None:
    assert neighbours.fair_share(sizes, places) == expected


def test_look_alikes_wait_until_others_had_their_turn() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 0, 2]]
    assert neighbours.spread(vectors, 3) == [0, 2, 4]
    assert neighbours.spread(vectors, 4) == [0, 2, 4, 1]
    assert neighbours.spread(vectors, 9) == [0, 1, 2, 3, 4]


def test_choosing_nothing_from_nothing() -> None:
    assert neighbours.choose([], np.zeros((0, 4), np.float32), 10).tolist() == []


def test_what_is_written_is_what_serving_reads(tiny: MerchantClassifier, tiny_copy: Path, tmp_path: Path) -> None:
    path = split(
        tmp_path,
        [
            ("Hotel Eins", "7011", "curated-real", 1.0, "hotel eins", "eins", "train"),
            ("Kino Zwei", "7832", "hand-written", 1.0, "kino zwei", "zwei", "train"),
        ],
    )
    assert neighbours.write_index(tiny_copy, tiny, path) == 2
    lines = (tiny_copy / bundle.NEIGHBOUR_NAMES).read_text("utf-8").splitlines()
    assert sorted(lines) == ["Hotel Eins\t7011\tcurated-real", "Kino Zwei\t7832\thand-written"]
    vectors = np.load(tiny_copy / bundle.NEIGHBOUR_VECTORS)
    exact = tiny.represent([line.split("\t")[0] for line in lines])
    assert vectors.dtype == np.int8
    assert np.abs(vectors / STEPS - exact).max() <= 0.5 / STEPS + 1e-6
