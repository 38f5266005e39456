"""Venues of Who's On First (CC0; SimpleGeo's places of 2010-11): GeoJSON features, one a line or in one document.

SimpleGeo's classifier (type, category, subcategory) goes through the crosswalk
`data/reference/wof_category_to_mcc.csv`. Its keys may narrow a class to a
country (`... @NZ`; the United States are the plain key) or to venues that carry
tags (`... #ice+cream`); a class without a code is left out.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from merchant_classifier.errors import InputError
from train.sources.registers import WEIGHTS
from train.sources.rows import Dropped, Entry, Row

CROSSWALK = Path("data/reference/wof_category_to_mcc.csv")

_HOME = "US"
_BY_NAME = "name:"
"""Keys of this kind were found by words of the name, which is what a classifier is to learn; they are not used."""


def read(path: Path) -> Iterator[Entry]:
    """A row for every venue whose class has a code.

    Raises:
        InputError: not JSON, or not GeoJSON features.
    """
    for line, feature in _features(path):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            raise InputError(
                f"{path}:{line}: expected a GeoJSON feature with 'properties', found {str(feature)[:60]!r}"
            )
        yield _entry(line, properties)


def _entry(line: int, properties: Mapping[str, Any]) -> Entry:
    name = str(properties.get("wof:name") or "").strip()
    if not name:
        return Dropped("no name", line)
    country = str(properties.get("wof:country") or properties.get("iso:country") or "").upper()
    tags = {str(tag).lower() for tag in properties.get("sg:tags") or ()}
    for classifier in properties.get("sg:classifiers") or ():
        label, confidence = _label(classifier, country, tags)
        if label:
            return Row(name, label, country, weight=WEIGHTS[confidence], line=line)
    return Dropped("class without a code", line)


def _label(classifier: Mapping[str, str], country: str, tags: set[str]) -> tuple[str, str]:
    """Code and confidence; both are "" when the crosswalk has none."""
    base = " > ".join(classifier.get(part) or "" for part in ("type", "category", "subcategory")).strip()
    for wanted, verdict in _tagged().get(base, ()):
        if wanted <= tags:
            return verdict
    plain = _crosswalk()
    if country not in (_HOME, "") and f"{base} @{country}" in plain:
        return plain[f"{base} @{country}"]
    return plain.get(base, ("", ""))


@cache
def _crosswalk() -> dict[str, tuple[str, str]]:
    with CROSSWALK.open(encoding="utf-8", newline="") as file:
        return {" ".join(row["label_raw"].split()): (row["mcc"], row["confidence"]) for row in csv.DictReader(file)}


@cache
def _tagged() -> dict[str, list[tuple[frozenset[str], tuple[str, str]]]]:
    """Class -> tags that must all be there, and the verdict; more tags first."""
    found: dict[str, list[tuple[frozenset[str], tuple[str, str]]]] = {}
    for key, verdict in _crosswalk().items():
        base, *marks = key.split(" #")
        if marks and not any(mark.startswith(_BY_NAME) for mark in marks):
            tags = frozenset(tag for mark in marks for tag in mark.split("+"))
            found.setdefault(base.strip(), []).append((tags, verdict))
    for choices in found.values():
        choices.sort(key=lambda choice: -len(choice[0]))
    return found


def _features(path: Path) -> Iterator[tuple[int, Any]]:
    """Line number and feature, from lines or from one document."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            if not first.strip():
                raise InputError(f"{path}: empty file; expected GeoJSON features")
            if _is_document(first):
                document = json.load(file)
                yield from ((1, feature) for feature in document.get("features") or [document])
                return
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _parsed(path, number, line)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8: {error}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: column {error.colno}: not JSON: {error.msg}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _is_document(first: str) -> bool:
    """Whether the file is one JSON document: its first line alone is none, or is a collection."""
    try:
        value = json.loads(first)
    except json.JSONDecodeError:
        return first.lstrip().startswith("{") and not first.rstrip().endswith("}")
    return isinstance(value, dict) and "features" in value


def _parsed(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{number}: column {error.colno}: not JSON: {error.msg}") from error
