"""What to label next: frequent, unsure and unlike what is known comes first, and never twice the same."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.prediction import Candidate, Prediction, Reason
from train import label_next
from train.__main__ import main
from train.label_next import Pool


def prediction(confidence: float) -> Prediction:
    candidates = (Candidate("5411", "Supermarkets", confidence),)
    return Prediction(
        None, None, None, confidence, Reason.LOW_CONFIDENCE, None, "5411", candidates, "", None, "model", "test"
    )


def pool(volume: list[float], confidence: list[float], novelty: list[float], angles: list[float]) -> Pool:
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    texts = [f"shop {number}" for number in range(len(volume))]
    return Pool(texts, np.array(volume), [prediction(c) for c in confidence], vectors, np.array(novelty))


@pytest.mark.parametrize(
    "better",
    [
        pool([1, 100], [0.5, 0.5], [0.5, 0.5], [0, 1.5]),
        pool([10, 10], [0.9, 0.2], [0.5, 0.5], [0, 1.5]),
        pool([10, 10], [0.5, 0.5], [0.1, 0.8], [0, 1.5]),
    ],
    ids=["volume", "uncertainty", "novelty"],
)
def test_more_of_each_comes_first(better: Pool) -> None:
    assert label_next.choose(better, 1) == [1]


def test_a_near_copy_waits_behind_something_new() -> None:
    rows = pool([100, 99, 25], [0.5] * 3, [0.5] * 3, [0, 0.01, 1.5])
    assert label_next.choose(rows, 3) == [0, 2, 1]


def test_a_row_is_chosen_once_even_when_nothing_else_is_worth_anything() -> None:
    rows = pool([1, 1, 1], [0.5] * 3, [0.5] * 3, [0, 0, 0])
    assert sorted(label_next.choose(rows, 3)) == [0, 1, 2]


def test_what_the_index_knows_is_not_new(tiny: MerchantClassifier, tiny_path: Path) -> None:
    lines = ["STARBUCKS"] * 5 + ["QWORBLE ZINK"] * 5
    rows = label_next.gather(tiny, lines, label_next.labelled_vectors(tiny_path))
    novelty = dict(zip(rows.texts, rows.novelty, strict=True))
    assert novelty["STARBUCKS"] < 0.02
    assert novelty["QWORBLE ZINK"] > 0.1


def test_the_file_can_be_filled_in_and_fed_back(tiny_path: Path, tmp_path: Path) -> None:
    names = ["COFFEE ZORMIR", "QWORBLE ZINK", "VEXLOM 77", "SUSHI DUN"]
    (tmp_path / "recent.csv").write_text("description\n" + "\n".join(names * 3) + "\n")
    output = tmp_path / "todo.csv"
    arguments = [str(tmp_path / "recent.csv"), "-o", str(output), "--count", "3", "--model", str(tiny_path)]
    assert main(["label_next", *arguments]) == 0
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert {row["volume"] for row in rows} == {"3"}
    assert rows[0]["text"] in ("QWORBLE ZINK", "VEXLOM 77"), "known trades come later"

    from train.sources.labelled import read

    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"label": "5999"} for row in rows)
    assert [entry.label for entry in read(output)] == ["5999"] * 3  # type: ignore[union-attr]
