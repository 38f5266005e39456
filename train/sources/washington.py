"""Purchase card transactions of Washington DC (Open Data DC, CC BY 4.0) as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.sources.card_spending import Layout, read_layout
from train.sources.rows import Entry

LAYOUT = Layout(merchant=("vendorname",), category=("mccdescription", "mcc"), date=("transactiondate",), country="US")


def read(path: Path) -> Iterator[Entry]:
    """Rows of the district's export: VENDOR_NAME, MCC_DESCRIPTION, TRANSACTION_DATE."""
    return read_layout(path, LAYOUT)
