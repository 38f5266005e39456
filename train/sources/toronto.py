"""Card expenditures of the City of Toronto: the collected Parquet file, or the city's monthly spreadsheet as CSV.

Open Government Licence - Toronto; "PCard Expenditures" of the city's open data.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.sources.card_spending import Layout, read_layout
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import is_parquet, number, records

LAYOUT = Layout(
    merchant=("merchantname", "merchant"),
    category=("merchanttype", "merchantcategorycode", "mcc"),
    date=("transactiondate", "cardpostingdt", "cardpostingdate", "postingdate"),
    country="CA",
)


def read(path: Path) -> Iterator[Entry]:
    """Rows of either form.

    Raises:
        InputError: a column is missing, or the file cannot be read as a table.
    """
    return _collected(path) if is_parquet(path) else read_layout(path, LAYOUT)


def _collected(path: Path) -> Iterator[Entry]:
    for line, row in records(path, ("text", "mcc", "year")):
        year = int(number(f"{path}:{line}: column 'year'", row["year"], int, 0))
        if row["text"].strip():
            yield Row(row["text"], row["mcc"], LAYOUT.country, year=year, line=line)
        else:
            yield Dropped("no merchant name", line)
