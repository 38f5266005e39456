"""Lint finds each flaw, once, and leaves sound rules alone."""

from __future__ import annotations

from datetime import date

import pytest

from merchant_classifier.memory_lint import Flaw, lint
from merchant_classifier.rules import Rule
from tests.memory_files import rule

TODAY = date(2026, 6, 1)
SOON = date(2026, 7, 1)


def flaws(*rules: Rule, hit: set[int] | None = None) -> dict[int, str]:
    return {finding.rule.id: finding.flaw.value for finding in lint(rules, TODAY, hit)}


def test_sound_rules_have_no_flaw() -> None:
    assert not flaws(
        rule(1, "exact", "blue bottle", "5814"),
        rule(2, "prefix", "blue", "5812"),
        rule(3, "domain", "shop.example.com", "5814"),
        rule(4, "domain", "example.com", "5812"),
        rule(5, "pattern", "*blue*", "5411"),
        rule(6, "merchant", "Blue Bottle Coffee", "5814"),
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("exact", "blue", "5814"), ("exact", "BLUE", "5814"), {1: "redundant", 2: "redundant"}),
        (("exact", "blue", "5814"), ("exact", "blue", "5812"), {1: "contradicted"}),
        (("exact", "blue bottle", "5814"), ("prefix", "blue", "5814"), {1: "redundant"}),
        (("domain", "shop.example.com", "5814"), ("domain", "example.com", "5814"), {1: "redundant"}),
        (("pattern", "*blue bottle*", "5814"), ("pattern", "*blue*", "5814"), {1: "redundant"}),
        (("merchant", "blue", "5814"), ("merchant", "blue", "5812"), {1: "contradicted"}),
        (("pattern", "*blue*", "5814"), ("prefix", "blue", "5814"), {}),
    ],
)
def test_two_rules_of_one_priority(
    first: tuple[str, str, str], second: tuple[str, str, str], expected: dict[int, str]
) -> None:
    assert flaws(rule(1, *first), rule(2, *second)) == expected


def test_a_wider_rule_of_higher_priority_shadows() -> None:
    narrow, wide = rule(1, "exact", "blue bottle", "5814"), rule(2, "prefix", "blue", "5812", priority=1)
    assert flaws(narrow, wide) == {1: Flaw.SHADOWED.value}


def test_a_rule_that_will_expire_shadows_nothing_that_outlives_it() -> None:
    narrow, wide = rule(1, "exact", "blue bottle", "5814"), rule(2, "prefix", "blue", priority=1, expires=SOON)
    assert not flaws(narrow, wide)


def test_an_expired_rule_is_only_expired_and_troubles_no_other() -> None:
    assert flaws(rule(1, "exact", "blue", expires=TODAY), rule(2, "exact", "blue", "5812")) == {1: "expired"}


def test_a_prefix_that_loses_its_place_name_is_broad() -> None:
    assert flaws(rule(1, "prefix", "Cafe Oakland CA")) == {1: "broad"}


def test_a_rule_without_a_hit_is_dead() -> None:
    assert flaws(rule(1, "exact", "blue"), rule(2, "exact", "red"), hit={1}) == {2: "dead"}
