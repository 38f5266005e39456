"""How far recent lines are from a reference, what chance alone would do, and where the alarm is set.

The reference is cut into two halves at random. Recent lines are compared with the
first half; so are many resamples of the second half of the same size, which says
what each figure is when nothing has changed. A figure alarms when it is both
beyond chance and large enough to matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.traffic import Traffic

RESAMPLES = 100
SIGMAS = 4.0
"""Alarms are this many standard deviations of the resamples above their mean, or more."""

MATTERS = {
    "new merchants": 0.08,
    "unknown words": 0.05,
    "scripts": 0.03,
    "one beginning": 0.03,
    "categories": 0.08,
    "lower confidence": 0.03,
    "fewer answers": 0.05,
}
"""How far above the usual a figure must be to matter: more than the change between quiet years (`models/README.md`)."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One figure.

    Attributes:
        usual: its mean when nothing has changed.
        limit: from where it alarms.
    """

    name: str
    measured: float
    usual: float
    limit: float

    @property
    def alarmed(self) -> bool:
        """It is over the limit."""
        return self.measured > self.limit


@dataclass(frozen=True, slots=True)
class _Columns:
    """Lines as numbers, compared with the known half: what the figures are made of."""

    new: NDArray[np.bool_]
    unknown: NDArray[np.float64]
    scripts: NDArray[np.intp]
    leads: NDArray[np.intp]
    categories: NDArray[np.float32]
    confidence: NDArray[np.float64]
    answered: NDArray[np.bool_]


class Reference:
    """Lines of a quiet period, and how much its own resamples differ.

    Args:
        lines: of the quiet period, 200 at least.
        seed: of the halves and resamples.
    """

    def __init__(self, lines: Traffic, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        order = self._random.permutation(len(lines))
        half = len(lines) // 2
        self.known, self.spare = lines.part(order[:half].tolist()), lines.part(order[half:].tolist())
        self._merchants = set(self.known.merchants)
        self._words = {word for line in self.known.words for word in line}
        self._scripts: dict[str, int] = {}
        self._leads: dict[str, int] = {}
        self._usual = self._columns(self.known)
        self._by_chance: dict[int, list[dict[str, float]]] = {}

    def shifts(self, recent: Traffic) -> list[Shift]:
        """Every figure of recent lines, with its limit for that many lines."""
        usual = self._resampled(len(recent))
        measured = self._figures(self._columns(recent))
        found = []
        for name, figure in measured.items():
            values = np.array([figures[name] for figures in usual])
            mean, spread = float(values.mean()), float(values.std())
            found.append(Shift(name, figure, mean, mean + max(SIGMAS * spread, MATTERS[name])))
        return found

    def is_new(self, recent: Traffic) -> NDArray[np.bool_]:
        """Lines of merchants that the reference lacks."""
        merchants = self._merchants | set(self.spare.merchants)
        return np.array([name not in merchants for name in recent.merchants], np.bool_)

    def risen_leads(self, recent: Traffic, most: int = 3) -> list[tuple[str, float, float]]:
        """Beginnings whose share rose most: (beginning, share before, share now)."""
        before, now = Counter(self.known.leads), Counter(recent.leads)
        shares = [(name, before[name] / len(self.known), count / len(recent)) for name, count in now.items()]
        return sorted(shares, key=lambda row: row[1] - row[2])[:most]

    def _columns(self, lines: Traffic) -> _Columns:
        unknown = [sum(word not in self._words for word in line) / max(1, len(line)) for line in lines.words]
        return _Columns(
            np.array([name not in self._merchants for name in lines.merchants], np.bool_),
            np.array(unknown),
            _places(lines.scripts, self._scripts),
            _places(lines.leads, self._leads),
            lines.categories,
            lines.confidence,
            lines.answered,
        )

    def _resampled(self, count: int) -> list[dict[str, float]]:
        """Figures of resamples of this many lines of the spare half."""
        if count not in self._by_chance:
            spare = self._columns(self.spare)
            self._by_chance[count] = [self._figures(self._drawn(spare, count)) for _ in range(RESAMPLES)]
        return self._by_chance[count]

    def _drawn(self, columns: _Columns, count: int) -> _Columns:
        at = self._random.integers(0, len(columns.new), count)
        return _Columns(*(getattr(columns, name)[at] for name in _Columns.__slots__))

    def _figures(self, lines: _Columns) -> dict[str, float]:
        usual = self._usual
        leads = _shares(lines.leads, len(self._leads)) - _shares(usual.leads, len(self._leads))
        scripts = _shares(lines.scripts, len(self._scripts)) - _shares(usual.scripts, len(self._scripts))
        return {
            "new merchants": float(lines.new.mean()),
            "unknown words": float(lines.unknown.mean()),
            "scripts": float(np.abs(scripts).sum() / 2),
            "one beginning": float(leads.max()),
            "categories": float(np.abs(lines.categories.mean(axis=0) - usual.categories.mean(axis=0)).sum() / 2),
            "lower confidence": float(usual.confidence.mean() - lines.confidence.mean()),
            "fewer answers": float(usual.answered.mean() - lines.answered.mean()),
        }


def expected_error(
    reference: NDArray[np.float32], recent: NDArray[np.float32], errors: NDArray[np.float64]
) -> tuple[float, float]:
    """Error before and now if only the mix of categories had changed.

    Args:
        reference, recent: category probabilities, (lines, categories).
        errors: error of the model in each category.

    The recent mix is found by expectation maximisation on the probabilities
    (Saerens, Latinne and Decaestecker 2002).
    """
    before = reference.mean(axis=0, dtype=np.float64)
    now = label_shift(before, recent)
    return float(before @ errors), float(now @ errors)


def label_shift(
    prior: NDArray[np.float64], probabilities: NDArray[np.float32], rounds: int = 100
) -> NDArray[np.float64]:
    """The mix of categories under which the probabilities, made for `prior`, are most likely."""
    mix = prior.copy()
    for _ in range(rounds):
        weighted = probabilities * (mix / np.maximum(prior, 1e-9))
        weighted /= weighted.sum(axis=1, keepdims=True)
        former, mix = mix, weighted.mean(axis=0)
        if np.abs(mix - former).sum() < 1e-5:
            break
    return mix


def _places(names: Sequence[str], numbers: dict[str, int]) -> NDArray[np.intp]:
    """Number of each name; a name that is new gets the next number."""
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.intp)


def _shares(places: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.bincount(places, minlength=count) / max(1, len(places))
    return shares
