"""Hand-written merchants (`data/curated_merchants.csv`): text, mcc, kind (frequent, real or independent), country.

Payments repeat: a few thousand merchants make up most of them (their counts follow
Zipf's law), and these are written down as `frequent`. They are read more often than
others, and by their labels alone: nobody who has not met it can say what `COSTCO` sells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import records

FREQUENT = "curated-frequent"
"""Name of the source of frequent merchants' rows."""
REAL = "curated-real"
"""And of other merchants that exist ..."""
INDEPENDENT = "curated-independent"
"""... or that might."""

_FREQUENT_TIMES = 5
"""How often a pass reads them for one reading of other curated rows."""


def read(path: Path) -> Iterator[Entry]:
    """Rows of the curated file; the kind refines the source's name."""
    for line, row in records(path, ("text", "mcc", "kind", "country")):
        if not row["text"].strip():
            yield Dropped("empty text", line)
        else:
            yield _row(row, line)


def _row(row: Mapping[str, str], line: int) -> Row:
    found = Row(row["text"], row["mcc"], row["country"], source=f"curated-{row['kind']}", line=line)
    return replace(found, repeat=_FREQUENT_TIMES, distill=0.0) if found.source == FREQUENT else found
