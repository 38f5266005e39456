"""CSV and TSV files: cut into chunks, read by column, written back as they were with answers behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from merchant_classifier.batch import lexing
from merchant_classifier.batch.chunks import CHUNK_BYTES, Chunk, Position, Reject
from merchant_classifier.batch.lexing import Dialect, Positions, Records
from merchant_classifier.batch.streams import Lookahead
from merchant_classifier.errors import InputError

MAX_RECORD = 64 << 20
"""Bytes of one record; a quoted field longer than that counts as never closed."""

DELIMITERS = (b",", b";", b"\t", b"|")

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
NEVER_CLOSED = "a quote opens a field that is never closed"


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
    bom = _BOM if data.startswith(_BOM) else b""
    if data.startswith(_UTF16):
        raise InputError(f"{path}, line 1: not UTF-8 but UTF-16: say --encoding utf-16")
    newline = b"\r" if b"\r" in data and b"\n" not in data else b"\n"
    start = _header_start(path, data, len(bom), marker, newline)
    dialect = Dialect(delimiter or _likely_delimiter(data[start:], newline), newline)
    line = data.count(newline, 0, start) + 1
    records = _first_records(path, text, start, dialect, line)
    end = int(records.ends[0])
    names = _names(path, records, line) if named else tuple(f"column_{i + 1}" for i in range(int(records.widths[0])))
    after = records.data.find(newline, end) + 1 or len(records.data)
    body = Position(start + after, line + records.data.count(newline, 0, after)) if named else Position(start, line)
    ending = b"\r\n" if newline == b"\n" and records.data[end : end + 1] == b"\r" else newline
    return Header(names, dialect, records.raw(0) if named else b"", bom, ending, body)


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


def _first_records(path: str, text: Lookahead, start: int, dialect: Dialect, line: int) -> Records:
    """The structure of as much text as holds the first record whole."""
    size = CHUNK_BYTES
    while True:
        data = text.peek(size)
        records = Records(data[start:], dialect)
        at_end = len(data) < size or size >= MAX_RECORD
        if len(records) and (at_end or int(records.ends[0]) < len(records.data)):
            return records
        if at_end:
            raise InputError(f"{path}, line {line}: {NEVER_CLOSED}")
        size *= 2


def _names(path: str, records: Records, line: int) -> tuple[str, ...]:
    try:
        first = np.array([0])
        width = int(records.widths[0])
        return tuple(records.column(i, first).cast(pa.string())[0].as_py().strip() for i in range(width))
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}, line {line}: the header is not UTF-8; say --encoding cp1252 or another") from error


def chunks(text: Lookahead, dialect: Dialect, start: Position, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Cut the rest of a text into chunks of whole records.

    Where a chunk ends depends only on where it begins, so a run that resumes
    there makes the same chunks.

    Args:
        text: UTF-8, standing at `start`.
        dialect: how it is written.
        start: where it stands.
        size: bytes of a chunk, more when one record is longer.
    """
    while data := text.peek(size):
        length, broken = _cut(text, data, dialect, size)
        content = text.take(length)
        end = Position(start.offset + length, start.line + content.count(dialect.newline))
        yield Chunk(content, start, end, broken)
        start = end


def _cut(text: Lookahead, data: bytes, dialect: Dialect, size: int) -> tuple[int, bool]:
    """Bytes of the next chunk, and whether it is one line with a quote that is never closed."""
    while True:
        length, is_open = lexing.last_boundary(data, dialect)
        at_end = len(data) < size
        if at_end and not is_open:
            return len(data), False
        if length:
            return length, False
        if at_end or size >= MAX_RECORD:
            return data.find(dialect.newline) + 1 or len(data), True
        size *= 2
        data = text.peek(size)


@dataclass(frozen=True, slots=True)
class DelimitedReader:
    """Makes rows of a chunk.

    Attributes:
        path: for messages.
        dialect: how the file is written.
        width: fields of every row.
        wrong_bytes: whether rows that are not UTF-8 are rejected; else they stop the run.
    """

    path: str
    dialect: Dialect
    width: int
    wrong_bytes: bool = False

    def rows(self, chunk: Chunk) -> DelimitedRows:
        """The rows of a chunk.

        Raises:
            InputError: not UTF-8, and that is no reason to reject only the row.
        """
        if chunk.broken:
            return DelimitedRows(Records(b"", self.dialect), [Reject(chunk.start.line, NEVER_CLOSED, chunk.content)])
        records = Records(chunk.content, self.dialect)
        reasons = {fault.record: fault.reason for fault in records.faults(self.width)}
        for position, value in self._wrong_bytes(chunk):
            reasons.setdefault(int(records.record_of(np.array([position]))[0]), f"not UTF-8 (byte 0x{value:02X})")
        broken = sorted(reasons)
        lines = chunk.start.line + records.lines_before(np.array(broken, np.int64)) if broken else ()
        rejects = [
            Reject(int(line), reasons[record], records.raw(record)) for line, record in zip(lines, broken, strict=True)
        ]
        return DelimitedRows(records, rejects, broken)

    def _wrong_bytes(self, chunk: Chunk) -> Iterator[tuple[int, int]]:
        """Position and value of the first byte of each line that is not UTF-8."""
        data, start = chunk.content, 0
        view = memoryview(data)
        while True:
            try:
                str(view[start:], "utf-8")
            except UnicodeDecodeError as error:
                position = start + error.start
                if not self.wrong_bytes:
                    line = chunk.start.line + data.count(self.dialect.newline, 0, position)
                    raise InputError(_not_utf8(self.path, line, data[position])) from None
                yield position, data[position]
                start = data.find(self.dialect.newline, position) + 1
                if start:
                    continue
            return


def _not_utf8(path: str, line: int, value: int) -> str:
    return f"{path}, line {line}: not UTF-8 (byte 0x{value:02X}); say --encoding cp1252 or another, or --rejects FILE to go on"


class DelimitedRows:
    """Readable rows of a chunk of delimited text.

    Args:
        records: the structure of the chunk.
        rejects: rows that cannot be read.
        rejected: their indices among the records.
    """

    def __init__(self, records: Records, rejects: list[Reject], rejected: Sequence[int] = ()) -> None:
        self.records = records
        self.rejects = rejects
        self.blank = records.blank
        self._rejected = rejected

    @cached_property
    def keep(self) -> Positions:
        """Indices of the readable records."""
        return np.delete(np.arange(len(self.records)), list(self._rejected))

    def __len__(self) -> int:
        return len(self.records) - len(self._rejected)

    def column(self, index: int) -> Any:
        """Values of one column, text (rows,)."""
        return self.records.column(index, self.keep).cast(pa.string())


@dataclass(frozen=True, slots=True)
class DelimitedWriter:
    """Writes rows as delimited text; fields that come from a file of the same dialect keep their very bytes.

    Attributes:
        dialect: how to write.
        ending: of lines.
        selected: output columns: the index of an input column, or the name of an answer.
        width: columns of the input.
        same: whether the input has this dialect.
    """

    dialect: Dialect
    ending: bytes
    selected: tuple[int | str, ...]
    width: int
    same: bool

    def encode(self, rows: Any, distinct: pa.RecordBatch, indices: pa.Array) -> bytes:
        """Lines of the rows.

        Args:
            rows: of a reader.
            distinct: answers, one row for each distinct descriptor.
            indices: index into `distinct` of every row.
        """
        if not len(rows):
            return b""
        pieces: list[Any] = []
        answers: list[pa.Array] = []
        left = self.selected
        whole = tuple(range(self.width))
        if self.same and left[: self.width] == whole:
            pieces.append(rows.records.raws(rows.keep))
            left = left[self.width :]
        for column in left:
            if isinstance(column, str):
                answers.append(self.field(distinct.column(column)))
                continue
            pieces += self._joined(answers, indices)
            answers = []
            pieces.append(self._own(rows, column))
        pieces += self._joined(answers, indices)
        lines = pc.binary_join_element_wise(*pieces, self.dialect.delimiter)
        return content(pc.binary_join_element_wise(lines, b"", self.ending))

    def _own(self, rows: Any, column: int) -> pa.Array:
        return rows.records.raw_column(column, rows.keep) if self.same else self.field(rows.column(column))

    def _joined(self, answers: Sequence[pa.Array], indices: pa.Array) -> list[pa.Array]:
        """Neighbouring answer columns as one: joined once for each distinct descriptor."""
        return [pc.binary_join_element_wise(*answers, self.dialect.delimiter).take(indices)] if answers else []

    def header(self, names: Sequence[str]) -> bytes:
        """The header line."""
        fields = self.field(pa.array(names, pa.string())).to_pylist()
        return self.dialect.delimiter.join(fields) + self.ending

    def field(self, column: Any) -> pa.Array:
        """Values as fields, binary, quoted where they must be."""
        text = pc.fill_null(column.cast(pa.string()), "")
        special = '["\\r\\n' + self.dialect.delimiter.decode().replace("\t", "\\t").replace("|", "\\|") + "]"
        needs = pc.match_substring_regex(text, special)
        if len(self.selected) == 1:  # an empty line would be no row
            needs = pc.or_(needs, pc.equal(text, ""))
        if pc.any(needs).as_py():
            quoted = pc.binary_join_element_wise("", pc.replace_substring(text, '"', '""'), "", '"')
            text = pc.if_else(needs, quoted, text)
        return text.cast(pa.binary())


def content(array: pa.Array) -> bytes:
    """The bytes of all values of a binary array, one behind the other."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    return bytes(memoryview(array.buffers()[2])[offsets[0] : offsets[-1]])
