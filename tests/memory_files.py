"""Writes merchant memory files for tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from merchant_classifier.memory_file import TITLE, lines
from merchant_classifier.rules import COLUMNS, Kind, Rule, key_of

LONG_AGO = date(2020, 1, 1)


def rule(
    number: int,
    kind: str,
    text: str,
    mcc: str = "5814",
    *,
    priority: int = 0,
    created: date = LONG_AGO,
    expires: date | None = None,
) -> Rule:
    """A rule with the columns that do not matter filled in."""
    key = key_of(Kind(kind), text)
    return Rule(number, Kind(kind), text, mcc, priority, "ann", "because", created, expires, key)


def write(path: Path, rules: Iterable[Rule] = ()) -> Path:
    """A whole file of rules."""
    path.write_text(f"{TITLE}\n{','.join(COLUMNS)}\n{lines(rules)}", "utf-8")
    return path


def add_lines(path: Path, *added: str) -> None:
    """Write at the end of a file, as an editor would."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in added)
