"""File formats and compressions, and which a name means. Standard library only."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from merchant_classifier.errors import InputError

STANDARD = "-"
"""Stands for standard input or output where a path is expected."""


class Compression(StrEnum):
    """How a file is compressed; its value is the suffix of its name."""

    NONE = ""
    GZIP = ".gz"
    ZSTD = ".zst"


class Format(StrEnum):
    """What a file holds."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def is_text(self) -> bool:
        """Whether it is read line by line."""
        return self not in (Format.PARQUET, Format.ARROW)

    @property
    def is_delimited(self) -> bool:
        """Whether its lines are delimited fields."""
        return self in (Format.CSV, Format.TSV)


_SUFFIXES = {
    ".csv": Format.CSV,
    ".txt": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".arrow": Format.ARROW,
    ".feather": Format.ARROW,
    ".ipc": Format.ARROW,
    ".arrows": Format.ARROW,
}


def recognise(path: str, wanted: str | None, option: str) -> tuple[Format, Compression]:
    """Format and compression of a file.

    Args:
        path: its name, or `-` (CSV, not compressed).
        wanted: the format the user named; None goes by the name.
        option: the option that names a format, for the message.

    Raises:
        InputError: the name says nothing, or a columnar file is compressed as a whole.
    """
    if path == STANDARD:
        return Format(wanted or Format.CSV), Compression.NONE
    name = Path(path.lower())
    compression = Compression(name.suffix) if name.suffix in (Compression.GZIP, Compression.ZSTD) else Compression.NONE
    inner = name.with_suffix("") if compression else name
    found = Format(wanted) if wanted else _SUFFIXES.get(inner.suffix)
    if found is None:
        raise InputError(f"{path}: expected one of {', '.join(_SUFFIXES)}, found {inner.suffix!r}; say {option} FORMAT")
    if compression and not found.is_text:
        raise InputError(f"{path}: {found} compresses its own columns; expected it without {compression}")
    return found, compression
