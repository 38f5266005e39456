"""UK Food Hygiene Ratings (Food Standards Agency, Open Government Licence v3): an authority's XML file, or a CSV of it.

The inspector's class of business is the label. Schools, hospitals, farms,
importers and the like are listed because they serve or handle food, not because
cards are used there; they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from merchant_classifier.errors import InputError
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import csv_lines, place_of

COUNTRY = "GB"
BUSINESS_TYPES = {
    "restaurant/cafe/canteen": ("5812", 0.5),
    "takeaway/sandwich shop": ("5814", 0.7),
    "pub/bar/nightclub": ("5813", 0.7),
    "retailers - supermarkets/hypermarkets": ("5411", 0.7),
    "retailers - other": ("5499", 0.3),
    "hotel/bed & breakfast/guest house": ("7011", 0.7),
    "mobile caterer": ("5814", 0.4),
    "other catering premises": ("5811", 0.3),
}
"""Class of business -> code and how far it is trusted: "other" classes hold several codes' shops."""


def read(path: Path) -> Iterator[Entry]:
    """Rows of either form.

    Raises:
        InputError: neither the agency's XML nor a CSV with its columns.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not start:
        raise InputError(f"{path}: empty file; expected establishments")
    for number, name, business_type in _from_xml(path) if start.startswith(b"<") else _from_csv(path):
        yield _entry(number, name.strip(), business_type.strip())


def _entry(number: int, name: str, business_type: str) -> Entry:
    if not name:
        return Dropped("no business name", number)
    label = BUSINESS_TYPES.get(business_type.lower())
    if label is None:
        return Dropped(f"business type {business_type!r}", number)
    return Row(name, label[0], COUNTRY, weight=label[1], line=number)


def _from_xml(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number of the establishment, name and type; the file is read piece by piece."""
    number = 0
    try:
        for _, element in ElementTree.iterparse(path):
            if element.tag == "EstablishmentDetail":
                number += 1
                yield number, element.findtext("BusinessName") or "", element.findtext("BusinessType") or ""
                element.clear()
    except ElementTree.ParseError as error:
        line, column = error.position
        raise InputError(f"{path}:{line}: column {column}: not XML: {error}") from error
    if not number:
        raise InputError(f"{path}: expected elements 'EstablishmentDetail', found none")


def _from_csv(path: Path) -> Iterator[tuple[int, str, str]]:
    lines = csv_lines(path)
    _, header = next(lines)
    name, business_type = place_of(path, header, ("businessname",)), place_of(path, header, ("businesstype",))
    for line, fields in lines:
        yield line, fields[name], fields[business_type]
