"""Finds the rule that decides about a description among a hundred thousand, in microseconds. Standard library only.

Rules are immutable once indexed: a changed file makes a new `RuleIndex`, which
takes the old one's place in one assignment, so a call sees one state or the
other and needs no lock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from merchant_classifier.rules import SHORTEST_LITERAL, Kind, Rule, domains, folded, literals

_STRIDE = 4
"""A description is cut into runs of so many characters; a pattern is indexed under each run that a cut can leave."""

_LONG_LITERAL = 2 * _STRIDE - 1
"""A piece this long holds a whole run wherever the cuts fall; shorter ones are looked for at every character."""

_PREFIX_START = 3

_Table = Mapping[str, Sequence[Rule]]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Patterns by runs of `size` characters; a description is looked up by its runs at every `step`."""

    size: int
    step: int
    rules: _Table


class RuleIndex:
    """Exact, prefix, domain and pattern rules, indexed. Merchant rules are `spelling.Spellings`'s.

    Args:
        rules: of one file.
        old: index of an earlier version of the file, whose parts are taken over where nothing changed.
    """

    def __init__(self, rules: Iterable[Rule], old: RuleIndex | None = None) -> None:
        self._rules: dict[Kind, list[Rule]] = {kind: [] for kind in Kind}
        for rule in rules:
            self._rules[rule.kind].append(rule)
        # A confirmed merchant's own name is its first spelling, and needs no comparing.
        self._exact = _by_key(self._rules[Kind.EXACT] + self._rules[Kind.MERCHANT])
        self._domain = _by_key(self._rules[Kind.DOMAIN])
        self._prefix = _by_key(self._rules[Kind.PREFIX])
        self._prefix_lengths = _lengths_by_start(self._prefix)
        # The only tables that are slow to make.
        same = old is not None and old._rules[Kind.PATTERN] == self._rules[Kind.PATTERN]
        self._patterns: Sequence[_Runs] = old._patterns if old and same else _runs(self._rules[Kind.PATTERN])

    def candidates(self, description: str, words: Sequence[str]) -> Iterator[Rule]:
        """Every rule whose text fits, expired ones too.

        Args:
            description: as it came.
            words: its normalised words; a rule without the intermediary's word fits with it and without.
        """
        for text in readings(words):
            yield from self._exact.get(text, ())
            if self._prefix:
                yield from self._beginning(text)
        if self._domain or self._patterns:
            yield from self._in_line(folded(description))

    def _beginning(self, text: str) -> Iterator[Rule]:
        for size in range(1, _PREFIX_START + 1):
            for length in self._prefix_lengths.get(text[:size], ()):
                yield from self._prefix.get(text[:length], ())

    def _in_line(self, line: str) -> Iterator[Rule]:
        if self._domain and "." in line:
            for domain in set(domains(line)):
                yield from self._domain.get(domain, ())
        for runs in self._patterns:
            yield from _fitting(runs, line)


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


def _fitting(runs: _Runs, line: str) -> Iterator[Rule]:
    """Patterns that fit a line."""
    tried: set[int] = set()
    for start in range(0, len(line) - runs.size + 1, runs.step):
        for rule in runs.rules.get(line[start : start + runs.size], ()):
            if rule.id not in tried:
                tried.add(rule.id)
                if fits(rule.key, line):
                    yield rule


def _by_key(rules: Sequence[Rule]) -> _Table:
    table: dict[str, tuple[Rule, ...]] = {rule.key: (rule,) for rule in rules}
    if len(table) < len(rules):
        for rule in rules:
            if rule not in table[rule.key]:
                table[rule.key] += (rule,)
    return table


def _lengths_by_start(keys: Iterable[str]) -> Mapping[str, Sequence[int]]:
    """Lengths of the keys that begin alike, by that beginning; a key shorter than a beginning is one itself."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for key in keys:
        lengths[key[:_PREFIX_START]].add(len(key))
    return {start: sorted(found) for start, found in lengths.items()}


def _runs(patterns: Sequence[Rule]) -> list[_Runs]:
    """Indexes of patterns that hold a long literal, and of those that do not; the empty ones left out."""
    long = [rule for rule in patterns if _longest(rule.key) >= _LONG_LITERAL]
    short = [rule for rule in patterns if _longest(rule.key) < _LONG_LITERAL]
    by_long = _Runs(_STRIDE, _STRIDE, _by_run(long, _STRIDE, _STRIDE))
    by_short = _Runs(SHORTEST_LITERAL, 1, _by_run(short, SHORTEST_LITERAL, 1))
    return [runs for runs in (by_long, by_short) if runs.rules]


def _longest(pattern: str) -> int:
    return max(map(len, literals(pattern)))


def _by_run(patterns: Sequence[Rule], size: int, step: int) -> _Table:
    """Each pattern under `step` consecutive runs of `size` characters: a text it fits holds one of them at a cut.

    Of all such places in a pattern, the one is taken whose runs the fewest patterns share.
    """
    choices = [list(_windows(rule.key, size, step)) for rule in patterns]
    shared = Counter(run for windows in choices for run in {run for window in windows for run in window})
    table: dict[str, list[Rule]] = defaultdict(list)
    for rule, windows in zip(patterns, choices, strict=True):
        chosen = min(windows, key=lambda window: (sum(shared[run] for run in window), window))
        for run in set(chosen):
            table[run].append(rule)
    return dict(table)


def _windows(pattern: str, size: int, step: int) -> Iterator[tuple[str, ...]]:
    for piece in literals(pattern):
        for start in range(len(piece) - size - step + 2):
            yield tuple(piece[start + offset : start + offset + size] for offset in range(step))
