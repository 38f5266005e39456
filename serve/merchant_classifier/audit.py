"""Is the MCC that a merchant was boarded under plausible for its name? numpy only.

The suspicion of a merchant is the log odds of the name's best code over the
declared one, by the calibrated probabilities, plus a weight times the
probability that the name is of a high-risk trade where the declared code is
not: to hide gambling as digital games is what miscoding is mostly done for.
`train/study.py` measures how many of the most suspicious are miscoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.classifier import MerchantClassifier

RISK_WEIGHT = 4.0
"""What a sure high-risk name under a benign code adds: as much as odds of 55 to 1. Chosen on unseen merchants."""

HIGH_RISK = {
    **dict.fromkeys(("7800", "7801", "7802", "7995", "9406"), "gambling"),
    **dict.fromkeys(("5967", "7273", "7297"), "adult"),
    **dict.fromkeys(("6050", "6051"), "quasi_cash"),
    **dict.fromkeys(("4829", "6532", "6533", "6536", "6537", "6538", "6540"), "money_movement"),
    **dict.fromkeys(("5962", "5963", "5966", "5968", "5969"), "direct_marketing"),
    **dict.fromkeys(("7277", "7321", "7322"), "debt"),
    "6211": "investing",
    "5993": "tobacco",
    "5933": "pawn",
    "7012": "timeshare",
}
"""Codes that schemes and acquirers watch, and why; those of `data/labels.csv` that name a trade to hide."""

_ROWS = 1024
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """How a declared MCC stands against the merchant's name.

    Attributes:
        row: place of the merchant in what was audited, from 0.
        suspicion: higher is more suspicious, see the module; -inf where nothing can be said.
        probability: calibrated, of the declared code.
        rank: of the declared code among all, from 1; 0 where nothing can be said.
        best_mcc, best_label, best_probability: what the name looks like.
        same_family: whether both are codes that acquirers mix up.
        risk: kind of high-risk trade the name looks like while the declared code is benign, or "".
        remark: why nothing can be said, or "".
    """

    row: int
    suspicion: float
    probability: float
    rank: int
    best_mcc: str
    best_label: str
    best_probability: float
    same_family: bool
    risk: str
    remark: str = ""


def audit(classifier: MerchantClassifier, names: Sequence[str], declared: Sequence[str]) -> list[Finding]:
    """A finding for every merchant, the most suspicious first; rows that say nothing come last, in their order.

    Args:
        names: names or descriptions.
        declared: the code of each; a brand's own code (3000-3999) counts as the generic one of its trade.
    """
    findings = [
        finding
        for start in range(0, len(names), _ROWS)
        for finding in _of_rows(classifier, names[start : start + _ROWS], declared[start : start + _ROWS], start)
    ]
    return sorted(findings, key=lambda finding: (-finding.suspicion, finding.row))


def generic(mcc: str) -> str:
    """The code of the trade: airlines 3000-3350, car rental 3351-3500, hotels 3501-3999 have codes of single brands."""
    if len(mcc) == 4 and mcc.isdecimal() and mcc[0] == "3":
        return "4511" if mcc <= "3350" else "7512" if mcc <= "3500" else "7011"
    return mcc


def suspicions(
    probabilities: NDArray[np.float64], declared: NDArray[np.intp], risky: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Suspicion of each row.

    Args:
        probabilities: shape (rows, labels).
        declared: position of each row's declared label.
        risky: whether each label is of a high-risk trade, shape (labels,).
    """
    of_declared = np.maximum(probabilities[np.arange(len(declared)), declared], _LEAST)
    odds = np.log(probabilities.max(axis=1) / of_declared)
    hidden = np.where(risky[declared], 0.0, probabilities[:, risky].sum(axis=1))
    suspicion: NDArray[np.float64] = odds + RISK_WEIGHT * hidden
    return suspicion


def _of_rows(
    classifier: MerchantClassifier, names: Sequence[str], declared: Sequence[str], start: int
) -> Iterator[Finding]:
    labels = classifier.decider.labels
    position = {label.name: place for place, label in enumerate(labels)}
    risky = np.array([label.name in HIGH_RISK for label in labels])
    logits = classifier.logits(names)
    readable: NDArray[np.bool_] = np.any(logits != 0, axis=1)
    probabilities = classifier.decider.probabilities(logits)
    places = np.array([position.get(generic(code.strip()), -1) for code in declared], np.intp)
    suspicion = suspicions(probabilities, places, risky)
    for row, place in enumerate(places.tolist()):
        best = labels[int(probabilities[row].argmax())]
        if place < 0 or not readable[row]:
            yield _nothing(start + row, "no such code" if place < 0 else "no readable name")
            continue
        of_declared = float(probabilities[row, place])
        yield Finding(
            row=start + row,
            suspicion=float(suspicion[row]),
            probability=of_declared,
            rank=1 + int((probabilities[row] > of_declared).sum()),
            best_mcc=best.name,
            best_label=best.text,
            best_probability=float(probabilities[row].max()),
            same_family=bool(best.family) and best.family == labels[place].family,
            risk="" if risky[place] else HIGH_RISK.get(best.name, ""),
        )


def _nothing(row: int, remark: str) -> Finding:
    return Finding(row, float("-inf"), 0.0, 0, "", "", 0.0, False, "", remark)
