"""Descriptors as they come in, and what the model and the normaliser see in them: what drift is judged on."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.decision import Decider
from merchant_classifier.errors import InputError
from merchant_classifier.prediction import Mode, Reason
from merchant_classifier.text import normalize
from train.judged import Model
from train.keys import name_head
from train.sources.tables import number, records

MOST_LINES = 20_000
"""Lines looked at; more are sampled."""

_MERCHANT_WORDS = 2
_STAR_WITHIN = 20
_NOT_LETTERS = re.compile(r"[\W\d_]+")


class Reader(Model, Protocol):
    """A model whose probabilities can be looked at."""

    @property
    def decider(self) -> Decider:
        """Labels and the rule from logits to answers."""

    def logits(self, descriptions: Sequence[str]) -> NDArray[np.float32]:
        """Float32 (descriptions, labels)."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Lines of a period, a column each.

    Attributes:
        merchants: first words of the merchant's name; "" where none is read.
        words: normalised words.
        scripts: what most letters belong to, with "accents" where Latin ones have them.
        leads: what stands before a star, else the first word: facilitators show up here.
        categories: probabilities, float32 (lines, categories), summing to 1.
        confidence: of the best label.
        answered: in mode `balanced` an MCC was named.
    """

    texts: list[str]
    merchants: list[str]
    words: list[tuple[str, ...]]
    scripts: list[str]
    leads: list[str]
    categories: NDArray[np.float32]
    confidence: NDArray[np.float64]
    answered: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, places: Sequence[int]) -> Traffic:
        """Some of the lines; a line may come twice."""
        at = np.asarray(places, np.intp)
        return Traffic(
            [self.texts[i] for i in at],
            [self.merchants[i] for i in at],
            [self.words[i] for i in at],
            [self.scripts[i] for i in at],
            [self.leads[i] for i in at],
            self.categories[at],
            self.confidence[at],
            self.answered[at],
        )


def read_lines(path: Path, column: str) -> list[str]:
    """Descriptions of a CSV or Parquet file; a column `count` says how often each came.

    Raises:
        InputError: not readable, no such column, a count that is no whole number, or no description in it.
    """
    lines: list[str] = []
    for line, row in records(path, (column,), ("count",)):
        times = int(number(f"{path}:{line}: column 'count'", row["count"], int, 1))
        if row[column].strip():
            lines += [row[column]] * times
    if not lines:
        raise InputError(f"{path}: no description in column {column!r}")
    return lines


def sampled(lines: Sequence[str], seed: int) -> list[str]:
    """At most `MOST_LINES` of the lines."""
    return list(lines) if len(lines) <= MOST_LINES else random.Random(seed).sample(list(lines), MOST_LINES)


def look_at(model: Reader, lines: Sequence[str]) -> Traffic:
    """What model and normaliser see; a repeated line is looked at once."""
    distinct = list(dict.fromkeys(lines))
    place = {text: number for number, text in enumerate(distinct)}
    seen = _look_at_distinct(model, distinct)
    return seen.part([place[text] for text in lines])


def _look_at_distinct(model: Reader, texts: list[str]) -> Traffic:
    predictions = model.predict_many(texts, mode=Mode.BALANCED)
    words = [normalize(text).words for text in texts]
    decider = model.decider
    categories = decider.category_probabilities(decider.probabilities(model.logits(texts)))
    return Traffic(
        texts,
        [_merchant(line) for line in words],
        words,
        [script(text) for text in texts],
        [lead(text) for text in texts],
        categories.astype(np.float32),
        np.array([p.candidates[0].confidence if p.candidates else 0.0 for p in predictions]),
        np.array([p.reason == Reason.CONFIDENT for p in predictions], np.bool_),
    )


def merchant(text: str) -> str:
    """First words of the merchant's name; "" where none is read."""
    return _merchant(normalize(text).words)


def _merchant(words: Sequence[str]) -> str:
    return " ".join(name_head(" ".join(words))[:_MERCHANT_WORDS])


def script(text: str) -> str:
    """The script of most letters, "none" without letters."""
    counts = Counter(_script(letter) for letter in text if letter.isalpha())
    if not counts:
        return "none"
    name = counts.most_common(1)[0][0]
    return "latin, accents" if name == "latin" and not text.isascii() else name


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split(" ", 1)[0].lower()


def lead(text: str) -> str:
    """What stands before a star near the start, else the first word; letters only, upper case."""
    before, star, _ = text[:_STAR_WITHIN].partition("*")
    head = before if star else text.lstrip().split(" ", 1)[0]
    return _NOT_LETTERS.sub("", head).upper()
