"""Purchase cards of the State of Oklahoma (open data, public domain) as CSV; names of card holders are not read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.sources.card_spending import Layout, read_layout
from train.sources.rows import Entry

LAYOUT = Layout(
    merchant=("vendor", "vendorname"),
    category=("merchantcategorycodemcc", "merchantcategorycode", "mcc", "mccdescription"),
    date=("transactiondate", "posteddate"),
    country="US",
)


def read(path: Path) -> Iterator[Entry]:
    """Rows of the state's export: Vendor, Merchant Category Code (MCC) as wording, Transaction Date."""
    return read_layout(path, LAYOUT)
