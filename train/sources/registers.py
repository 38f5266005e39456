"""Business registers with a crosswalked MCC (Parquet or CSV): text, mcc, country, confidence, source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from merchant_classifier.errors import InputError
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import records

WEIGHTS = {"high": 0.6, "medium": 0.4, "low": 0.25}
"""Share of labels that a reader found right was about 36, 32 and 28 of 40 among US rows; the weights fall faster,
because names that say nothing about the business are as frequent as wrong labels."""

_FOOD_HYGIENE_BONUS = 1.2
"""The inspector's own class of business: fewer wrong labels than a directory's."""


def read(path: Path) -> Iterator[Entry]:
    """Rows of a register.

    Raises:
        InputError: a confidence that is not high, medium or low.
    """
    for line, row in records(path, ("text", "mcc", "country", "confidence", "source")):
        if not row["text"].strip():
            yield Dropped("empty text", line)
            continue
        weight = WEIGHTS.get(row["confidence"])
        if weight is None:
            raise InputError(
                f"{path}:{line}: column 'confidence': expected high, medium or low, found {row['confidence']!r}"
            )
        if row["source"].startswith("fhrs"):
            weight *= _FOOD_HYGIENE_BONUS
        name = f"register-{row['source']}-{row['confidence']}"
        yield Row(row["text"], row["mcc"], row["country"], "", weight, 0, name, line)
