"""A bank's or acquirer's own export: description and merchant category code under whatever names it uses.

Columns are looked up by their letters; amounts, dates and account numbers are
not read. The codes come from the user's own systems, so one that does not exist
is refused instead of counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from merchant_classifier.errors import InputError
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import csv_lines, place_of

DESCRIPTION = (
    *("text", "descriptor", "merchantdescriptor", "description", "transactiondescription", "merchantname", "merchant"),
    *("narrative", "details", "payee", "cardacceptorname", "verwendungszweck", "libelle", "concepto", "descrizione"),
)
CODE = ("label", "mcc", "mcccode", "merchantcategorycode", "merchantcategory", "sic", "siccode", "category")
COUNTRY = ("country", "countrycode", "merchantcountry", "merchantcountrycode", "cardacceptorcountry")

_ALPHA_2 = 2


def read(path: Path) -> Iterator[Entry]:
    """One row for every different description and code.

    Raises:
        InputError: no column of a known name for the description or the code, or the file cannot be read as a table.
    """
    lines = csv_lines(path)
    _, header = next(lines)
    text_place, code_place = place_of(path, header, DESCRIPTION), place_of(path, header, CODE)
    country_place = _optional_place(path, header)
    seen: set[tuple[str, str]] = set()
    for line, fields in lines:
        text, code = fields[text_place].strip(), fields[code_place].strip()
        if not text or not code:
            yield Dropped("no description" if not text else "no code", line)
        elif (text, code) in seen:
            yield Dropped("same description and code as an earlier row", line)
        else:
            seen.add((text, code))
            country = fields[country_place].strip().upper() if country_place is not None else ""
            yield Row(text, _padded(code), country if len(country) == _ALPHA_2 else "", line=line)


def _optional_place(path: Path, header: list[str]) -> int | None:
    try:
        return place_of(path, header, COUNTRY)
    except InputError:
        return None


def _padded(code: str) -> str:
    """Spreadsheets lose the leading zero of 0742."""
    return code.zfill(4) if code.isdigit() else code
