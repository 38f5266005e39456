"""Hand-written merchants (`data/curated_merchants.csv`): text, mcc, kind (real or independent), country."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import records


def read(path: Path) -> Iterator[Entry]:
    """Rows of the curated file; the kind refines the source's name."""
    for line, row in records(path, ("text", "mcc", "kind", "country")):
        if not row["text"].strip():
            yield Dropped("empty text", line)
        else:
            yield Row(row["text"], row["mcc"], row["country"], source=f"curated-{row['kind']}", line=line)
