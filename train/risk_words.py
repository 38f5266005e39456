"""Which words and names of the training rows say gambling, adult content, dating or crypto."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from train import runs
from train.sources import name_suggestion_index
from train.sources.curated import FREQUENT, REAL

_REAL = frozenset({FREQUENT, REAL, name_suggestion_index.SOURCE})
"""Sources of merchants that exist, under the names that they use."""

LABELS = frozenset({"7995", "7800", "7801", "7802", "9406", "6051", "5967", "7273"})
"""Betting, lotteries, licensed online casinos and races, quasi cash and crypto, adult content, dating and escorts.

Massage and tobacco hide in training as well (`train.augment.RISKY`), but spas and newsagents name them openly."""

_SHARE = 0.7
"""Least share of a word's merchants that have such a label ..."""
_MERCHANTS = 5
"""... of at least so many that do, or where it is the name of a frequent one ..."""
_SHARE_OF_A_NAME = 0.9
"""... and of a word or two that are the name of another merchant that exists."""
_SHORTEST = 3
"""Letters of a word that many merchants have ..."""
_SHORTEST_NAME = 4
"""... or that one is called by."""
_WORDS_OF_A_NAME = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A training row.

    Attributes:
        merchant: its base merchant.
        words: normalised.
        frequent: of a frequent merchant.
        real: of a merchant that exists, a frequent one or another.
    """

    merchant: str
    words: list[str]
    label: str
    frequent: bool = False
    real: bool = False

    def terms(self) -> set[str]:
        """Its words and pairs of neighbouring words."""
        return {*self.words, *_pairs(self.words)}

    def name(self) -> str | None:
        """The whole name where it is short enough to be heard in a line."""
        return " ".join(self.words) if len(self.words) <= _WORDS_OF_A_NAME else None


@dataclass(frozen=True, slots=True)
class Found:
    """Attributes:
    labels: those of risky trades that the rows have.
    words: risky word, or pair of words, -> the label that most of its merchants have.
    harmless_pairs: two words of frequent harmless merchants, one of them risky.
    """

    labels: list[str]
    words: dict[str, str]
    harmless_pairs: list[str]


def of_split(build: Path) -> Found:
    """In the training rows of a run; none where labels are not MCCs."""
    table = runs.read_part(build, runs.TRAIN, ["key", "words", "label", "source"])
    return find(
        Row(row["key"], row["words"].split(" "), row["label"], row["source"] == FREQUENT, row["source"] in _REAL)
        for row in table.to_pylist()
    )


def find(rows: Iterable[Row]) -> Found:
    """Risky words, risky merchants' own names, and pairs in which a risky word is harmless."""
    rows = list(rows)
    risky = _of_risky_merchants(rows)
    found = _heard(rows, risky)
    words = {
        term: Counter(sorted(risky[term].values())).most_common(1)[0][0]
        for term in sorted(found)
        if " " not in term or found.isdisjoint(term.split(" "))
    }
    labels = sorted(LABELS & {row.label for row in rows})
    return Found(labels, words, sorted(_harmless_pairs(rows, words.keys())))


def _of_risky_merchants(rows: Iterable[Row]) -> dict[str, dict[str, str]]:
    """Their words and pairs of words -> which of them have it, and as what."""
    risky: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.label in LABELS:
            for term in row.terms():
                risky[term][row.merchant] = row.label
    return risky


def _heard(rows: Sequence[Row], risky: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Those of the words and pairs that say by themselves that a merchant is risky."""
    merchants: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for term in row.terms() & risky.keys():
            merchants[term].add(row.merchant)
    famous = {row.name() for row in rows if row.label in LABELS and row.frequent}
    names = {row.name() for row in rows if row.label in LABELS and row.real}

    def says(term: str) -> bool:
        own, letters = len(risky[term]), len(term.replace(" ", ""))
        share = own / len(merchants[term])
        known = term in famous or (own >= _MERCHANTS and " " not in term)
        return (known and share >= _SHARE and letters >= _SHORTEST) or (
            term in names and share >= _SHARE_OF_A_NAME and letters >= _SHORTEST_NAME
        )

    return set(filter(says, risky))


def _pairs(words: Sequence[str]) -> Iterator[str]:
    return map(" ".join, pairwise(words))


def _harmless_pairs(rows: Iterable[Row], words: Set[str]) -> set[str]:
    return {
        pair
        for row in rows
        if row.frequent and row.label not in LABELS
        for pair in _pairs(row.words)
        if not words.isdisjoint(pair.split(" "))
    }
