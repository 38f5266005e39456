"""Counts for the summary: taken from every chunk, kept as lines of JSON, added up at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from merchant_classifier.prediction import Reason
from merchant_classifier.scoring import Answers

BINS = 20
"""Bars of the histogram of confidence."""

UNKNOWN_PER_CHUNK, UNKNOWN_KEPT = 200, 20_000
"""Unknown descriptors that are counted: those that are frequent in the file are frequent in some chunk."""

_UNSURE = (Reason.LOW_CONFIDENCE.value, Reason.CATEGORY_ONLY.value)


@dataclass(slots=True)
class Statistics:
    """Counts over rows.

    Attributes:
        rows: how many.
        reasons, categories, labels: rows by each; rows without a category or label are not counted there.
        confidence: rows by confidence, in `BINS` equal steps from 0 to 1.
        unknown: rows by descriptor, of those whose code the model did not name though there was text.
    """

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    confidence: list[int] = field(default_factory=lambda: [0] * BINS)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, other: Statistics) -> None:
        """Count those of `other` too."""
        self.rows += other.rows
        for mine, theirs in ((self.reasons, other.reasons), (self.categories, other.categories)):
            mine.update(theirs)
        self.labels.update(other.labels)
        self.unknown.update(other.unknown)
        self.confidence = [mine + theirs for mine, theirs in zip(self.confidence, other.confidence, strict=True)]
        if len(self.unknown) > 2 * UNKNOWN_KEPT:
            self.unknown = Counter(dict(self.unknown.most_common(UNKNOWN_KEPT)))

    def line(self) -> bytes:
        """As one line of JSON."""
        content = {item.name: getattr(self, item.name) for item in fields(self)}
        return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def measure(answers: Answers) -> Statistics:
    """Counts over one chunk."""
    rows = np.bincount(answers.rows.to_numpy(zero_copy_only=False), minlength=answers.distinct.num_rows)
    distinct = answers.distinct
    counts = rows.tolist()
    reasons = distinct.column("reason").to_pylist()
    unsure = [reason in _UNSURE for reason in reasons]
    texts = answers.descriptors.filter(pa.array(unsure, pa.bool_())).to_pylist()
    unknown = Counter(dict(zip(texts, rows[np.array(unsure, bool)].tolist(), strict=True)))
    confidence = pc.fill_null(distinct.column("confidence"), 0.0).to_numpy(zero_copy_only=False)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return Statistics(
        rows=sum(counts),
        reasons=_weighted(reasons, counts),
        categories=_weighted(distinct.column("category").to_pylist(), counts),
        labels=_weighted(distinct.column("label").to_pylist(), counts),
        confidence=[int(n) for n in np.bincount(bins, weights=rows, minlength=BINS)],
        unknown=Counter(dict(unknown.most_common(UNKNOWN_PER_CHUNK))),
    )


def _weighted(values: Iterable[str | None], counts: Iterable[int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for value, count in zip(values, counts, strict=True):
        if value is not None:
            found[value] += count
    return found


def total(lines: Iterable[bytes]) -> Statistics:
    """The sum of all chunks."""
    result = Statistics()
    for line in lines:
        content = json.loads(line)
        counters = {name: Counter(content[name]) for name in ("reasons", "categories", "labels", "unknown")}
        result.add(Statistics(rows=content["rows"], confidence=content["confidence"], **counters))
    return result
