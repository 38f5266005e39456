"""Figures of merit with intervals. numpy only; every interval is a bootstrap over merchants, not over rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
_BINS = 15
_DRAWN_TOGETHER = 1 << 18


@dataclass(frozen=True, slots=True)
class Scored:
    """One evaluation set as the serving class answered it.

    Attributes:
        merchants: merchant key of each row.
        accepted: bool (rows, labels): labels that count as right.
        probabilities: calibrated, float64 (rows, labels).
        category_of: category number of each label.
        family_of: family number of each label.
        answered: mode -> bool (rows,): an MCC was named.
        category_answered: mode -> bool (rows,): a category was named (with or without an MCC).
    """

    merchants: list[str]
    accepted: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    category_of: NDArray[np.int64]
    family_of: NDArray[np.int64]
    answered: dict[str, NDArray[np.bool_]]
    category_answered: dict[str, NDArray[np.bool_]]

    @property
    def best(self) -> NDArray[np.intp]:
        """Most probable label of each row."""
        best: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return best

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Its probability."""
        confidence: NDArray[np.float64] = self.probabilities.max(axis=1)
        return confidence

    def by_category(self) -> NDArray[np.float64]:
        """Category probabilities, (rows, categories)."""
        sums = np.zeros((len(self.probabilities), int(self.category_of.max()) + 1))
        for category in range(sums.shape[1]):
            sums[:, category] = self.probabilities[:, self.category_of == category].sum(axis=1)
        return sums

    def right(self) -> NDArray[np.bool_]:
        """The best label is an accepted one."""
        return self.accepted[np.arange(len(self.best)), self.best]

    def family_right(self) -> NDArray[np.bool_]:
        """The best label is of the family of an accepted one."""
        return _group_right(self.accepted, self.family_of, self.family_of[self.best])

    def category_right(self) -> NDArray[np.bool_]:
        """The best category holds an accepted label."""
        return _group_right(self.accepted, self.category_of, self.by_category().argmax(axis=1))

    def in_top(self, count: int) -> NDArray[np.bool_]:
        """One of the `count` most probable labels is accepted."""
        top = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :count]
        return np.asarray(np.take_along_axis(self.accepted, top, axis=1).any(axis=1))


def _group_right(
    accepted: NDArray[np.bool_], group_of: NDArray[np.int64], answer: NDArray[np.int64]
) -> NDArray[np.bool_]:
    groups = np.zeros((len(accepted), int(group_of.max()) + 1), np.bool_)
    rows, labels = np.nonzero(accepted)
    groups[rows, group_of[labels]] = True
    right: NDArray[np.bool_] = groups[np.arange(len(answer)), answer]
    return right


def interval(values: NDArray[Any], merchants: Sequence[str], seed: int = 0) -> dict[str, float]:
    """Mean with its 95 % bootstrap interval, resampling whole merchants; of shares, or of differences row by row."""
    if len(values) == 0:
        return {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    sums, counts = _per_merchant(values, merchants)
    means = _resampled(sums, counts, seed)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"value": round(float(values.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def paired_p(better: NDArray[np.bool_], worse: NDArray[np.bool_], merchants: Sequence[str], seed: int = 0) -> float:
    """Share of bootstrap resamples in which `better` is not above `worse` (one-sided paired test by merchant)."""
    sums, counts = _per_merchant(better.astype(np.float64) - worse, merchants)
    return float((_resampled(sums, counts, seed) <= 0).mean())


def resampled_means(values: NDArray[Any], merchants: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """Means of `RESAMPLES` bootstrap samples of whole merchants."""
    return _resampled(*_per_merchant(values, merchants), seed)


def _per_merchant(values: NDArray[Any], merchants: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    number = np.unique(np.asarray(merchants), return_inverse=True)[1]
    sums = np.bincount(number, weights=values).astype(np.float64)
    return sums, np.bincount(number).astype(np.float64)


def _resampled(sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    together = max(1, _DRAWN_TOGETHER // len(sums))
    for start in range(0, RESAMPLES, together):
        drawn = generator.integers(0, len(sums), (min(together, RESAMPLES - start), len(sums)))
        means[start : start + together] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean gap of confidence and accuracy over 15 equally filled bins (Nixon et al. 2019, arXiv 1904.01685)."""
    gaps = [abs(mean - accuracy) * rows for mean, accuracy, rows in reliability(confidence, right)]
    return float(sum(gaps) / max(1, len(right)))


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    """Mean confidence, accuracy and rows of equally filled bins."""
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    return [(float(confidence[part].mean()), float(right[part].mean()), len(part)) for part in bins]


def risk_coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Error among the most confident share of rows, for shares from 1 % to 100 %."""
    order = np.argsort(-confidence, kind="stable")
    error = (~right[order]).cumsum() / np.arange(1, len(order) + 1)
    ends = np.unique(np.ceil(np.linspace(0.01, 1, 100) * len(order)).astype(int)) - 1
    return [(round((end + 1) / len(order), 4), round(float(error[end]), 5)) for end in ends if end >= 0]


def coverage_at(confidence: NDArray[np.float64], right: NDArray[np.bool_], precision: float) -> float:
    """Largest share of rows that can be answered, most confident first, at this precision (hindsight)."""
    fine = [share for share, error in risk_coverage(confidence, right) if error <= 1 - precision]
    return max(fine, default=0.0)


def macro_f1(best: NDArray[np.intp], targets: NDArray[np.int64]) -> float:
    """Mean F1 over the labels that occur among the targets."""
    scores = []
    for label in np.unique(targets):
        hit = int(((best == label) & (targets == label)).sum())
        scores.append(2 * hit / (int((best == label).sum()) + int((targets == label).sum())))
    return float(np.mean(scores)) if scores else float("nan")


def summary(scored: Scored, names: Sequence[str], categories: Sequence[str], *, seen: bool) -> dict[str, Any]:
    """Everything `metrics.json` says of one set."""
    right, family_right, category_right = scored.right(), scored.family_right(), scored.category_right()
    targets = scored.accepted.argmax(axis=1)
    by_category = scored.by_category()
    return {
        "rows": len(right),
        "merchants": len(set(scored.merchants)),
        "seen": seen,
        "top1": interval(right, scored.merchants),
        "top3": interval(scored.in_top(3), scored.merchants),
        "family": interval(family_right, scored.merchants),
        "category": interval(category_right, scored.merchants),
        "macro_f1": round(macro_f1(scored.best, targets), 5),
        "ece": round(expected_calibration_error(scored.confidence, right), 5),
        "coverage_at_95": {
            "mcc": coverage_at(scored.confidence, right, 0.95),
            "family": coverage_at(scored.confidence, family_right, 0.95),
            "category": coverage_at(by_category.max(axis=1), category_right, 0.95),
        },
        "coverage": {
            mode: {
                "answered": round(float(answered.mean()), 5),
                "error": round(float((~right[answered]).mean()), 5) if answered.any() else 0.0,
                "family_error": round(float((~family_right[answered]).mean()), 5) if answered.any() else 0.0,
                "category_answered": round(float(scored.category_answered[mode].mean()), 5),
            }
            for mode, answered in scored.answered.items()
        },
        "per_category": _per_category(scored, targets, right, categories),
        "confused": _confused(scored.best, targets, right, names),
        "risk_coverage": risk_coverage(scored.confidence, right),
        "reliability": reliability(scored.confidence, right),
    }


def _per_category(
    scored: Scored, targets: NDArray[np.int64], right: NDArray[np.bool_], categories: Sequence[str]
) -> dict[str, dict[str, float]]:
    own = scored.category_of[targets]
    return {
        name: {"rows": int((own == number).sum()), "top1": round(float(right[own == number].mean()), 5)}
        for number, name in enumerate(categories)
        if (own == number).any()
    }


def _confused(
    best: NDArray[np.intp], targets: NDArray[np.int64], right: NDArray[np.bool_], names: Sequence[str]
) -> list[list[Any]]:
    pairs = Counter(zip(targets[~right].tolist(), best[~right].tolist(), strict=True))
    return [[names[true], names[answer], count] for (true, answer), count in pairs.most_common(30)]
