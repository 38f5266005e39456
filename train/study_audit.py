"""Precision of the audit on planted miscoding: one part at random, one part high-risk names under benign codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.audit import HIGH_RISK, suspicions
from merchant_classifier.classifier import MerchantClassifier
from train.study_sets import Merchant

SHARE = 0.02
DRAWS = 20

BENIGN = tuple("5399 5999 7372 5734 5816 5817 5818 8999 7399 5045 5812 5411 5947 7299 8299 5651".split())
"""Codes to hide behind: general, digital and everyday trades."""

_SURE, _NEVER = 0.9, 0.01


@dataclass(frozen=True, slots=True)
class _Merchants:
    """Calibrated probabilities (merchants, labels) and the true label of each, with families and risk by label."""

    probabilities: NDArray[np.float64]
    truth: NDArray[np.intp]
    families: NDArray[np.str_]
    risky: NDArray[np.bool_]
    benign: NDArray[np.intp]


def measure(classifier: MerchantClassifier, merchants: list[Merchant], seed: int) -> dict[str, Any]:
    """Mean and spread over `DRAWS` draws of the precision at the top 2 % and 4 % of the ranking.

    Args:
        merchants: never trained on, with true labels.
    """
    labels = classifier.decider.labels
    position = {label.name: place for place, label in enumerate(labels)}
    known = [merchant for merchant in merchants if merchant.label in position]
    probabilities = classifier.decider.probabilities(classifier.logits([merchant.name for merchant in known]))
    clean = _Merchants(
        probabilities,
        np.array([position[merchant.label] for merchant in known], np.intp),
        np.array([label.family or label.name for label in labels]),
        np.array([label.name in HIGH_RISK for label in labels]),
        np.array([position[code] for code in BENIGN if code in position], np.intp),
    )
    draws = [_draw(clean, np.random.default_rng([seed, number])) for number in range(DRAWS)]
    of_truth = probabilities[np.arange(len(known)), clean.truth]
    return {
        "merchants": len(known),
        "planted_of_each_kind": _planted(len(known)),
        "accuracy": round(float((probabilities.argmax(axis=1) == clean.truth).mean()), 4),
        # Merchants whose own label the model all but rules out while it is sure of another: label noise, or its errors.
        "noise_floor": round(float(((of_truth < _NEVER) & (probabilities.max(axis=1) > _SURE)).mean()), 4),
        **{name: _spread([draw[name] for draw in draws]) for name in draws[0]},
    }


def _planted(merchants: int) -> int:
    return max(1, int(SHARE * merchants))


def _draw(clean: _Merchants, rng: np.random.Generator) -> dict[str, float]:
    size = len(clean.truth)
    count = _planted(size)
    hiding = clean.risky[clean.truth].nonzero()[0]
    hidden = rng.choice(hiding, min(count, len(hiding)), replace=False)
    confused = rng.choice(np.setdiff1d(np.arange(size), hidden), count, replace=False)
    declared = clean.truth.copy()
    declared[hidden] = rng.choice(clean.benign, len(hidden))
    declared[confused] = [_of_other_family(clean, label, rng) for label in clean.truth[confused]]
    order = np.argsort(-suspicions(clean.probabilities, declared, clean.risky), kind="stable")
    planted = np.zeros(size, np.int64)
    planted[confused], planted[hidden] = 1, 2
    top2, top4 = planted[order[:count]], planted[order[: 2 * count]]
    return {
        "precision_at_2_percent": float((top2 > 0).mean()),
        "precision_at_4_percent": float((top4 > 0).mean()),
        "found_random_at_4_percent": float((top4 == 1).sum() / len(confused)),
        "found_malicious_at_4_percent": float((top4 == 2).sum() / max(1, len(hidden))),
    }


def _of_other_family(clean: _Merchants, label: int, rng: np.random.Generator) -> int:
    return int(rng.choice((clean.families != clean.families[label]).nonzero()[0]))


def _spread(values: list[float]) -> dict[str, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return {"value": round(float(np.mean(values)), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
