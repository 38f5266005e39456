"""CSV and TSV: rows of a chunk, and rows written back as they were with answers behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from merchant_classifier.batch.chunks import Chunk, Reject
from merchant_classifier.batch.cutting import MAX_RECORD, NEVER_CLOSED, TOO_LONG
from merchant_classifier.batch.lexing import Dialect, Positions, Records
from merchant_classifier.errors import InputError


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
            reason = NEVER_CLOSED if len(chunk.content) < MAX_RECORD else TOO_LONG
            return DelimitedRows(Records(b"", self.dialect), [Reject(chunk.start.line, reason, chunk.content)])
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
                    raise InputError(not_utf8(self.path, line, data[position])) from None
                yield position, data[position]
                start = data.find(self.dialect.newline, position) + 1
                if start:
                    continue
            return


def not_utf8(path: str, line: int, value: int) -> str:
    """What to say about a byte that stops the run."""
    way_out = "say --encoding cp1252 or another, or --rejects FILE to go on without such rows"
    return f"{path}, line {line}: not UTF-8 (byte 0x{value:02X}); {way_out}"


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

    def header(self, names: Sequence[str], written: bytes) -> bytes:
        """The header line.

        Args:
            names: of the output's columns.
            written: the input's header record in this dialect; it is kept when all its columns are.
        """
        fields = self.field(pa.array(names, pa.string())).to_pylist()
        if written and self.same and self.selected[: self.width] == tuple(range(self.width)):
            fields = [written, *fields[self.width :]]
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
