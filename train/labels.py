"""The label set of a run, in the order of the network's classes: labels of one category stand together."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.decision import NOT_A_MERCHANT, Label

OWN = "own"
"""Value of `data.labels` in a configuration when labels are whatever the rows say."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One class: the name rows use, what is served for it, and the family of codes acquirers mix up with it.

    A label of one's own is its own category and family.
    """

    name: str
    label: Label
    family: str


def read(path: str, used: Iterable[str]) -> list[LabelRow]:
    """The classes that occur in the rows.

    Args:
        path: taxonomy file, or "own".
        used: label of every training row.
    """
    names = set(used)
    if path == OWN:
        return [LabelRow(name, Label(None, name, name, name), name) for name in sorted(names)]
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = [_row(row) for row in csv.DictReader(file) if row["mcc"] in names]
    return sorted(rows, key=lambda row: (row.label.category, row.name))


def _row(row: dict[str, str]) -> LabelRow:
    name = row["mcc"]
    mcc = None if name == NOT_A_MERCHANT else name
    family = row["family"] or name
    return LabelRow(name, Label(mcc, row["text"], row["category"], family), family)
