"""Stage label_next: the descriptors whose labels would teach the model most, as a CSV to fill in and feed back.

A line is worth its volume (square root: the hundredth payment teaches less than
the first), times how unsure the model is, times how far it is from every labelled
merchant and from the lines chosen before it, so that 200 rows are 200 merchants
and not 200 branches of one.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.prediction import Mode, Prediction
from train import runs, traffic

COLUMNS = ("text", "label", "country", "volume", "confidence", "novelty", "suggestions")
_STEPS = 127
_BLOCK = 256
_CANDIDATES = 20_000
"""Merchants looked at, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Merchants that could be labelled, a row each.

    Attributes:
        vectors: unit vectors, float32 (rows, size).
        novelty: 1 less the cosine to the nearest labelled merchant, in [0, 1]; 1 without any.
    """

    texts: list[str]
    volume: NDArray[np.float64]
    predictions: list[Prediction]
    vectors: NDArray[np.float32]
    novelty: NDArray[np.float64]

    @property
    def worth(self) -> NDArray[np.float64]:
        """Volume x uncertainty x novelty."""
        unsure = np.array([1 - p.candidates[0].confidence if p.candidates else 0.0 for p in self.predictions])
        worth: NDArray[np.float64] = np.sqrt(self.volume) * unsure * self.novelty
        return worth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Input, output and how many."""
    parser.add_argument("recent", type=Path, help="CSV or Parquet of descriptors; a column `count` is honoured")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="CSV", help="file to fill in")
    parser.add_argument("--column", default="description", help="column of descriptors (%(default)s)")
    parser.add_argument("--count", type=int, default=200, help="rows to choose (%(default)s)")
    parser.add_argument("--model", type=Path, metavar="DIR", help="default: the current model")


def run(args: argparse.Namespace) -> int:
    """Write the chosen rows."""
    model = MerchantClassifier.load(args.model)
    labelled = labelled_vectors(bundles.locate(args.model))
    pool = gather(model, traffic.read_lines(args.recent, args.column), labelled)
    chosen = choose(pool, args.count)
    with runs.replacing(args.output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(pool, chosen))
    print(f"label_next: {len(chosen)} of {len(pool.texts)} merchants in {args.output}")
    print(
        'Fill in the column `label`, delete rows nobody can tell, then add the file as a source: adapter = "labelled"'
    )
    return 0


def labelled_vectors(folder: Path) -> NDArray[np.float32]:
    """Unit vectors of the model's index of labelled merchants, (rows, size)."""
    vectors = np.load(folder / bundles.NEIGHBOUR_VECTORS).astype(np.float32) / _STEPS
    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return unit


def gather(model: MerchantClassifier, lines: Sequence[str], labelled: NDArray[np.float32]) -> Pool:
    """One row a merchant: its most frequent line, with the volume of all its lines."""
    by_merchant: dict[str, Counter[str]] = {}
    for line, count in Counter(lines).items():
        if name := traffic.merchant(line):
            by_merchant.setdefault(name, Counter())[line] += count
    frequent = sorted(by_merchant.values(), key=lambda found: -found.total())[:_CANDIDATES]
    texts = [found.most_common(1)[0][0] for found in frequent]
    vectors = model.represent(texts)
    return Pool(
        texts,
        np.array([found.total() for found in frequent], np.float64),
        model.predict_many(texts, mode=Mode.BEST_GUESS),
        vectors,
        1 - nearest(vectors, labelled),
    )


def nearest(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Largest cosine to any of `others`, in [0, 1]; 0 without any."""
    if not len(others):
        return np.zeros(len(vectors))
    blocks = (vectors[start : start + _BLOCK] @ others.T for start in range(0, len(vectors), _BLOCK))
    return np.concatenate([np.clip(block.max(axis=1), 0, 1) for block in blocks]).astype(np.float64)


def choose(pool: Pool, count: int) -> list[int]:
    """Greedy: the most valuable row, then the next, each worth less the closer it is to one chosen before."""
    worth = pool.worth
    closeness = np.zeros(len(worth))
    left = np.ones(len(worth), np.bool_)
    chosen: list[int] = []
    while len(chosen) < min(count, len(worth)):
        best = int(np.argmax(np.where(left, worth * (1 - closeness), -1.0)))
        chosen.append(best)
        left[best] = False
        closeness = np.maximum(closeness, np.clip(pool.vectors @ pool.vectors[best], 0, 1))
    return chosen


def rows(pool: Pool, chosen: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """Cells of the file; label and country are left empty."""
    for i in chosen:
        candidates = pool.predictions[i].candidates
        yield (
            pool.texts[i],
            "",
            "",
            f"{pool.volume[i]:.0f}",
            f"{candidates[0].confidence:.3f}" if candidates else "",
            f"{pool.novelty[i]:.3f}",
            " / ".join(f"{c.mcc or ''} {c.label}".strip() for c in candidates),
        )
