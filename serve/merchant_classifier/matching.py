"""Finds the rule that decides about a description among a hundred thousand, in microseconds. Standard library only.

Rules are immutable once indexed: a changed file makes a new `RuleIndex`, which
takes the old one's place in one assignment, so a call sees one state or the
other and needs no lock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

from merchant_classifier.rules import SHORTEST_LITERAL, Kind, Rule, domains, folded, literals

_STRIDE = 4
"""A description is cut into runs of so many characters; a pattern is indexed under each run that a cut can leave."""

_LONG_LITERAL = 2 * _STRIDE - 1
"""A piece this long holds a whole run wherever the cuts fall; shorter ones are looked for at every character."""

_PREFIX_START = 3

_Table = Mapping[str, Sequence[Rule]]


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
        if old and old._rules[Kind.PATTERN] == self._rules[Kind.PATTERN]:
            self._short, self._long = old._short, old._long  # the only tables that are slow to make
        else:
            short, long = _split(self._rules[Kind.PATTERN], lambda rule: _longest(rule.key) >= _LONG_LITERAL)
            self._short, self._long = _by_grams(short, SHORTEST_LITERAL, 1), _by_grams(long, _STRIDE, _STRIDE)

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
        if self._domain or self._short or self._long:
            yield from self._in_line(folded(description))

    def _beginning(self, text: str) -> Iterator[Rule]:
        for size in range(1, _PREFIX_START + 1):
            for length in self._prefix_lengths.get(text[:size], ()):
                yield from self._prefix.get(text[:length], ())

    def _in_line(self, line: str) -> Iterator[Rule]:
        if self._domain and "." in line:
            for domain in set(domains(line)):
                yield from self._domain.get(domain, ())
        if self._long:
            yield from _fitting(self._long, line, _STRIDE, _STRIDE)
        if self._short:
            yield from _fitting(self._short, line, SHORTEST_LITERAL, 1)


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


def _fitting(table: _Table, line: str, size: int, step: int) -> Iterator[Rule]:
    """Patterns that fit a line, found by the line's runs of `size` characters at every `step`."""
    tried: set[int] = set()
    for start in range(0, len(line) - size + 1, step):
        for rule in table.get(line[start : start + size], ()):
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


def _split(rules: Iterable[Rule], test: Callable[[Rule], bool]) -> tuple[list[Rule], list[Rule]]:
    parts: tuple[list[Rule], list[Rule]] = [], []
    for rule in rules:
        parts[test(rule)].append(rule)
    return parts


def _longest(pattern: str) -> int:
    return max(map(len, literals(pattern)))


def _by_grams(rules: Sequence[Rule], size: int, offsets: int) -> _Table:
    """Each pattern under `offsets` consecutive runs of `size` characters: every text it fits holds one of them at a cut.

    Of all such places in a pattern, the one is taken whose runs the fewest patterns share.
    """
    choices = [list(_windows(rule.key, size, offsets)) for rule in rules]
    shared = Counter(gram for windows in choices for gram in {gram for window in windows for gram in window})
    table: dict[str, list[Rule]] = defaultdict(list)
    for rule, windows in zip(rules, choices, strict=True):
        chosen = min(windows, key=lambda window: (sum(shared[gram] for gram in window), window))
        for gram in set(chosen):
            table[gram].append(rule)
    return dict(table)


def _windows(pattern: str, size: int, offsets: int) -> Iterator[tuple[str, ...]]:
    for piece in literals(pattern):
        for start in range(len(piece) - size - offsets + 2):
            yield tuple(piece[start + offset : start + offset + size] for offset in range(offsets))
