"""Card spending of the State of Delaware ("Open Checkbook: Credit Card Spending", public domain) as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.sources.card_spending import Layout, read_layout
from train.sources.rows import Entry

LAYOUT = Layout(
    merchant=("merchant",),
    category=("catdescr", "categorydescription", "mcc"),
    date=("transdt", "transdate"),
    country="US",
)


def read(path: Path) -> Iterator[Entry]:
    """Rows of the state's export: MERCHANT, CAT_DESCR (the wording of the code), TRANS_DT."""
    return read_layout(path, LAYOUT)
