"""How card networks and processors word the codes: the lists of the PyPI package `iso18245` (MIT).

Each list's description of a generic code is a row of that code. A code of
3000-3999 belongs to one airline, car rental or hotel: its names are rows of the
folded code, with the brand code as brand id.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from merchant_classifier.errors import InputError
from train.sources.rows import Entry, Row, folded

SOURCE = "iso18245"
LISTS = ("iso18245_official", "mastercard", "visa", "amex", "stripe", "alipay", "usda")
_DESCRIPTION, _BRAND = 0.5, 1.0

Wordings = list[tuple[str, str]]
"""Pairs of code and text."""


def read_archive(path: Path) -> Wordings:
    """Codes and texts of all lists; a third column is the name that airlines' own records use.

    Raises:
        InputError: it is not the package this code knows.
    """
    wordings: Wordings = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in LISTS:
                content = archive.read(f"iso18245/data/{name}_list.csv").decode("utf-8")
                for row in list(csv.reader(io.StringIO(content)))[1:]:
                    wordings.append((row[0], row[1]))
                    if row[0].startswith("3") and len(row) > 2 and row[2]:
                        wordings.append((row[0], row[2]))
    except (zipfile.BadZipFile, KeyError, IndexError) as error:
        raise InputError(f"{path}: expected the package {SOURCE}: {error}") from error
    return wordings


def rows(wordings: Wordings) -> Iterator[Entry]:
    """One row for every wording."""
    for code, text in wordings:
        label = folded(code)
        if label == code:
            yield Row(text, code, weight=_DESCRIPTION, source=SOURCE)
        else:
            yield Row(text, label, brand_id=f"mcc:{code}", weight=_BRAND, source=SOURCE)


def brand_codes(wordings: Wordings) -> list[tuple[str, str, str]]:
    """Code, name and folded label of every brand code; the first list that names it gives the name."""
    names: dict[str, str] = {}
    for code, text in wordings:
        if folded(code) != code and text.strip():
            names.setdefault(code, " ".join(text.split()))
    return [(code, names[code], folded(code)) for code in sorted(names)]
