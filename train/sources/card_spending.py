"""A public body's card transactions as CSV: merchant, category code or its wording, date.

Toronto, Delaware, Oklahoma and Washington DC publish such files; they differ in
the names of their columns only, which have been written in several ways over
the years and are therefore looked up by their letters. A row per transaction
comes in; the same merchant and code of one year become one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import InputError
from train.sources.descriptions import reference
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import csv_lines, place_of

_YEAR = re.compile(r"\b((?:19|20)\d\d)\b")
_CODE = re.compile(r"\d{3,4}(?:\.0)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """Spellings (lower-case letters) of the columns of a publisher, and its country."""

    merchant: tuple[str, ...]
    category: tuple[str, ...]
    date: tuple[str, ...]
    country: str


def read_layout(path: Path, layout: Layout) -> Iterator[Entry]:
    """One row for each merchant, code and year.

    Raises:
        InputError: a column is missing, a date has no year, or the file cannot be read as a table.
    """
    lines = csv_lines(path)
    _, header = next(lines)
    merchant, category, date = (
        place_of(path, header, spellings) for spellings in (layout.merchant, layout.category, layout.date)
    )
    seen: set[tuple[str, str, int]] = set()
    codes: dict[str, str] = {}
    for line, fields in lines:
        text, wording = fields[merchant].strip(), fields[category].strip()
        if wording not in codes:
            codes[wording] = _code(wording)
        row = (text, codes[wording], _year(path, line, header[date], fields[date]))
        yield _entry(row, wording, layout.country, line, repeated=row in seen)
        seen.add(row)


def _entry(row: tuple[str, str, int], wording: str, country: str, line: int, *, repeated: bool) -> Entry:
    text, code, year = row
    if not text:
        return Dropped("no merchant name", line)
    if not wording:
        return Dropped("no category", line)
    if not code:
        return Dropped("wording of the category is not known", line)
    if repeated:
        return Dropped("same merchant, code and year as an earlier row", line)
    return Row(text, code, country, year=year, line=line)


def _code(wording: str) -> str:
    """The code a category field holds, as number or by its wording."""
    if _CODE.fullmatch(wording):
        return wording.removesuffix(".0").zfill(4)
    return reference().code(wording) if wording else ""


def _year(path: Path, line: int, column: str, date: str) -> int:
    match = _YEAR.search(date)
    if match is None:
        raise InputError(f"{path}:{line}: column {column!r}: expected a date with a four-digit year, found {date!r}")
    return int(match.group(1))
