"""Logits -> calibrated, coherent, possibly abstaining answers. numpy only.

Calibration is temperature scaling (Guo et al. 2017, arXiv 1706.04599) with a
temperature that rises with the entropy of the row (like Balanya et al. 2022, arXiv
2208.00461): one temperature for all rows leaves known merchants too modest and
unknown ones too sure. The order of a row's labels stays. A category's probability
is the sum over its labels, so the two levels never contradict each other, and an
unsure MCC can still give a sure category. A mode holds one threshold per category
and level; they were chosen so that the error among answered rows is bounded (see
`train/calibrate.py`), and infinity stands where no threshold met the bound.

Every step works row by row: an answer never depends on its neighbours in a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.prediction import Candidate, Mode, Reason

TOP_CANDIDATES = 3
NOT_A_MERCHANT = "not_a_merchant"


@dataclass(frozen=True, slots=True)
class Label:
    """One class of the network: its MCC (None for labels of one's own), text, category and confusable family."""

    mcc: str | None
    text: str
    category: str
    family: str = ""

    @property
    def name(self) -> str:
        """What rows, rules and neighbours call it: the MCC, `not_a_merchant`, or its text where labels are own ones."""
        return self.mcc or (NOT_A_MERCHANT if self.category == NOT_A_MERCHANT else self.text)


class Verdict(NamedTuple):
    """What the network alone comes to for one row; a tuple because those are made fast."""

    label: Label | None
    category: str | None
    confidence: float
    reason: Reason
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class _Thresholds:
    """For each label the threshold of its category, and for each category its own. Lists: a row reads one of each."""

    label: list[float]
    category: list[float]


class Decider:
    """Turns logits into verdicts.

    Args:
        labels: classes in the order of the logits; labels of one category stand together.
        temperature: divisor of the logits of a row without entropy, > 0.
        thresholds: mode -> level ("label", "category") -> category -> threshold in [0, inf].
        slope: by how much the logarithm of the temperature rises for a nat of the entropy of the bare logits.
    """

    def __init__(
        self,
        labels: Sequence[Label],
        temperature: float,
        thresholds: Mapping[str, Mapping[str, Mapping[str, float]]],
        slope: float = 0.0,
    ) -> None:
        if not labels:
            raise ValueError("at least one label is needed")
        if not temperature > 0:
            raise ValueError(f"the temperature must be above 0, got {temperature}")
        if not isfinite(slope):
            raise ValueError(f"the temperature's slope must be finite, got {slope}")
        self.labels = tuple(labels)
        self.temperature, self.slope = temperature, slope
        starts = [i for i, label in enumerate(labels) if i == 0 or label.category != labels[i - 1].category]
        self.categories = tuple(labels[i].category for i in starts)
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("labels of one category must stand together")
        self._starts = np.array(starts)
        self._thresholds = {mode: self._read_thresholds(thresholds[mode]) for mode in Mode}

    @classmethod
    def from_bundle(cls, path: Path, content: Mapping[str, Any]) -> Decider:
        """Read a parsed `labels.json`.

        Raises:
            BundleCorrupt: a part is missing or of another form.
        """
        try:
            labels = [
                Label(row["mcc"], row["text"], row["category"], row.get("family", "")) for row in content["labels"]
            ]
            thresholds = {
                mode: {
                    level: {name: float("inf") if value is None else float(value) for name, value in table.items()}
                    for level, table in levels.items()
                }
                for mode, levels in content["thresholds"].items()
            }
            slope = float(content.get("temperature_slope", 0.0))  # bundles of format 2 have none
            return cls(labels, float(content["temperature"]), thresholds, slope)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise BundleCorrupt(
                path, "labels, temperature and thresholds", f"{type(error).__name__}: {error}"
            ) from error

    def at_threshold(self, threshold: float) -> Decider:
        """The same labels, answering in every mode what has at least this probability, codes and categories alike."""
        level = dict.fromkeys(self.categories, threshold)
        both = {"label": level, "category": level}
        return Decider(self.labels, self.temperature, dict.fromkeys(Mode, both), self.slope)

    def _read_thresholds(self, levels: Mapping[str, Mapping[str, float]]) -> _Thresholds:
        return _Thresholds(
            [levels["label"][label.category] for label in self.labels],
            [levels["category"][category] for category in self.categories],
        )

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (rows, labels), each row summing to 1."""
        return calibrated(logits, self.temperature, self.slope)

    def category_probabilities(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the labels of each category, shape (rows, categories)."""
        sums: NDArray[np.float64] = np.add.reduceat(probabilities, self._starts, axis=1)
        return sums

    def decide(self, logits: NDArray[np.float32], mode: Mode) -> list[Verdict]:
        """One verdict a row of logits, shape (rows, labels)."""
        thresholds = self._thresholds[mode]
        probabilities = self.probabilities(logits)
        by_category = self.category_probabilities(probabilities)
        best, best_p = _largest(probabilities, min(TOP_CANDIDATES, len(self.labels)))
        top_category = by_category.argmax(axis=1)
        category_p = np.maximum.reduce(by_category, axis=1)
        rows = zip(best, best_p, top_category.tolist(), category_p.tolist(), strict=True)
        return [self._verdict(thresholds, *row) for row in rows]

    def _verdict(
        self, thresholds: _Thresholds, best: list[int], best_p: list[float], top_category: int, category_p: float
    ) -> Verdict:
        labels, first, confidence = self.labels, best[0], best_p[0]
        candidates = tuple([Candidate(labels[i].mcc, labels[i].text, p) for i, p in zip(best, best_p, strict=True)])
        label = labels[first]
        if confidence >= thresholds.label[first]:
            if label.category == NOT_A_MERCHANT:
                return Verdict(None, NOT_A_MERCHANT, confidence, Reason.NOT_A_MERCHANT, candidates)
            return Verdict(label, label.category, confidence, Reason.CONFIDENT, candidates)
        category = self.categories[top_category]
        if category_p >= thresholds.category[top_category] and category != NOT_A_MERCHANT:
            return Verdict(None, category, category_p, Reason.CATEGORY_ONLY, candidates)
        return Verdict(None, None, confidence, Reason.LOW_CONFIDENCE, candidates)


def calibrated(logits: NDArray[np.float32], temperature: float, slope: float) -> NDArray[np.float64]:
    """Softmax with a temperature that rises with each row's entropy; the arguments are those of `Decider`."""
    below = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    scaled = np.divide(below, temperature * np.exp(slope * _entropy(below)) if slope else temperature, dtype=np.float64)
    np.exp(scaled, out=scaled)
    scaled /= np.add.reduce(scaled, axis=1, keepdims=True)
    return scaled


def _entropy(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of the softmax of each row, in nats, shape (rows, 1); the largest logit of a row is 0.

    In single precision, which is three times as fast and exact to a millionth of a nat.
    """
    weights = np.exp(logits)
    total = np.add.reduce(weights, axis=1, keepdims=True)
    weights *= logits
    entropy = np.log(total) - np.add.reduce(weights, axis=1, keepdims=True) / total
    return entropy.astype(np.float64)


def _largest(values: NDArray[np.float64], count: int) -> tuple[list[list[int]], list[list[float]]]:
    """Columns and values of the `count` largest probabilities of each row, largest first, ties by column.

    A few passes of `argmax` are faster than a partial sort of some hundred columns.
    """
    left = values.copy()
    if len(left) == 1:
        columns_of_one, largest_of_one = _largest_of_one(left[0], count)
        return [columns_of_one], [largest_of_one]
    rows = np.arange(len(values))
    columns = np.empty((len(values), count), np.intp)
    largest = np.empty((len(values), count))
    for place in range(count):
        column = left.argmax(axis=1)
        columns[:, place] = column
        largest[:, place] = left[rows, column]
        left[rows, column] = -1.0
    return columns.tolist(), largest.tolist()


def _largest_of_one(left: NDArray[np.float64], count: int) -> tuple[list[int], list[float]]:
    """The same for a single row, (columns,), which is used up: plain indexing, a third of the time of array calls."""
    columns, largest = [], []
    for _ in range(count):
        column = int(left.argmax())
        columns.append(column)
        largest.append(float(left[column]))
        left[column] = -1.0
    return columns, largest
