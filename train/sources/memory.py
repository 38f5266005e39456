"""A merchant memory file as a source: what people decided while a model served is learnt by the next one.

Exact rules and confirmed merchants are rows; rules that stand for many merchants
(prefix, pattern, domain) stay rules. A row of another source that says otherwise
about the same words is overruled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from merchant_classifier.memory_file import read as read_memory
from merchant_classifier.rules import Kind, Rule
from merchant_classifier.text import normalize
from train.sources.rows import Dropped, Entry, Row

ADAPTER = "memory"

ABSORBED = (Kind.EXACT, Kind.MERCHANT)


def read(path: Path) -> Iterator[Entry]:
    """One row a rule about one merchant that holds today; of several about the same words, the one that decides."""
    content = read_memory(path)
    deciding = {id(rule) for rule in strongest(content.rules).values()}
    for rule, line in zip(content.rules, content.lines, strict=True):
        if not rule.holds(date.today()):
            yield Dropped("expired rule", line)
        elif rule.kind not in ABSORBED:
            yield Dropped("rule about many merchants", line)
        elif id(rule) not in deciding:
            yield Dropped("weaker than another rule about the same words", line)
        else:
            yield Row(rule.text, rule.mcc, source=f"{ADAPTER}-{rule.kind}", line=line)


def strongest(rules: Iterable[Rule]) -> dict[str, Rule]:
    """The deciding rule about each merchant's normalised words."""
    held = [rule for rule in rules if rule.kind in ABSORBED and rule.holds(date.today())]
    return {rule.key: rule for rule in sorted(held, key=lambda rule: rule.rank)}


class Decided:
    """What memory files say about merchants, for dropping rows that say otherwise."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._labels: Mapping[str, str] = {
            key: rule.mcc for path in paths for key, rule in strongest(read_memory(path).rules).items()
        }

    def overrules(self, text: str, label: str) -> bool:
        """Whether a row's words were given another label."""
        return bool(self._labels) and self._labels.get(normalize(text).text, label) != label
