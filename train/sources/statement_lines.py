"""Hand-written statement lines that are no purchase at a merchant (`data/not_a_merchant.csv`): text, country."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from merchant_classifier.decision import NOT_A_MERCHANT
from train.sources.rows import Entry, Row
from train.sources.tables import records

SOURCE = "hand-written"
PATH = Path("data/not_a_merchant.csv")


def rows(path: Path = PATH) -> Iterator[Entry]:
    """One row for every line."""
    for line, row in records(path, ("text", "country")):
        yield Row(row["text"], NOT_A_MERCHANT, row["country"], source=SOURCE, line=line)
