"""Which rule decides: the index finds what comparing with every rule would find, and rank settles the rest."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchant_classifier.matching import RuleIndex, best, fits
from merchant_classifier.rules import Rule
from merchant_classifier.text import normalize
from tests.memory_files import rule

TODAY = date(2026, 6, 1)


def decided(description: str, *rules: Rule) -> int | None:
    words = normalize(description).words
    found = best(RuleIndex(rules).candidates(description, words), TODAY)
    return found.id if found else None


@pytest.mark.parametrize(
    ("kind", "text", "description", "expected"),
    [
        ("exact", "Blue Bottle Coffee", "POS DEBIT 08/14 BLUE BOTTLE COFFEE OAKLAND CA", True),
        ("exact", "Blue Bottle Coffee", "SQ *BLUE BOTTLE COFFEE", True),
        ("exact", "SQ *Blue Bottle Coffee", "BLUE BOTTLE COFFEE", False),
        ("exact", "Blue Bottle", "BLUE BOTTLE COFFEE", False),
        ("prefix", "Blue Bot", "BLUE BOTTLE COFFEE", True),
        ("prefix", "Bl", "BLUE BOTTLE COFFEE", True),
        ("prefix", "Bottle", "BLUE BOTTLE COFFEE", False),
        ("domain", "www.example.com", "EXAMPLE.COM/BILL", True),
        ("domain", "example.com", "shop.example.com 12.99", True),
        ("domain", "example.com", "notexample.com", False),
        ("pattern", "*term 99*", "Kiosk  TERM 9912", True),
        ("pattern", "kiosk*12", "KIOSK TERM 9912", True),
        ("pattern", "kiosk*12", "MY KIOSK TERM 9912", False),
        ("pattern", "*blue*coffee*", "coffee BLUE bottle", False),
        ("merchant", "Blue Bottle Coffee", "BLUE BOTTLE COFFEE", True),
    ],
)
def test_kinds_fit_what_they_say(kind: str, text: str, description: str, expected: bool) -> None:
    assert (decided(description, rule(1, kind, text)) == 1) is expected


def test_the_higher_priority_decides_whatever_the_kind() -> None:
    assert decided("BLUE BOTTLE", rule(1, "exact", "blue bottle"), rule(2, "pattern", "*blue*", priority=1)) == 2


def test_without_priorities_the_more_specific_rule_decides() -> None:
    rules = [
        rule(1, "pattern", "*bottle*"),
        rule(2, "prefix", "blue"),
        rule(3, "prefix", "blue bot"),
        rule(4, "merchant", "blue bottle"),
        rule(5, "exact", "blue bottle"),
    ]
    for number in (5, 4, 3, 2, 1):
        assert decided("BLUE BOTTLE", *rules[:number]) == number


def test_of_two_decisions_about_one_text_the_newer_counts() -> None:
    older, newer = rule(2, "exact", "blue"), rule(1, "exact", "blue", created=date(2026, 1, 1))
    assert decided("BLUE", older, newer) == 1


def test_an_expired_rule_makes_way_for_a_weaker_one() -> None:
    expired = rule(1, "exact", "blue", priority=9, expires=TODAY)
    assert decided("BLUE", expired, rule(2, "exact", "blue")) == 2
    assert decided("BLUE", expired) is None


def test_a_rule_holds_until_the_day_before_it_expires() -> None:
    assert decided("BLUE", rule(1, "exact", "blue", expires=date(2026, 6, 2))) == 1


pieces = st.text("ab ", max_size=6)
patterns = st.lists(pieces, min_size=1, max_size=4).map("*".join)


@given(patterns, st.text("ab ", max_size=24))
def test_stars_mean_what_they_mean_in_an_expression(pattern: str, line: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert fits(pattern, line) == bool(re.fullmatch(expression, line))


texts = st.text("abc", min_size=3, max_size=10)
stars = st.tuples(st.sampled_from(["", "*"]), st.lists(texts, min_size=1, max_size=3), st.sampled_from(["", "*"])).map(
    lambda parts: parts[0] + "*".join(parts[1]) + parts[2]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(stars, max_size=30), st.text("abc", min_size=1, max_size=40))
def test_the_index_finds_every_pattern_that_fits(texts: list[str], line: str) -> None:
    rules = [rule(number, "pattern", text) for number, text in enumerate(texts, start=1)]
    found = {candidate.id for candidate in RuleIndex(rules).candidates(line, ())}
    assert found == {candidate.id for candidate in rules if fits(candidate.key, line)}


@given(st.lists(st.text("ab ", min_size=1, max_size=6).filter(str.strip), max_size=20), st.text("ab", max_size=12))
def test_the_index_finds_every_prefix_that_fits(texts: list[str], word: str) -> None:
    rules = [rule(number, "prefix", text) for number, text in enumerate(texts, start=1)]
    found = {candidate.id for candidate in RuleIndex(rules).candidates("", (word,) if word else ())}
    assert found == {candidate.id for candidate in rules if word and word.startswith(candidate.key)}


def test_an_index_made_from_an_older_one_forgets_what_was_removed() -> None:
    first = RuleIndex([rule(1, "pattern", "*blue*"), rule(2, "exact", "red")])
    second = RuleIndex([rule(3, "exact", "green")], first)
    assert [found.id for found in second.candidates("blue", ("blue",))] == []
    assert [found.id for found in second.candidates("green", ("green",))] == [3]
