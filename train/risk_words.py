"""Which words of the training rows say gambling, adult content, dating or crypto (`merchant_classifier.risk`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from train import runs
from train.sources.curated import FREQUENT

LABELS = frozenset({"7995", "7800", "7801", "7802", "9406", "6051", "5967", "7273"})
"""Betting, lotteries, licensed online casinos and races, quasi cash and crypto, adult content, dating and escorts.

Massage and tobacco hide in training as well (`train.augment.RISKY`), but spas and newsagents name them openly."""

_SHARE = 0.7
"""Least share of a word's merchants that have such a label ..."""
_MERCHANTS = 5
"""... of at least so many that do, or of a frequent one: a bookmaker's own name."""
_SHORTEST = 3
"""Letters of a word."""


@dataclass(frozen=True, slots=True)
class Row:
    """A training row: its base merchant, normalised words and label, and whether it is a frequent merchant's."""

    merchant: str
    words: list[str]
    label: str
    frequent: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Attributes:
    labels: those of risky trades that the rows have.
    words: risky word -> the label that most of its merchants have.
    harmless_pairs: two words of frequent harmless merchants, one of them risky.
    """

    labels: list[str]
    words: dict[str, str]
    harmless_pairs: list[str]


def of_split(build: Path) -> Found:
    """In the training rows of a run; none where labels are not MCCs."""
    table = runs.read_part(build, runs.TRAIN, ["key", "words", "label", "source"])
    return find(
        Row(row["key"], row["words"].split(" "), row["label"], row["source"] == FREQUENT) for row in table.to_pylist()
    )


def find(rows: Iterable[Row]) -> Found:
    """Risky words, and pairs in which they are harmless."""
    rows = list(rows)
    merchants: dict[str, set[str]] = defaultdict(set)
    risky: dict[str, dict[str, str]] = defaultdict(dict)
    famous: set[str] = set()
    for row in rows:
        for word in row.words:
            merchants[word].add(row.merchant)
            if row.label in LABELS:
                risky[word][row.merchant] = row.label
                if row.frequent:
                    famous.add(word)
    words = {
        word: Counter(sorted(labels.values())).most_common(1)[0][0]
        for word, labels in sorted(risky.items())
        if len(word) >= _SHORTEST
        and (len(labels) >= _MERCHANTS or word in famous)
        and len(labels) >= _SHARE * len(merchants[word])
    }
    labels = sorted(LABELS & {row.label for row in rows})
    return Found(labels, words, sorted(_harmless_pairs(rows, words.keys())))


def _harmless_pairs(rows: Iterable[Row], words: Set[str]) -> set[str]:
    return {
        " ".join(pair)
        for row in rows
        if row.frequent and row.label not in LABELS
        for pair in pairwise(row.words)
        if not words.isdisjoint(pair)
    }
