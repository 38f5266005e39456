"""CSV text -> positions of its records and fields, with numpy and without changing a byte.

A parser that hands out values cannot say which physical line a bad row stood
on, nor give the row back as it was written. This one finds the structure only:
where records and fields begin and end, which record is broken and why. So good
records are passed on byte for byte, bad ones are reported word for word, and
one column can be taken out of three hundred without building the others.

The rules are RFC 4180's and those of Python's `csv`: a quote opens a field only
at its beginning, a doubled quote stands for one, and anywhere else in an
unquoted field a quote is a character like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Positions = NDArray[np.int64]

_QUOTE, _LF, _CR = b'"'[0], b"\n"[0], b"\r"[0]


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""How a delimited file is written: one delimiter byte; `\n` also covers `\r\n`, `\r` is for files of old Macs."""

    delimiter: bytes = b","
    newline: bytes = b"\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken record: its index, and why it cannot be read."""

    record: int
    reason: str


class Records:
    """The structure of a piece of delimited text that begins at the beginning of a record.

    Attributes:
        data: the text.
        dialect: how it is written.
        starts, ends: bounds of each record without its line ending, int64 (records,). Blank lines are no records.
        blank: how many blank lines there were.
        widths: fields of each record, int64 (records,).
        open: position of a quote that opens a field which `data` does not close, or None. Records from there on are
            missing from `starts`.
    """

    def __init__(self, data: bytes, dialect: Dialect) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, np.uint8)
        self.dialect = dialect
        self._quotes = _structural_quotes(data, self._bytes, dialect)
        self.open = int(self._quotes[-1]) if self._quotes.size % 2 else None
        self.starts, self.ends, self.blank = self._bounds()
        self._delimiters = self._outside(np.flatnonzero(self._bytes == dialect.delimiter[0]))
        self._first = np.searchsorted(self._delimiters, self.starts)
        self.widths = np.searchsorted(self._delimiters, self.ends) - self._first + 1

    def __len__(self) -> int:
        return len(self.starts)

    def _outside(self, positions: Positions) -> Positions:
        """Those positions that stand in no quoted field."""
        if not self._quotes.size:
            return positions
        outside: Positions = positions[np.searchsorted(self._quotes, positions) % 2 == 0]
        return outside

    def _bounds(self) -> tuple[Positions, Positions, int]:
        newlines = self._outside(np.flatnonzero(self._bytes == self.dialect.newline[0]))
        starts = np.concatenate([[0], newlines + 1])
        ends = np.concatenate([newlines, [len(self.data)]])
        if self.open is not None:
            starts, ends = starts[ends <= self.open], ends[ends <= self.open]
        if self.dialect.newline == b"\n" and b"\r" in self.data:
            ends = ends - ((ends > starts) & (self._bytes[ends - 1] == _CR))
        # What follows the last line ending is a record only when something is there.
        written = starts < ends
        return starts[written], ends[written], int(np.count_nonzero(~written[: len(newlines)]))

    def record_of(self, positions: Positions) -> Positions:
        """Index of the record that each position stands in."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def lines_before(self, records: Positions) -> Positions:
        """How many line endings stand before each of these records, those inside quoted fields included."""
        return np.searchsorted(np.flatnonzero(self._bytes == self.dialect.newline[0]), self.starts[records])

    def raw(self, record: int) -> bytes:
        """A record as it was written, without its line ending."""
        return self.data[self.starts[record] : self.ends[record]]

    def raws(self, keep: Positions) -> pa.Array:
        """The given records as they were written, binary (len(keep),)."""
        return gather(self.data, self.starts[keep], self.ends[keep])

    def _field(self, column: int, keep: Positions) -> tuple[Positions, Positions]:
        """Bounds of one column's fields, quotes included, of records that are wide enough."""
        first = self._first[keep] + column
        delimiters = np.append(self._delimiters, len(self.data))  # so that an index behind the last one exists
        starts = self.starts[keep] if column == 0 else delimiters[first - 1] + 1
        last = self.widths[keep] == column + 1
        return starts, np.where(last, self.ends[keep], delimiters[first])

    def raw_column(self, column: int, keep: Positions) -> pa.Array:
        """Fields of one column as they were written, with their quotes, binary (len(keep),)."""
        return gather(self.data, *self._field(column, keep))

    def column(self, column: int, keep: Positions) -> pa.Array:
        """Values of one column, binary (len(keep),)."""
        starts, ends = self._field(column, keep)
        quoted = (starts < ends) & (self._bytes[np.minimum(starts, len(self.data) - 1)] == _QUOTE)
        values = gather(self.data, starts + quoted, ends - quoted)
        if not quoted.any() or b'""' not in self.data:
            return values
        return pc.if_else(pa.array(quoted), pc.replace_substring(values, b'""', b'"'), values)

    def faults(self, width: int) -> list[Fault]:
        """Broken records in their order, each with its first fault.

        Args:
            width: fields a record must have.
        """
        found: dict[int, str] = {}
        for record in np.flatnonzero(self.widths != width).tolist():
            found[record] = f"{self.widths[record]} fields, expected {width}"
        for positions, reason in self._misplaced():
            for record in self.record_of(positions).tolist():
                found.setdefault(record, reason)
        return [Fault(record, found[record]) for record in sorted(found)]

    def _misplaced(self) -> list[tuple[Positions, str]]:
        """Positions of bytes that cannot stand where they stand."""
        found = [(self._after_quote(), "text after a closing quote")]
        if b"\0" in self.data:
            found.append((np.flatnonzero(self._bytes == 0), "a NUL byte"))
        if self.dialect.newline == b"\n" and b"\r" in self.data:
            found.append((self._lone_returns(), "a carriage return that ends no line"))
        return [(positions, reason) for positions, reason in found if positions.size]

    def _after_quote(self) -> Positions:
        closing = self._quotes[1::2]
        following = np.append(self._bytes, _LF)[closing + 1]
        fine = np.isin(following, [self.dialect.delimiter[0], self.dialect.newline[0], _CR, _QUOTE])
        wrong: Positions = closing[~fine]
        return wrong

    def _lone_returns(self) -> Positions:
        returns = self._outside(np.flatnonzero(self._bytes == _CR))
        lone: Positions = returns[np.append(self._bytes, _LF)[returns + 1] != _LF]
        return lone


def gather(data: bytes, starts: Positions, ends: Positions) -> pa.Array:
    """Pieces of `data` as one binary array; the pieces must not overlap and must ascend."""
    if not len(starts):
        return pa.array([], pa.binary())
    # Pieces and the gaps between them, alternately, are one array over the same memory; taking copies the pieces only.
    offsets = np.empty(2 * len(starts), np.int32)
    offsets[0::2], offsets[1::2] = starts, ends
    both = pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    return both.take(pa.array(np.arange(0, len(offsets) - 1, 2)))


def _structural_quotes(data: bytes, values: NDArray[np.uint8], dialect: Dialect) -> Positions:
    """Positions of quotes that open or close a field, alternately; a doubled quote may stand as closing and opening."""
    if b'"' not in data:
        return np.empty(0, np.int64)
    quotes = np.flatnonzero(values == _QUOTE)
    opening = quotes[0::2]
    before = values[opening - 1]
    at_start = (opening == 0) | (before == dialect.delimiter[0]) | (before == dialect.newline[0])
    doubled = np.append(False, quotes[1:] == quotes[:-1] + 1)[0::2]
    if (at_start | doubled).all():
        return quotes
    return _walk(dialect)(data)


@cache
def _walk(dialect: Dialect) -> Callable[[bytes], Positions]:
    """Field by field, for text with quotes inside unquoted fields."""
    before = re.escape(dialect.delimiter) + re.escape(dialect.newline)
    quoted = re.compile(rb"(?:\A|(?<=[" + before + rb']))"[^"]*+(?:""[^"]*+)*+("?)')

    def walk(data: bytes) -> Positions:
        found: list[int] = []
        for match in quoted.finditer(data):
            found.append(match.start())
            if match.group(1):
                found.append(match.end() - 1)
        return np.array(found, np.int64)

    return walk


def last_boundary(data: bytes, dialect: Dialect) -> tuple[int, bool]:
    """How much of `data` is whole records, and whether the rest begins a quoted field that `data` does not close."""
    if b'"' not in data:
        return data.rfind(dialect.newline) + 1, False
    values = np.frombuffer(data, np.uint8)
    quotes = _structural_quotes(data, values, dialect)
    is_open = bool(quotes.size % 2)
    newlines = np.flatnonzero(values == dialect.newline[0])
    outside = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return (int(outside[-1]) + 1 if outside.size else 0), is_open
