"""Finds the rule that decides about a description among a hundred thousand, in microseconds. Standard library only.

Rules are immutable once indexed: a changed file makes a new `RuleIndex`, which
takes the old one's place in one assignment, so a call sees one state or the
other and needs no lock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from merchant_classifier.rules import SHORTEST_LITERAL, Kind, Rule, domains, folded, literals

_LONG_LITERAL = 6
"""Patterns with a piece this long are indexed by that many characters, which few patterns share."""

_Table = Mapping[str, Sequence[Rule]]


class RuleIndex:
    """Exact, prefix, domain and pattern rules, indexed. Merchant rules are `spelling.Spellings`'s."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        by_kind: dict[Kind, list[Rule]] = defaultdict(list)
        for rule in rules:
            by_kind[rule.kind].append(rule)
        # A confirmed merchant's own name is its first spelling, and needs no comparing.
        self._exact = _by_key(by_kind[Kind.EXACT] + by_kind[Kind.MERCHANT])
        self._domain = _by_key(by_kind[Kind.DOMAIN])
        self._prefix = _by_key(by_kind[Kind.PREFIX])
        self._prefix_lengths = sorted({len(key) for key in self._prefix})
        self._pattern = _by_gram(by_kind[Kind.PATTERN])
        self._gram_sizes = sorted({len(gram) for gram in self._pattern})

    def candidates(self, description: str, words: Sequence[str]) -> Iterator[Rule]:
        """Every rule whose text fits, expired ones too.

        Args:
            description: as it came.
            words: its normalised words; a rule without the intermediary's word fits with it and without.
        """
        for text in readings(words):
            yield from self._exact.get(text, ())
            for length in self._prefix_lengths:
                if length > len(text):
                    break
                yield from self._prefix.get(text[:length], ())
        if self._domain or self._pattern:
            yield from self._in_line(folded(description))

    def _in_line(self, line: str) -> Iterator[Rule]:
        if self._domain and "." in line:
            for domain in set(domains(line)):
                yield from self._domain.get(domain, ())
        for size in self._gram_sizes:
            for gram in {line[start : start + size] for start in range(len(line) - size + 1)}:
                for rule in self._pattern.get(gram, ()):
                    if fits(rule.key, line):
                        yield rule


def readings(words: Sequence[str]) -> tuple[str, ...]:
    """The texts a description is looked up as: with the intermediary's word, and without."""
    if not words:
        return ()
    text = " ".join(words)
    return (text, " ".join(words[1:])) if words[0].endswith("*") and len(words) > 1 else (text,)


def best(rules: Iterable[Rule], today: date) -> Rule | None:
    """The rule that decides: the highest in rank among those that still hold."""
    return max((rule for rule in rules if rule.holds(today)), key=lambda rule: rule.rank, default=None)


def fits(pattern: str, line: str) -> bool:
    """Whether a folded line is what a folded pattern describes; each star stands for any characters, or none.

    Pieces are looked for from left to right, so the time is bounded by their number times the line's length.
    """
    first, *middle = pattern.split("*")
    if not middle:
        return line == first
    last = middle.pop()
    if len(line) < len(first) + len(last) or not line.startswith(first) or not line.endswith(last):
        return False
    position, end = len(first), len(line) - len(last)
    for piece in middle:
        found = line.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _by_key(rules: Iterable[Rule]) -> _Table:
    table: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        table[rule.key].append(rule)
    return dict(table)


def _by_gram(rules: Sequence[Rule]) -> _Table:
    """Each pattern under the run of characters in it that the fewest patterns share."""
    grams = [set(_grams(rule.key)) for rule in rules]
    shared = Counter(gram for of_rule in grams for gram in of_rule)
    table: dict[str, list[Rule]] = defaultdict(list)
    for rule, of_rule in zip(rules, grams, strict=True):
        table[min(of_rule, key=lambda gram: (shared[gram], gram))].append(rule)
    return dict(table)


def _grams(pattern: str) -> Iterator[str]:
    pieces = literals(pattern)
    size = _LONG_LITERAL if max(map(len, pieces)) >= _LONG_LITERAL else SHORTEST_LITERAL
    for piece in pieces:
        yield from (piece[start : start + size] for start in range(len(piece) - size + 1))
