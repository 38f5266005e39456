"""Latency of single predictions. Models are timed in turns on the same texts: a busy machine is fair to both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CALLS = 400
ROUNDS = 3
_WARM_UP = 20
_EDGES_MS = (0.0, *np.geomspace(0.1, 100.0, 31).round(3).tolist(), float("inf"))


class Predictor(Protocol):
    """Answers one description."""

    def predict(self, description: str) -> object:
        """The answer."""


def in_turns(models: Sequence[Predictor], texts: Sequence[str]) -> list[NDArray[np.float64]]:
    """Milliseconds of a prediction of each text by each model, the best of three rounds: what else ran is left out.

    Args:
        models: without a memo, which would answer the later rounds.
        texts: distinct.
    """
    for model in models:
        for text in texts[:_WARM_UP]:
            model.predict(text)
    taken = np.full((len(models), len(texts)), np.inf)
    for _ in range(ROUNDS):
        for column, text in enumerate(texts):
            for row, model in enumerate(models):
                start = time.perf_counter()
                model.predict(text)
                taken[row, column] = min(taken[row, column], time.perf_counter() - start)
    return list(taken * 1000)


def summary(milliseconds: NDArray[np.float64]) -> dict[str, Any]:
    """Quantiles and a histogram (upper edges grow by a quarter; the last bin is open)."""
    p50, p95, p99 = np.quantile(milliseconds, [0.5, 0.95, 0.99])
    counts = np.histogram(milliseconds, _EDGES_MS)[0]
    return {
        "calls": len(milliseconds),
        "p50_ms": round(float(p50), 3),
        "p95_ms": round(float(p95), 3),
        "p99_ms": round(float(p99), 3),
        "histogram": [
            [low, high if np.isfinite(high) else None, int(count)]
            for low, high, count in zip(_EDGES_MS, _EDGES_MS[1:], counts, strict=False)
            if count
        ],
    }
