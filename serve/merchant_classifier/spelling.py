"""Recognises a confirmed merchant's name in other spellings of it. Standard library only.

The network's representation is trained to bring merchants of one trade
together, so nearness in it cannot tell two bakeries apart; letters can. A
description spells a name when, read as one string of letters, it begins with
the name (`bluebottle coffee oakland`) or the name begins with it and it was cut
(`blue bottle cof`). `train/study.py` measures how often that is right;
`memory.LIKENESS` adds the representation's veto.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

from merchant_classifier.rules import Rule

SHARE = 0.6
"""Part of a name's letters that a cut spelling must still hold."""

FEWEST_LETTERS = 8
"""Letters a cut spelling must still hold."""

LATER_LETTERS, LATER_WORDS = 8, 2
"""Of a whole name, to recognise it behind a word or two that the normaliser could not take off."""

_STARTS = 3


@dataclass(frozen=True, slots=True)
class Spelling:
    """A confirmed merchant that a description spells.

    Attributes:
        letters: how many agree.
        alone: the description holds nothing else.
    """

    rule: Rule
    letters: int
    alone: bool


@dataclass(frozen=True, slots=True)
class _Name:
    """A confirmed merchant's letters, where its words end in them, and its rule."""

    letters: str
    ends: frozenset[int]
    rule: Rule


class Spellings:
    """Names of confirmed merchants, indexed by the letters that every spelling must begin with."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._names: dict[str, list[_Name]] = defaultdict(list)
        for rule in rules:
            words = without_intermediary(rule.key.split(" "))
            name = _Name("".join(words), frozenset(accumulate(map(len, words))), rule)
            self._names[name.letters[: _needed(name.letters)]].append(name)
        self._lengths = sorted({len(beginning) for beginning in self._names})

    def find(self, words: Sequence[str]) -> list[Spelling]:
        """Merchants that normalised words spell, most agreeing letters first."""
        words = without_intermediary(words)
        found = [spelling for start in range(min(_STARTS, len(words))) for spelling in self._at(words[start:], start)]
        return sorted(found, key=lambda spelling: (spelling.letters, spelling.rule.rank), reverse=True)

    def _at(self, words: Sequence[str], start: int) -> Iterator[Spelling]:
        text = "".join(words)
        ends = list(accumulate(map(len, words)))
        for length in self._lengths:
            for name in self._names.get(text[:length], ()) if length <= len(text) else ():
                letters = _agreeing(text, name.letters)
                if letters in ends and _identified(name, letters, letters == len(text), start, ends.index(letters) + 1):
                    yield Spelling(name.rule, letters, not start and letters == len(text))


def _needed(name: str) -> int:
    """How many letters of a name a spelling of it must hold."""
    return min(len(name), max(FEWEST_LETTERS, ceil(SHARE * len(name))))


def _identified(name: _Name, letters: int, to_the_end: bool, start: int, words: int) -> bool:
    """Whether so many agreeing letters are enough.

    Args:
        to_the_end: nothing stands behind them.
        start: words in front of them.
        words: that hold them.
    """
    whole = letters == len(name.letters)
    if start:
        return whole and letters >= LATER_LETTERS and words >= LATER_WORDS
    # `storage west` is no cut `storage box`: where more follows, the cut must go through a word of the name.
    return whole or to_the_end or letters not in name.ends


def _agreeing(text: str, name: str) -> int:
    """Length of the common beginning."""
    length = min(len(text), len(name))
    return next((i for i in range(length) if text[i] != name[i]), length)


def without_intermediary(words: Sequence[str]) -> Sequence[str]:
    """The words of the merchant alone, when there are any."""
    return words[1:] if len(words) > 1 and words[0].endswith("*") else words
