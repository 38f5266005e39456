"""Finds rules of a merchant memory that do nothing, or not what their author meant. Standard library only.

One rule covers another when it fits every description the other fits: the same
text, a shorter prefix, a domain above it, a looser pattern. What a covered rule
is worth follows from who decides and whether both say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from merchant_classifier.matching import RuleIndex
from merchant_classifier.rules import Kind, Rule, folded


class Flaw(StrEnum):
    """What can be wrong with a rule that is well formed."""

    EXPIRED = "expired"  # no longer holds
    CONTRADICTED = "contradicted"  # a stronger rule for the same text answers otherwise
    SHADOWED = "shadowed"  # a stronger, wider rule always answers first, and otherwise
    REDUNDANT = "redundant"  # without it the answers would be the same
    BROAD = "broad"  # a prefix that is read as fewer words than were written
    DEAD = "dead"  # decided about none of the descriptions it was tried on


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule at fault and why."""

    rule: Rule
    flaw: Flaw
    why: str


_COVERING = {
    Kind.EXACT: {Kind.EXACT, Kind.PREFIX},
    Kind.PREFIX: {Kind.PREFIX},
    Kind.DOMAIN: {Kind.DOMAIN},
    Kind.PATTERN: {Kind.PATTERN},
    Kind.MERCHANT: {Kind.MERCHANT},
}


def lint(rules: Sequence[Rule], today: date, hit: Collection[int] | None = None) -> list[Finding]:
    """At most one finding a rule, in the order of the rules.

    Args:
        rules: of one file.
        today: the day on which expiry is judged.
        hit: numbers of the rules that decided about some sample of descriptions; None when there was no sample.
    """
    index = RuleIndex(rule for rule in rules if rule.holds(today))
    return [finding for rule in rules for finding in _of(rule, index, today, hit)]


def _of(rule: Rule, index: RuleIndex, today: date, hit: Collection[int] | None) -> Iterator[Finding]:
    if not rule.holds(today):
        yield Finding(rule, Flaw.EXPIRED, f"since {rule.expires}")
        return
    covering = [other for other in index.candidates(rule.key, rule.key.split(" ")) if _covers(other, rule)]
    next_best = max(covering, key=lambda other: other.rank, default=None)
    if next_best is not None and (next_best.mcc == rule.mcc or next_best.rank > rule.rank):
        yield Finding(rule, _flaw(rule, next_best), f"by {_named(next_best)}")
    elif rule.kind is Kind.PREFIX and len(folded(rule.text).split()) > len(rule.key.split()):
        yield Finding(rule, Flaw.BROAD, f"it is read as {rule.key!r}")
    elif hit is not None and rule.id not in hit:
        yield Finding(rule, Flaw.DEAD, "no description of the sample was decided by it")


def _covers(other: Rule, rule: Rule) -> bool:
    """Whether `other`, whose text fits the rule's own, fits all that the rule fits, for at least as long."""
    lasts = other.expires is None or (rule.expires is not None and rule.expires <= other.expires)
    return other.id != rule.id and other.kind in _COVERING[rule.kind] and lasts


def _flaw(rule: Rule, other: Rule) -> Flaw:
    if other.mcc == rule.mcc:
        return Flaw.REDUNDANT
    return Flaw.CONTRADICTED if (other.kind, other.key) == (rule.kind, rule.key) else Flaw.SHADOWED


def _named(rule: Rule) -> str:
    return f"#{rule.id} ({rule.kind} {rule.text!r}: {rule.mcc}, priority {rule.priority})"
