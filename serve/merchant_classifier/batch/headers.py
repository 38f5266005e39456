"""The top of a delimited file: preamble, delimiter, line ending, names of the columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from merchant_classifier.batch.chunks import CHUNK_BYTES, Position
from merchant_classifier.batch.cutting import MAX_RECORD, NEVER_CLOSED
from merchant_classifier.batch.lexing import Dialect, Records
from merchant_classifier.batch.streams import Lookahead
from merchant_classifier.errors import InputError

DELIMITERS = (b",", b";", b"\t", b"|")

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Header:
    """The top of a delimited file.

    Attributes:
        names: of the columns.
        dialect: how the file is written.
        text: the header record as it was written, without its line ending; empty when the file has none.
        bom: the byte order mark at the beginning, or nothing.
        ending: line ending of the header.
        body: where the first row begins.
    """

    names: tuple[str, ...]
    dialect: Dialect
    text: bytes
    bom: bytes
    ending: bytes
    body: Position


def read_header(path: str, text: Lookahead, delimiter: bytes | None, *, marker: str = "", named: bool = True) -> Header:
    """Look at the header of a text that stands at its beginning.

    Args:
        path: for messages.
        text: UTF-8; nothing of it is taken.
        delimiter: of the fields; None finds out.
        marker: text that the header line holds; lines before it are a bank's preamble.
        named: whether the first record is a header; else columns are called `column_1` and so on.

    Raises:
        InputError: nothing there, not UTF-8, not closed.
    """
    data = text.peek(CHUNK_BYTES)
    if data.startswith(_UTF16):
        raise InputError(f"{path}, line 1: not UTF-8 but UTF-16: say --encoding utf-16")
    bom = _BOM if data.startswith(_BOM) else b""
    newline = b"\r" if b"\r" in data and b"\n" not in data else b"\n"
    start = _header_start(path, data, len(bom), marker, newline)
    dialect = Dialect(delimiter or _likely_delimiter(data[start:], newline), newline)
    place = Position(start, data.count(newline, 0, start) + 1)
    records = _first_records(path, text, place, dialect)
    if not named:
        names = tuple(f"column_{i + 1}" for i in range(int(records.widths[0])))
        return Header(names, dialect, b"", bom, _ending(records), place)
    return Header(_names(path, records, place), dialect, records.raw(0), bom, _ending(records), _body(records, place))


def _ending(records: Records) -> bytes:
    """Line ending of the first record."""
    newline, end = records.dialect.newline, int(records.ends[0])
    return b"\r\n" if newline == b"\n" and records.data[end : end + 1] == b"\r" else newline


def _body(records: Records, header: Position) -> Position:
    """Where the line after the first record begins."""
    newline = records.dialect.newline
    length = records.data.find(newline, int(records.ends[0])) + 1 or len(records.data)
    return Position(header.offset + length, header.line + records.data.count(newline, 0, length))


def _header_start(path: str, data: bytes, start: int, marker: str, newline: bytes) -> int:
    if not data[start:].strip():
        raise InputError(f"{path}: expected a header and rows, found an empty file")
    if not marker:
        return start + len(data[start:]) - len(data[start:].lstrip(b"\r\n"))
    place = data.find(marker.encode(), start)
    if place < 0:
        raise InputError(f"{path}: expected a header line with {marker!r}, found none")
    return max(start, data.rfind(newline, 0, place) + 1)


def _likely_delimiter(data: bytes, newline: bytes) -> bytes:
    """The delimiter that gives the first record most fields; a comma when none gives two."""
    line = data[: data.find(newline) + 1 or len(data)][:65_536]
    widths = {delimiter: _first_width(line, Dialect(delimiter, newline)) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: widths[delimiter])


def _first_width(line: bytes, dialect: Dialect) -> int:
    records = Records(line, dialect)
    return int(records.widths[0]) if len(records) else 1


def _first_records(path: str, text: Lookahead, header: Position, dialect: Dialect) -> Records:
    """The structure of as much text as holds the first record whole."""
    size = CHUNK_BYTES
    while True:
        data = text.peek(size)
        records = Records(data[header.offset :], dialect)
        at_end = len(data) < size or size >= MAX_RECORD
        if len(records) and (at_end or int(records.ends[0]) < len(records.data)):
            return records
        if at_end:
            raise InputError(f"{path}, line {header.line}: {NEVER_CLOSED}")
        size *= 2


def _names(path: str, records: Records, header: Position) -> tuple[str, ...]:
    try:
        first = np.array([0])
        width = int(records.widths[0])
        return tuple(records.column(i, first).cast(pa.string())[0].as_py().strip() for i in range(width))
    except pa.ArrowInvalid as error:
        place = f"{path}, line {header.line}"
        raise InputError(f"{place}: the header is not UTF-8; say --encoding cp1252 or another") from error
