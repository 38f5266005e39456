"""What passes between reading, scoring and writing: chunks of input, their rows, what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from merchant_classifier.errors import InputError

CHUNK_BYTES = 1 << 20
"""Text read at once: some 12,000 rows, enough for the vectorised steps and for descriptors to repeat."""

CHUNK_ROWS = 16_384
"""Rows read at once from formats that have row groups."""


class Interrupted(InputError):
    """The run ended through no fault of input or disk; its work files stay, so that it can go on."""


class Position(NamedTuple):
    """Where a chunk begins.

    `offset` counts bytes of decoded text, or rows of a columnar file; `line` is
    the physical line of a text (from 1), or the row.
    """

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of input, always cut at the same places: what comes of it is the same in every run.

    Attributes:
        content: bytes of whole records, or an Arrow record batch.
        start: where it begins.
        end: where the next one begins.
        broken: it is one line that begins a quoted field which never ends.
    """

    content: Any
    start: Position
    end: Position
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: its line, why, and the row as it was written."""

    line: int
    reason: str
    raw: bytes


class Rows(Protocol):
    """The rows of a chunk, in whatever form their format has them."""

    @property
    def rejects(self) -> list[Reject]:
        """Rows that cannot be read, in order."""
        ...

    @property
    def blank(self) -> int:
        """Blank lines: they are no rows."""
        ...

    def __len__(self) -> int:
        """Rows that can be read."""
        ...

    def column(self, index: int) -> Any:
        """One column of the readable rows, an Arrow array."""
        ...


class Counts(NamedTuple):
    """Rows of a chunk or of a file; `read` is always `written` + `rejected`."""

    read: int = 0
    written: int = 0
    rejected: int = 0
    blank: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*map(sum, zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a chunk: bytes to append to each stream, how far the input is used up, and counts."""

    end: Position
    output: bytes
    rejects: bytes
    statistics: bytes
    counts: Counts
    classified: int = field(default=0, compare=False)
    first_reject: Reject | None = None
