"""Card expenditures of the City of Toronto: the collected Parquet file, or the city's monthly spreadsheet as CSV.

The spreadsheet holds a row per transaction; the same text and code of one year
become one row here. Its columns have been written in several ways over the
years, so they are looked up by their letters only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from merchant_classifier.errors import InputError
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import csv_lines, is_parquet, number, records

COUNTRY = "CA"
_YEAR = re.compile(r"\b(20\d\d)\b")
_COLUMNS = {
    "text": ("merchantname", "merchant"),
    "mcc": ("merchanttype", "mcc", "merchantcategorycode"),
    "date": ("transactiondate", "cardpostingdt", "postingdate", "cardpostingdate"),
}


def read(path: Path) -> Iterator[Entry]:
    """Rows of either form.

    Raises:
        InputError: a column is missing, or the file cannot be read as a table.
    """
    rows = _collected(path) if is_parquet(path) else _spreadsheet(path)
    for row in rows:
        if isinstance(row, Row) and (not row.label.isdigit() or row.label == "0000"):
            yield Dropped("no merchant type", row.line)
        else:
            yield row


def _collected(path: Path) -> Iterator[Entry]:
    for line, row in records(path, ("text", "mcc", "year")):
        yield Row(
            row["text"],
            row["mcc"],
            COUNTRY,
            year=int(number(f"{path}:{line}: column 'year'", row["year"], int, 0)),
            line=line,
        )


def _spreadsheet(path: Path) -> Iterator[Entry]:
    lines = csv_lines(path)
    _, header = next(lines)
    places = {name: _place(path, header, spellings) for name, spellings in _COLUMNS.items()}
    seen: set[tuple[str, str, int]] = set()
    for line, fields in lines:
        text, mcc = fields[places["text"]].strip(), fields[places["mcc"]].strip().removesuffix(".0").zfill(4)
        year = _year(path, line, fields[places["date"]])
        if not text:
            yield Dropped("no merchant name", line)
        elif (text, mcc, year) in seen:
            yield Dropped("same merchant, code and year as an earlier row", line)
        else:
            seen.add((text, mcc, year))
            yield Row(text, mcc, COUNTRY, year=year, line=line)


def _place(path: Path, header: list[str], spellings: tuple[str, ...]) -> int:
    letters = [re.sub(r"[^a-z]", "", name.lower()) for name in header]
    for spelling in spellings:
        if spelling in letters:
            return letters.index(spelling)
    raise InputError(f"{path}:1: expected a column like {spellings[0]!r}, found {', '.join(header)[:200]}")


def _year(path: Path, line: int, date: str) -> int:
    match = _YEAR.search(date)
    if match is None:
        raise InputError(f"{path}:{line}: transaction date: expected a date with a four-digit year, found {date!r}")
    return int(match.group(1))
