"""A hundred thousand rules cost a call about what reading its description does, on any machine."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

import pytest

from merchant_classifier.matching import RuleIndex
from merchant_classifier.rules import Kind, Rule
from merchant_classifier.text import normalize
from tests.memory_files import LONG_AGO

RULES = 100_000
_SYLLABLES = [first + second for first in "bcdfghklmnprstvw" for second in ("a", "e", "il", "o", "un")]
_TIMES_READING = 1.5


def words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) for _ in range(count))


def mixed(rng: random.Random) -> list[Rule]:
    kinds = rng.choices(list(Kind), weights=[6, 0, 1, 2, 1], k=RULES)
    rules = []
    for number, kind in enumerate(kinds, start=1):
        name = words(rng, 2)
        key = {Kind.DOMAIN: f"{name.replace(' ', '')}.example.com", Kind.PATTERN: f"*{name}*{number % 100}*"}.get(
            kind, name
        )
        rules.append(Rule(number, kind, name, "5814", 0, "ann", "because", LONG_AGO, None, key))
    return rules


def median_seconds(call: Callable[[str], object], texts: list[str]) -> float:
    """The best of three rounds for each text, then the median."""
    taken = dict.fromkeys(texts, float("inf"))
    for _ in range(3):
        for text in texts:
            start = time.perf_counter()
            call(text)
            taken[text] = min(taken[text], time.perf_counter() - start)
    return statistics.median(taken.values())


@pytest.mark.slow
def test_many_rules_of_every_kind_are_looked_up_in_the_time_of_reading() -> None:
    rng = random.Random(1)
    index = RuleIndex(mixed(rng))
    texts = [f"POS DEBIT 08/14 {words(rng, 3).upper()} WWW.{n}.EXAMPLE.COM {n:05} LONDON GB" for n in range(500)]
    read = {text: normalize(text).words for text in texts}
    looking_up = median_seconds(lambda text: index.candidates(text, read[text]), texts)
    assert looking_up < _TIMES_READING * median_seconds(normalize, texts)
