"""CSV and Parquet files as dictionaries, with one clear line for whatever is wrong with them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from merchant_classifier.errors import InputError

_DELIMITERS = ",;\t|"
_PARQUET_MAGIC = b"PAR1"
_BATCH = 65_536
_LONGEST_FIELD = 1 << 20

Record = Mapping[str, str]


def records(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, Record]]:
    """Line number and fields of every row of a CSV (comma, semicolon, tab or bar) or Parquet file.

    Args:
        path: the file; Parquet is known by its first bytes.
        needed, optional: columns to read; an optional one that is not there reads as "".

    Raises:
        InputError: naming file, line or column, and what was expected.
    """
    columns = (*needed, *optional)
    if is_parquet(path):
        yield from _parquet(path, needed, columns)
        return
    lines = csv_lines(path)
    _, header = next(lines)
    places = {name: header.index(name) for name in columns if name in header}
    _check(path, header, needed)
    for line, fields in lines:
        yield line, {name: fields[places[name]] if name in places else "" for name in columns}


def is_parquet(path: Path) -> bool:
    """Whether the file's first bytes say Parquet.

    Raises:
        InputError: it cannot be opened, or is empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not start:
        raise InputError(f"{path}: empty file; expected a header line and rows")
    return start == _PARQUET_MAGIC


def csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number (of the row's last line) and fields; the header comes first. Empty lines are passed over.

    Raises:
        InputError: not UTF-8, a row with another number of fields than the header, a broken quote.
    """
    if is_parquet(path):
        raise InputError(f"{path}: expected a CSV file, found Parquet")
    with path.open("rb") as file:
        header_line = file.readline()
        file.seek(0)
        delimiter = _delimiter(header_line)
        csv.field_size_limit(_LONGEST_FIELD)
        reader = csv.reader(_decoded(path, file), delimiter=delimiter, strict=True)
        width = 0
        try:
            for fields in reader:
                if not fields:
                    continue
                width = width or len(fields)
                if len(fields) != width:
                    raise InputError(
                        f"{path}:{reader.line_num}: expected {width} fields separated by {delimiter!r}"
                        f" as in the header, found {len(fields)}"
                    )
                yield reader.line_num, fields
        except csv.Error as error:
            raise InputError(f"{path}:{reader.line_num}: not CSV: {error}") from error
    if not width:
        raise InputError(f"{path}: no header line; expected column names")


def _delimiter(header: bytes) -> str:
    counts = [(header.count(char.encode()), -place) for place, char in enumerate(_DELIMITERS)]
    return _DELIMITERS[-max(counts)[1]]


def _decoded(path: Path, file: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}:{number}: expected UTF-8, found byte 0x{line[error.start]:02x} at position {error.start + 1}"
            ) from error


def _check(path: Path, header: Sequence[str], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in header:
            raise InputError(f"{path}:1: expected a column {name!r}, found {', '.join(header)[:200]}")


def _parquet(path: Path, needed: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[int, Record]]:
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        _check(path, names, needed)
        present = [name for name in columns if name in names]
        line = 0
        for batch in file.iter_batches(_BATCH, columns=present):
            values = {name: _strings(batch.column(name)) for name in present}
            for place in range(batch.num_rows):
                line += 1
                yield line, {name: values[name][place] if name in values else "" for name in columns}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file: {error}") from error


def _strings(column: pa.Array) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]


def place_of(path: Path, header: Sequence[str], spellings: Sequence[str]) -> int:
    """Where a column stands that publishers spell in several ways.

    Args:
        spellings: lower-case letters of the names it goes by; the first one found counts.

    Raises:
        InputError: none of them is there.
    """
    letters = [re.sub(r"[^a-z]", "", name.lower()) for name in header]
    for spelling in spellings:
        if spelling in letters:
            return letters.index(spelling)
    wanted = " or ".join(repr(spelling) for spelling in spellings)
    raise InputError(f"{path}:1: expected a column named {wanted}, found {', '.join(header)[:200]}")


def number(where: str, value: str, kind: type[int] | type[float], default: float) -> float:
    """The number in a field; `default` when the field is empty.

    Args:
        where: file, line and column, for the error.

    Raises:
        InputError: it is not a number of this kind.
    """
    if not value:
        return default
    try:
        return kind(value)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise InputError(f"{where}: expected {wanted}, found {value!r}") from None
