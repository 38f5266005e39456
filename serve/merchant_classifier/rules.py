"""Rules of the merchant memory: what a person decided about merchants. Standard library only.

Each is one line of a file (`memory_file`) with these columns:

    id        positive integer, never used twice; answers name it (`decided_by: memory#17`)
    kind      how `text` is compared, see `Kind`
    text      what to look for, as it stands on a statement
    mcc       the answer: an MCC (or label) of the model, or `not_a_merchant`
    priority  integer, empty is 0; of several rules that fit, the highest decides
    author    who decided
    reason    why
    created   date, YYYY-MM-DD
    expires   first day on which the rule no longer holds, or empty
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from merchant_classifier.characters import fold
from merchant_classifier.text import MAX_CHARACTERS, normalize

COLUMNS = ("id", "kind", "text", "mcc", "priority", "author", "reason", "created", "expires")

SHORTEST_LITERAL = 3
"""Characters a pattern must hold between its stars, so that patterns can be indexed."""

_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")


class Kind(StrEnum):
    """How a rule's text is compared; of two rules with the same priority, the kind that stands first decides."""

    EXACT = "exact"  # the normalised description is the normalised text
    MERCHANT = "merchant"  # a confirmed merchant: this name in any of its spellings
    DOMAIN = "domain"  # the description names this internet domain or one under it
    PREFIX = "prefix"  # the normalised description begins with the normalised text
    PATTERN = "pattern"  # the description as it came, in small letters, fits; * stands for anything


_STRENGTH = {kind: -place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the file.

    Attributes:
        key: what `text` is compared as: normalised, folded or a bare domain, by kind.
    """

    id: int
    kind: Kind
    text: str
    mcc: str
    priority: int
    author: str
    reason: str
    created: date
    expires: date | None
    key: str

    @property
    def rank(self) -> tuple[int, int, int, date, int]:
        """Sorts rules by who decides: priority, kind, the longer text, the newer date, the higher number."""
        return self.priority, _STRENGTH[self.kind], len(self.key), self.created, self.id

    def holds(self, today: date) -> bool:
        """Whether the rule has not expired."""
        return self.expires is None or today < self.expires

    def fields(self) -> tuple[str, ...]:
        """The line's columns."""
        expires = self.expires.isoformat() if self.expires else ""
        return (
            *(str(self.id), self.kind.value, self.text, self.mcc, str(self.priority)),
            *(self.author, self.reason, self.created.isoformat(), expires),
        )


def folded(text: str) -> str:
    """A description as patterns and domains see it: plain characters, small letters, single spaces."""
    return " ".join(fold(text[:MAX_CHARACTERS], MAX_CHARACTERS).lower().split())


def domains(line: str) -> Iterator[str]:
    """Every internet domain a folded description names, and the domains above it."""
    for word in line.split(" "):
        for match in _DOMAIN.finditer(word) if "." in word else ():
            parts = match.group().split(".")
            for start in range(len(parts) - 1):
                yield ".".join(parts[start:])


def literals(pattern: str) -> list[str]:
    """The pieces between the stars of a folded pattern."""
    return [piece for piece in pattern.split("*") if piece]


def key_of(kind: Kind, text: str) -> str:
    """What a text is compared as.

    Raises:
        ValueError: nothing comparable is left of it.
    """
    if kind is Kind.DOMAIN:
        key = folded(text)
        if not _DOMAIN.fullmatch(key):
            raise ValueError(f"expected a domain such as example.com, found {text!r}")
        return key.removeprefix("www.")
    if kind is Kind.PATTERN:
        # A star is a letter of the pattern here, so the pieces are folded one by one.
        key = "*".join(_folded_piece(piece) for piece in text.strip().split("*"))
        if not any(len(piece) >= SHORTEST_LITERAL for piece in literals(key)):
            raise ValueError(
                f"a pattern needs {SHORTEST_LITERAL} characters in a row between its stars, found {text!r}"
            )
        return key
    key = normalize(text).text
    if not key:
        raise ValueError(f"nothing readable is left of the text {text!r}")
    return key


def _folded_piece(piece: str) -> str:
    """A piece of a pattern; blanks at its ends count, runs of them count as one."""
    inner = folded(piece)
    return " " * piece[:1].isspace() + inner + " " * (piece[-1:].isspace() and bool(inner))


def rule_of(fields: Sequence[str]) -> Rule:
    """A rule from its columns as written.

    Raises:
        ValueError: a column is wrong; says which.
    """
    if len(fields) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} columns, found {len(fields)}")
    number, kind, text, mcc, priority, author, reason, created, expires = (field.strip() for field in fields)
    if not number.isdecimal() or not int(number):
        raise ValueError(f"id: expected a positive integer, found {number!r}")
    if kind not in Kind.__members__.values():
        raise ValueError(f"kind: expected one of {', '.join(Kind)}, found {kind!r}")
    if not mcc:
        raise ValueError("mcc: expected a code, found nothing")
    try:
        weight = int(priority or 0)
    except ValueError:
        raise ValueError(f"priority: expected an integer, found {priority!r}") from None
    return Rule(
        *(int(number), Kind(kind), text, mcc, weight, author, reason),
        created=_date("created", created),
        expires=_date("expires", expires) if expires else None,
        key=key_of(Kind(kind), text),
    )


def _date(column: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column}: expected a date such as 2026-01-31, found {text!r}") from None


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule that has no number yet; see `Rule`."""

    kind: Kind
    text: str
    mcc: str
    priority: int = 0
    author: str = ""
    reason: str = ""
    expires: date | None = None

    def numbered(self, number: int) -> Rule:
        """The rule under this number, created today."""
        key = key_of(self.kind, self.text)
        described = (self.author, self.reason, date.today(), self.expires)
        return Rule(number, self.kind, self.text, self.mcc, self.priority, *described, key)
