"""Timing answers fairly: percentiles, and a reference operation that carries bounds from one machine to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

_REFERENCE_SIZE, _REFERENCE_PRODUCTS = 64, 16


_COUNTED = resource is not None and hasattr(resource, "RUSAGE_THREAD")


class Timed(NamedTuple):
    """Seconds of calls: of all, and of those during which the system did not take the core away (where it tells)."""

    all: list[float]
    undisturbed: list[float]


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one call's time in milliseconds, and how many calls they come from."""

    calls: int
    p50: float
    p95: float
    p99: float
    p999: float
    worst: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Percentiles of measured times; each is a time that was measured, none lies between two."""
        values = np.percentile(seconds, [50, 95, 99, 99.9, 100], method="higher") * 1000
        return cls(len(seconds), *values.tolist())


def time_each(call: Callable[[str], object], texts: Sequence[str]) -> Timed:
    """Time each call."""
    times: list[float] = []
    undisturbed: list[float] = []
    for text in texts:
        before = interruptions()
        start = perf_counter()
        call(text)
        seconds = perf_counter() - start
        times.append(seconds)
        if interruptions() == before:
            undisturbed.append(seconds)
    return Timed(times, undisturbed)


def interruptions() -> int:
    """How often the system took the core from this thread so far; a sleep or a wait for a lock does not count."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw if _COUNTED else 0


def reference_operation() -> Callable[[], None]:
    """Work of about one prediction: 16 products of 64 x 64 float32 matrices.

    They are of a size that BLAS libraries compute on one thread, so the time says how fast this core is just now.
    """
    matrix = np.linspace(-1, 1, _REFERENCE_SIZE**2, dtype=np.float32).reshape(_REFERENCE_SIZE, _REFERENCE_SIZE)
    out = np.empty_like(matrix)

    def work() -> None:
        for _ in range(_REFERENCE_PRODUCTS):
            np.matmul(matrix, matrix, out=out)

    return work


def relative_tail(call: Callable[[str], object], texts: Sequence[str]) -> float:
    """The 99th percentile of a call, in medians of the reference operation done right before each.

    Calls during which the system took the core away say how busy the machine is and not how slow the code is, so they
    do not count; one that sleeps, waits for a lock or collects garbage does. Both times meet the same caches and clock.
    """
    reference = reference_operation()
    calls: list[float] = []
    references: list[float] = []
    for text in texts:
        references += time_each(lambda _: reference(), [text]).undisturbed
        calls += time_each(call, [text]).undisturbed
    return float(np.percentile(calls or [np.inf], 99) / np.median(references or [0.0]))
