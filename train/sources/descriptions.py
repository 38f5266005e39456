"""Card networks' wordings of a category -> the code: for open data that prints the description and not the number.

Wordings are those of the package iso18245 (MIT), kept in
`data/reference/mcc_descriptions.csv`. Exports cut descriptions at 40 characters
or fewer, drop punctuation and swap a word, so a description is looked up by its
letters, then as a beginning, then by the share of words in common. Of the 357
pairs of wording and code in Toronto's card data, 328 are found, none of them
wrongly; 22 of the others read `NEW MCC CODE` or `Default`.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

REFERENCE = Path("data/reference/mcc_descriptions.csv")

_SHORTEST_BEGINNING = 12
_WORDS_IN_COMMON = 0.6
_NO_MEANING = frozenset(
    "and or the of in for not elsewhere classified nec other shops shop store stores services".split()
)


class Descriptions:
    """Finds codes by wording.

    Args:
        pairs: code and one of its wordings; a code may have several.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._codes: dict[str, set[str]] = defaultdict(set)
        self._words: dict[frozenset[str], set[str]] = defaultdict(set)
        for code, text in pairs:
            self._codes[_letters(text)].add(code)
            self._words[_meaning(text)].add(code)

    def code(self, description: str) -> str:
        """The code whose wording this is, or "" when none or several fit."""
        letters = _letters(description)
        if letters in self._codes:
            return _only(self._codes[letters])
        if len(letters) >= _SHORTEST_BEGINNING:
            begun = {code for text, codes in self._codes.items() if text.startswith(letters) for code in codes}
            if begun:
                return _only(begun)
        return self._by_words(_meaning(description))

    def _by_words(self, words: frozenset[str]) -> str:
        shares = [(_share(words, known), codes) for known, codes in self._words.items() if words & known]
        best = max((share for share, _ in shares), default=0.0)
        if best < _WORDS_IN_COMMON:
            return ""
        return _only({code for share, codes in shares if share == best for code in codes})


@cache
def reference() -> Descriptions:
    """The wordings that the project keeps."""
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        return Descriptions((row["mcc"], row["description"]) for row in csv.DictReader(file))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower().replace("&", "and"))


def _meaning(text: str) -> frozenset[str]:
    words = re.findall(r"[a-z]+", text.lower())
    return frozenset(word.removesuffix("s") for word in words if word not in _NO_MEANING)


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)


def _only(codes: set[str]) -> str:
    return next(iter(codes)) if len(codes) == 1 else ""
