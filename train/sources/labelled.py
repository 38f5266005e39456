"""Any CSV or Parquet file with the columns `text` and `label`: a user's own rows, with MCCs or labels of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from merchant_classifier.errors import InputError
from train.runs import BETWEEN_LABELS
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import number, records

_OPTIONAL = ("country", "brand_id", "weight", "year", "source")


def read(path: Path) -> Iterator[Entry]:
    """Rows of a labelled file; the columns country, brand_id, weight, year and source are read where present.

    Raises:
        InputError: a label is empty or has `|` in it, a weight or year is not a number, or the file cannot be read
            as a table.
    """
    for line, row in records(path, ("text", "label"), _OPTIONAL):
        if not row["text"].strip():
            yield Dropped("empty text", line)
            continue
        label = row["label"].strip()
        if not label or BETWEEN_LABELS in label:
            expected = f"a label without {BETWEEN_LABELS!r}" if label else "a label"
            raise InputError(f"{path}:{line}: column 'label': expected {expected}, found {label or 'nothing'}")
        weight = number(f"{path}:{line}: column 'weight'", row["weight"], float, 1.0)
        if not 0 < weight <= 1:
            raise InputError(f"{path}:{line}: column 'weight': expected a number in (0, 1], found {row['weight']!r}")
        year = int(number(f"{path}:{line}: column 'year'", row["year"], int, 0))
        yield Row(row["text"], label, row["country"], row["brand_id"], weight, year, row["source"], line)
