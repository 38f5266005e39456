"""Parquet and Arrow files: cut into chunks of rows, written as Arrow streams that are put together at the end."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from merchant_classifier.batch.chunks import CHUNK_ROWS, Chunk, Position, Reject
from merchant_classifier.errors import InputError


def parquet_batches(file: pq.ParquetFile, start: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches from about row `start` on, each with its first row; row groups are not joined, so all runs cut alike."""
    row = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row + rows > start:
            yield from _numbered(file.iter_batches(CHUNK_ROWS, row_groups=[group]), row)
        row += rows


def arrow_batches(reader: Any) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches of an Arrow file or stream, each with its first row."""
    batches = _of_file(reader) if hasattr(reader, "num_record_batches") else iter(reader)
    yield from _numbered((part for batch in batches for part in _parts(batch)), 0)


def _of_file(reader: Any) -> Iterator[pa.RecordBatch]:
    return (reader.get_batch(i) for i in range(reader.num_record_batches))


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    return (batch.slice(start, CHUNK_ROWS) for start in range(0, batch.num_rows, CHUNK_ROWS))


def _numbered(batches: Iterable[pa.RecordBatch], row: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    for batch in batches:
        yield row, batch
        row += batch.num_rows


def chunks(path: str, batches: Iterator[tuple[int, pa.RecordBatch]], start: Position) -> Iterator[Chunk]:
    """Chunks from `start` on.

    Raises:
        InputError: the file is damaged.
    """
    while True:
        try:
            row, batch = next(batches)
        except StopIteration:
            return
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: damaged ({error})") from error
        end = row + batch.num_rows
        if end > start.offset:
            yield Chunk(batch, Position(row, row + 1), Position(end, end + 1))


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with dictionaries as the values they stand for: they differ from chunk to chunk."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields, schema.metadata)


@dataclass(frozen=True, slots=True)
class ColumnarReader:
    """Makes rows of a chunk, which is a record batch already."""

    schema: pa.Schema

    def rows(self, chunk: Chunk) -> ColumnarRows:
        """The rows of a chunk; none is ever rejected."""
        pairs = zip(chunk.content.columns, self.schema.types, strict=True)
        columns = [column if column.type == kind else column.cast(kind) for column, kind in pairs]
        return ColumnarRows(columns, chunk.content.num_rows)


class ColumnarRows:
    """Rows that were never text."""

    def __init__(self, columns: Sequence[pa.Array], rows: int) -> None:
        self._columns = columns
        self._rows = rows
        self.rejects: list[Reject] = []
        self.blank = 0

    def __len__(self) -> int:
        return self._rows

    def column(self, index: int) -> pa.Array:
        """One column, of its own type."""
        return self._columns[index]


@dataclass(frozen=True, slots=True)
class ArrowWriter:
    """Writes rows as one Arrow stream a chunk.

    Attributes:
        schema: of the output.
        selected: output columns: the index of an input column, or the name of an answer.
    """

    schema: pa.Schema
    selected: tuple[int | str, ...]

    def encode(self, rows: Any, distinct: pa.RecordBatch, indices: pa.Array) -> bytes:
        """The rows as an Arrow stream; see `DelimitedWriter.encode`."""
        if not len(rows):
            return b""
        columns = [
            rows.column(column) if isinstance(column, int) else distinct.column(column).take(indices)
            for column in self.selected
        ]
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, self.schema) as stream:
            stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=self.schema))
        return sink.getvalue()

    def header(self, names: Sequence[str], written: bytes) -> bytes:
        """The schema stands in every chunk."""
        del names, written
        return b""


def streams_in(file: Any) -> Iterator[pa.RecordBatch]:
    """Batches of Arrow streams that stand one behind the other in a file."""
    source = pa.PythonFile(file, "r")
    while file.peek(1):
        with pa.ipc.open_stream(source) as stream:
            yield from stream


def table_writer(sink: Any, schema: pa.Schema, parquet: bool, in_place: bool) -> Any:
    """A writer of whole batches: Parquet, an Arrow file, or an Arrow stream where the sink cannot be gone back in."""
    if parquet:
        return pq.ParquetWriter(sink, schema, compression="zstd")
    return pa.ipc.new_file(sink, schema) if in_place else pa.ipc.new_stream(sink, schema)
