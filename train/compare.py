"""Paired comparison of two models' answers to the same rows: differences with intervals, and flips.

A flip is a row that one model has right and the other wrong. Broken rows are what
users notice after a release (negative flips: Yan et al. 2021, arXiv 2011.09161).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import metrics
from train.judged import Answers, Frozen

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger's share of right rows less the champion's, with a two-sided interval of `1 - 2 * alpha`."""

    rows: int
    champion: float
    challenger: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """The difference itself."""
        return self.challenger - self.champion

    def as_json(self) -> dict[str, Any]:
        """For `gate.json`."""
        return {
            "rows": self.rows,
            "champion": round(self.champion, 5),
            "challenger": round(self.challenger, 5),
            "difference": {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)},
        }


def difference(
    champion: NDArray[np.bool_], challenger: NDArray[np.bool_], merchants: Sequence[str], alpha: float = ALPHA
) -> Difference:
    """Paired bootstrap by merchant."""
    means = metrics.resampled_means(challenger.astype(np.float64) - champion, merchants)
    low, high = np.quantile(means, [alpha, 1 - alpha])
    return Difference(len(champion), float(champion.mean()), float(challenger.mean()), float(low), float(high))


def by_group(
    rows: Frozen, champion: Answers, challenger: Answers, groups: NDArray[np.str_], fewest: int
) -> dict[str, Difference]:
    """A difference for every group of at least `fewest` rows; alpha is divided by their number (Bonferroni)."""
    names, counts = np.unique(groups, return_counts=True)
    chosen = [str(name) for name, count in zip(names, counts, strict=True) if count >= fewest and name]
    found = {}
    for name in chosen:
        at = np.flatnonzero(groups == name)
        merchants = [rows.merchants[i] for i in at]
        found[name] = difference(champion.right[at], challenger.right[at], merchants, ALPHA / len(chosen))
    return found


def overall(rows: Frozen, champion: Answers, challenger: Answers, fewest: int) -> Difference:
    """Every kind of set counts the same, however many rows it has, or sets (`unseen register-a`, `-b`).

    Kinds of fewer than `fewest` rows would decide by their noise and are left out, where there are others.
    """
    kinds = np.array([kind(name) for name in rows.sets])
    names, counts = np.unique(kinds, return_counts=True)
    means, shares = [], []
    for name in names[counts >= min(fewest, counts.max())]:
        at = np.flatnonzero(kinds == name)
        pair = champion.right[at], challenger.right[at]
        means.append(metrics.resampled_means(pair[1].astype(np.float64) - pair[0], [rows.merchants[i] for i in at]))
        shares.append([pair[0].mean(), pair[1].mean()])
    low, high = np.quantile(np.mean(means, axis=0), [ALPHA, 1 - ALPHA])
    old, new = np.mean(shares, axis=0)
    return Difference(len(kinds), float(old), float(new), float(low), float(high))


def kind(name: str) -> str:
    """What a set is of: `unseen curated-real` -> `curated`."""
    return name.removeprefix("unseen ").split("-")[0]


def flips(rows: Frozen, champion: Answers, challenger: Answers) -> dict[str, Any]:
    """Rows broken and mended, and the volume of the broken ones as a share of all volume."""
    broken = champion.right & ~challenger.right
    mended = ~champion.right & challenger.right
    total = float(rows.volume.sum())
    return {
        "rows": len(broken),
        "broken": int(broken.sum()),
        "mended": int(mended.sum()),
        "broken_share": round(float(rows.volume[broken].sum()) / total, 5),
        "mended_share": round(float(rows.volume[mended].sum()) / total, 5),
    }


def flip_examples(
    rows: Frozen, champion: Answers, challenger: Answers, shown: frozenset[str], most: int = 20
) -> list[dict[str, Any]]:
    """Broken rows of sets that may be shown, by volume and the challenger's confidence."""
    broken = np.flatnonzero(champion.right & ~challenger.right & np.isin(rows.sets, sorted(shown)))
    order = sorted(broken.tolist(), key=lambda i: (-rows.volume[i], -challenger.confidence[i], rows.texts[i]))
    return [
        {
            "text": rows.texts[i],
            "accepted": sorted(rows.accepted[i]),
            "champion": str(champion.predicted[i]),
            "challenger": str(challenger.predicted[i]),
            "confidence": round(float(challenger.confidence[i]), 4),
        }
        for i in order[:most]
    ]
