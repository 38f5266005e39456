"""Finds the rule that decides about a description among a hundred thousand, in microseconds. Standard library only.

Rules are immutable once indexed: a changed file makes a new `RuleIndex`, which
takes the old one's place in one assignment, so a call sees one state or the
other and needs no lock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from merchant_classifier.rules import SHORTEST_LITERAL, Kind, Rule, domains, folded, literals

_RUNS = ((5, 3), (3, 2), (SHORTEST_LITERAL, 1))
"""Size and step: a description is looked up by its runs of `size` characters at every `step`, a pattern is indexed by
`step` consecutive runs and so needs `size + step - 1` characters between stars. Few patterns share a long run."""

_Table = Mapping[str, Sequence[Rule]]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Patterns by runs of `size` characters; a description is looked up by its runs at every `step`."""

    size: int
    step: int
    rules: _Table


@dataclass(frozen=True, slots=True)
class _Prefixes:
    """Rules by prefix. `longest[i]` is the place of the longest other key that `keys[i]` begins with, or -1."""

    keys: Sequence[str]
    longest: Sequence[int]
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
        self._prefixes = _prefixes(self._rules[Kind.PREFIX])
        # The only tables that are slow to make.
        same = old is not None and old._rules[Kind.PATTERN] == self._rules[Kind.PATTERN]
        self._patterns: Sequence[_Runs] = old._patterns if old and same else _runs(self._rules[Kind.PATTERN])

    def candidates(self, description: str, words: Sequence[str]) -> list[Rule]:
        """Every rule whose text fits, expired ones too.

        Args:
            description: as it came.
            words: its normalised words; a rule without the intermediary's word fits with it and without.
        """
        found: list[Rule] = []
        for text in readings(words):
            found += self._exact.get(text, ())
            if self._prefixes.keys:
                found += _beginning(self._prefixes, text)
        if self._domain or self._patterns:
            line = folded(description)
            if self._domain and "." in line:
                found += [rule for domain in set(domains(line)) for rule in self._domain.get(domain, ())]
            for runs in self._patterns:
                found += _fitting(runs, line)
        return found


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


def _fitting(runs: _Runs, line: str) -> list[Rule]:
    """Patterns that fit a line."""
    get, size = runs.rules.get, runs.size
    tried = {
        rule.id: rule
        for start in range(0, len(line) - size + 1, runs.step)
        for rule in get(line[start : start + size], ())
    }
    return [rule for rule in tried.values() if fits(rule.key, line)]


def _prefixes(rules: Sequence[Rule]) -> _Prefixes:
    table = _by_key(rules)
    keys = sorted(table)
    longest: list[int] = []
    for place, key in enumerate(keys):
        # What a key begins with stands before it, and what stands between the two begins with it too.
        other = place - 1
        while other >= 0 and not key.startswith(keys[other]):
            other = longest[other]
        longest.append(other)
    return _Prefixes(keys, longest, table)


def _beginning(prefixes: _Prefixes, text: str) -> list[Rule]:
    """Rules whose key the text begins with: they are among the last key not after it and what that key begins with."""
    found: list[Rule] = []
    place = bisect_right(prefixes.keys, text) - 1
    while place >= 0:
        key = prefixes.keys[place]
        if text.startswith(key):
            found += prefixes.rules[key]
        place = prefixes.longest[place]
    return found


def _by_key(rules: Sequence[Rule]) -> _Table:
    table: dict[str, tuple[Rule, ...]] = {rule.key: (rule,) for rule in rules}
    if len(table) < len(rules):
        for rule in rules:
            if rule not in table[rule.key]:
                table[rule.key] += (rule,)
    return table


def _runs(patterns: Sequence[Rule]) -> list[_Runs]:
    """An index for each of `_RUNS`, each pattern in the first it is long enough for; empty ones are left out."""
    left, indexes = list(patterns), []
    for size, step in _RUNS:
        fitting = [rule for rule in left if _longest(rule.key) >= size + step - 1]
        left = [rule for rule in left if _longest(rule.key) < size + step - 1]
        indexes.append(_Runs(size, step, _by_run(fitting, size, step)))
    return [runs for runs in indexes if runs.rules]


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
