"""Which MCC an OpenStreetMap place has: the reviewed tables in `data/reference/`.

`osm_to_mcc.csv` names a code for a tag such as `shop=bakery`, its additions do
so for tags of trades, offices and networks that the first table leaves out, and
the refinements overrule it where a second tag, or the name, says more
(`shop=clothes` with `clothes=children`).
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import InputError

REFERENCE = Path("data/reference")
CONFIDENCE = {"high": 1.0, "medium": 0.7, "low": 0.4}
"""How far a row of the tables is trusted, as a weight."""

_SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Code:
    """An MCC and how far it is trusted."""

    mcc: str
    weight: float


@dataclass(frozen=True, slots=True)
class Refinement:
    """Overrules the code of a tag: by the values of a second tag, or by a pattern in the name."""

    key: str
    values: frozenset[str]
    pattern: re.Pattern[str] | None
    code: Code | None

    def applies(self, tags: Mapping[str, str], name: str) -> bool:
        """Whether a place with these tags and this name is meant."""
        if self.pattern is not None:
            return bool(self.pattern.search(name))
        return tags.get(self.key) in self.values


@dataclass(frozen=True, slots=True)
class OsmCodes:
    """The tables: (key, value) of a tag to its code, and what overrules it."""

    codes: Mapping[tuple[str, str], Code]
    refinements: Mapping[tuple[str, str], list[Refinement]]

    def of_tag(self, key: str, value: str, tags: Mapping[str, str], name: str = "") -> Code | None:
        """The code of a place whose main tag is `key=value`; None when there is none."""
        for refinement in self.refinements.get((key, value), ()):
            if refinement.applies(tags, name):
                return refinement.code
        return self.codes.get((key, value))

    def of_place(self, tags: Mapping[str, str]) -> tuple[str, Code] | None:
        """The first tag with a code, as (key, code)."""
        for key, value in tags.items():
            code = self.of_tag(key, value, tags)
            if code is not None:
                return key, code
        return None


def read_codes(folder: Path = REFERENCE) -> OsmCodes:
    """Read the three tables.

    Raises:
        InputError: one is not there, or holds a confidence that is not known.
    """
    codes: dict[tuple[str, str], Code] = {}
    for name in ("osm_to_mcc.csv", "osm_to_mcc_additions.csv"):
        for line, row in _rows(folder / name):
            codes[row["osm_key"], row["osm_value"]] = _code(row, f"{folder / name}:{line}")
    refinements: dict[tuple[str, str], list[Refinement]] = defaultdict(list)
    path = folder / "osm_to_mcc_refinements.csv"
    for line, row in _rows(path):
        key, _, value = row["osm_tag"].partition("/")
        refinements[key, value].append(_refinement(row, f"{path}:{line}"))
    return OsmCodes(codes, dict(refinements))


def _refinement(row: Mapping[str, str], where: str) -> Refinement:
    code = None if row["mcc"] == _SKIP else _code(row, where)
    if row["subvalues"].startswith("~"):
        pattern = re.compile(row["subvalues"][1:].rstrip("."), re.IGNORECASE)
        return Refinement(row["subkey"], frozenset(), pattern, code)
    return Refinement(row["subkey"], frozenset(row["subvalues"].split("|")), None, code)


def _code(row: Mapping[str, str], where: str) -> Code:
    if row["confidence"] not in CONFIDENCE:
        raise InputError(f"{where}: expected confidence high, medium or low, found {row['confidence']!r}")
    return Code(row["mcc"], CONFIDENCE[row["confidence"]])


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(enumerate(csv.DictReader(file), start=2))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
