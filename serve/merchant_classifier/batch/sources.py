"""Inputs: each has named columns and gives chunks from any position on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from merchant_classifier.batch import columnar, cutting
from merchant_classifier.batch.chunks import CHUNK_BYTES, Chunk, Position
from merchant_classifier.batch.formats import STANDARD, Format, recognise
from merchant_classifier.batch.headers import Header, read_header
from merchant_classifier.batch.lexing import Dialect, Records
from merchant_classifier.batch.presets import Preset
from merchant_classifier.batch.streams import Lookahead, as_text, open_raw
from merchant_classifier.errors import InputError

_SAMPLE_BYTES = 256 << 10
_SAMPLE_ROWS = 200

_Batches = Callable[[int], Iterator[tuple[int, pa.RecordBatch]]]


@dataclass(frozen=True, slots=True)
class Opening:
    """How the user says an input is to be read; None finds out.

    Attributes:
        format: `csv`, `tsv`, `jsonl`, `parquet` or `arrow`.
        encoding: of a text file.
        delimiter: of a delimited file.
        named: whether a delimited file has a header.
        preset: the export format of a bank.
        chunk_bytes: text read at once.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    named: bool = True
    preset: Preset = field(default_factory=Preset)
    chunk_bytes: int = CHUNK_BYTES


class Source(Protocol):
    """An open input.

    Attributes:
        path: for messages.
        format: what it holds.
        names: of its columns.
        schema: types of its columns; None where all are text.
        start: where the first row begins.
        remarks: choices that were made for the user.
    """

    path: str
    format: Format
    names: tuple[str, ...]
    schema: pa.Schema | None
    start: Position
    remarks: list[str]

    def sample(self) -> list[list[str]]:
        """Text of the first rows, by column; empty lists for columns that hold no text."""
        ...

    def chunks(self, start: Position) -> Iterator[Chunk]:
        """Chunks from `start` on. Can be asked once."""
        ...

    def share(self, position: Position) -> float | None:
        """How much of the input lies before a position, from 0 to 1; None where nobody knows."""
        ...


def open_source(path: str, opening: Opening) -> Source:
    """Open an input.

    Raises:
        InputError: it cannot be read.
    """
    found, compression = recognise(path, opening.format, "--input-format")
    if found is Format.PARQUET:
        return _parquet(path)
    if found is Format.ARROW:
        return _arrow(path)
    raw = open_raw(path)
    size = Path(path).stat().st_size if path != STANDARD else 0
    stream = as_text(path, raw, compression, opening.encoding or opening.preset.encoding)
    text = _Text(Lookahead(stream), lambda: raw.tell() / size if size else None, opening.chunk_bytes)
    return JsonSource(path, text) if found is Format.JSONL else DelimitedSource(path, found, text, opening)


@dataclass(frozen=True, slots=True)
class _Text:
    ahead: Lookahead
    share: Callable[[], float | None]
    chunk_bytes: int

    def chunks(self, dialect: Dialect | None, start: Position) -> Iterator[Chunk]:
        self.ahead.skip(start.offset)
        return cutting.chunks(self.ahead, dialect, start, self.chunk_bytes)


class DelimitedSource:
    """A CSV or TSV file; see `Source`."""

    schema = None

    def __init__(self, path: str, kind: Format, text: _Text, opening: Opening) -> None:
        self.path, self.format = path, kind
        self._text = text
        delimiter = opening.delimiter or opening.preset.delimiter or ("\t" if kind is Format.TSV else None)
        _check_delimiter(delimiter)
        named = opening.named and opening.preset.named
        self.header: Header = read_header(
            path, text.ahead, delimiter.encode() if delimiter else None, marker=opening.preset.marker, named=named
        )
        self.names = self.header.names
        self.start = self.header.body
        found = self.header.dialect.delimiter.decode()
        self.remarks = [f"fields are delimited by {found!r}"] if not delimiter and found != "," else []

    def sample(self) -> list[list[str]]:
        """Text of the first rows."""
        data = self._text.ahead.peek(self.start.offset + _SAMPLE_BYTES)[self.start.offset :]
        records = Records(data, self.header.dialect)
        width = len(self.names)
        whole = np.flatnonzero(records.widths == width)[:_SAMPLE_ROWS]
        return [[_lenient(value) for value in records.column(i, whole).to_pylist()] for i in range(width)]

    def chunks(self, start: Position) -> Iterator[Chunk]:
        """Chunks from `start` on."""
        return self._text.chunks(self.header.dialect, start)

    def share(self, position: Position) -> float | None:
        """How much lies before a position."""
        del position
        return self._text.share()


def _check_delimiter(delimiter: str | None) -> None:
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0'):
        raise InputError(f"--delimiter: expected one ASCII character, found {delimiter!r}")


def _lenient(value: bytes) -> str:
    return value.decode("utf-8", "replace")


class JsonSource:
    """A JSON lines file; its columns are the members of the first lines. See `Source`."""

    format = Format.JSONL
    schema = None

    def __init__(self, path: str, text: _Text) -> None:
        self.path = path
        self._text = text
        self.remarks: list[str] = []
        data = text.ahead.peek(text.chunk_bytes)
        self.start = Position(len(data) - len(data.lstrip(b"\xef\xbb\xbf")), 1)
        self._first = [value for line in data[self.start.offset :].splitlines() if (value := _object(line)) is not None]
        self.names = tuple(dict.fromkeys(name for value in self._first for name in value))
        if not self.names:
            raise InputError(f"{path}: expected a JSON object in each line, found none")

    def sample(self) -> list[list[str]]:
        """Text of the first rows."""
        rows = self._first[:_SAMPLE_ROWS]
        return [[value if isinstance(value := row.get(name), str) else "" for row in rows] for name in self.names]

    def chunks(self, start: Position) -> Iterator[Chunk]:
        """Chunks from `start` on."""
        return self._text.chunks(None, start)

    def share(self, position: Position) -> float | None:
        """How much lies before a position."""
        del position
        return self._text.share()


def _object(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        value = json.loads(line)
        return value if isinstance(value, dict) else None
    return None


class ColumnarSource:
    """A Parquet or Arrow file; see `Source`.

    Args:
        path: for messages.
        kind: of the file.
        schema: of its columns.
        rows: in it, where that is known beforehand.
        batches: record batches from about a row on, each with its first row.
    """

    start = Position(0, 1)

    def __init__(self, path: str, kind: Format, schema: pa.Schema, rows: int | None, batches: _Batches) -> None:
        self.path, self.format = path, kind
        self.schema = columnar.plain_schema(schema)
        self.names = tuple(schema.names)
        self.remarks: list[str] = []
        self._rows, self._batches = rows, batches

    def sample(self) -> list[list[str]]:
        """Text of the first rows."""
        if self.path == STANDARD:  # what was read of it would be missing later
            return [[] for _ in self.names]
        first = next((batch for _, batch in self._batches(0)), None)
        return [_texts(column) for column in first.columns] if first else [[] for _ in self.names]

    def chunks(self, start: Position) -> Iterator[Chunk]:
        """Chunks from `start` on."""
        return columnar.chunks(self.path, self._batches(start.offset), start)

    def share(self, position: Position) -> float | None:
        """How much lies before a position."""
        return position.offset / self._rows if self._rows else None


def _texts(column: pa.Array) -> list[str]:
    values = column.slice(0, _SAMPLE_ROWS).to_pylist()
    return [value or "" for value in values] if all(isinstance(value, str | None) for value in values) else []


def _parquet(path: str) -> ColumnarSource:
    if path == STANDARD:
        raise InputError("standard input: Parquet is read from its end, so expected a file")
    with _damage(path):
        file = pq.ParquetFile(path, pre_buffer=False)
        batches = partial(columnar.parquet_batches, file)
        return ColumnarSource(path, Format.PARQUET, file.schema_arrow, file.metadata.num_rows, batches)


def _arrow(path: str) -> ColumnarSource:
    with _damage(path):
        reader = pa.ipc.open_stream(sys.stdin.buffer) if path == STANDARD else _arrow_reader(path)
        return ColumnarSource(path, Format.ARROW, reader.schema, None, lambda _: columnar.arrow_batches(reader))


def _arrow_reader(path: str) -> Any:
    """Files and streams have the same suffixes; only the first bytes say which it is."""
    source = pa.memory_map(path)
    if source.size() == 0:
        raise InputError(f"{path}: expected an Arrow file, found an empty one")
    is_file = source.read(6) == b"ARROW1"
    source.seek(0)
    return pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)


@contextmanager
def _damage(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
