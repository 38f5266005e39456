"""What each region puts around a merchant's name, filled once from `disguises.toml`: issuer phrases, places, outlets.

Fields of a template are replaced by invented values with a fixed seed, so every
run disguises with the same pieces.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

_FILLINGS = 1024
"""Locations and outlets of a region made at import: more than a model could learn by heart."""


@dataclass(frozen=True, slots=True)
class Region:
    """What one region puts around a name. `heads` are pairs (before, after); `locations` stand behind it."""

    heads: tuple[tuple[str, str], ...]
    facilitators: tuple[str, ...]
    locations: tuple[str, ...]
    legal: tuple[str, ...]
    domains: tuple[str, ...]


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_FIELD = re.compile(r"\{([a-z]+)(\d*)\}")


def fill(template: str, rng: random.Random) -> str:
    """Replace the fields of a template by invented values."""

    def value(match: re.Match[str]) -> str:
        kind, size = match.group(1), int(match.group(2) or 2)
        if kind == "n":
            return "".join(rng.choices("0123456789", k=size))
        if kind == "a":
            return "".join(rng.choices(_LETTERS + "0123456789", k=size))
        if kind == "l":
            return "".join(rng.choices(_LETTERS, k=size))
        if kind == "mon":
            return rng.choice(_MONTHS)
        low, high = {"mm": (1, 12), "dd": (1, 28), "yy": (18, 26), "hh": (7, 22), "mi": (0, 59)}[kind]
        return f"{rng.randint(low, high):02d}"

    return _FIELD.sub(value, template)


def _towns(table: dict[str, Any]) -> list[str]:
    composed = [stem + ending for stem in table["stems"] for ending in table["endings"]]
    # A real town counts as several composed ones, which are many.
    return [town.upper() for town in table["towns"] * 4 + composed]


_LOCATIONS = (
    *["{town} {tail}"] * 8,
    *["{town}"] * 4,
    *["{town}{tail}"] * 2,
    "{street} {town} {tail}",
    "{street} {town}",
    "{phone} {tail}",
    "{phone}",
    "{town} {n5} {tail}",
)
_STREETS = ("{n3} MAIN ST", "{n4} {l6} RD", "{n2} HIGH ST", "{n3} {l5} AVE", "UNIT {n2}", "{n2} {l7} STR", "{l5} BLVD")
_PHONES = ("8{n2}-{n3}-{n4}", "8{n2}5{n6}", "{n3}-{n7}", "+{n11}", "0{n9}")


def _location(table: dict[str, Any], towns: Sequence[str], rng: random.Random) -> str:
    """One location field: DE43 gives a town 13 characters."""
    line = rng.choice(_LOCATIONS)
    line = line.replace("{street}", rng.choice(_STREETS)).replace("{phone}", rng.choice(_PHONES))
    line = line.replace("{town}", rng.choice(towns)[:13]).replace("{tail}", rng.choice(table["tails"]))
    return fill(line, rng).strip()


def _head(template: str, rng: random.Random) -> tuple[str, str]:
    before, _, after = fill(template, rng).partition("|")
    return before, after.replace("|", "")


def _region(table: dict[str, Any], rng: random.Random) -> Region:
    towns = _towns(table)
    return Region(
        heads=tuple(_head(rng.choice(table["heads"]), rng) for _ in range(_FILLINGS // 4)),
        facilitators=tuple(fill(piece, rng) for piece in table["facilitators"]),
        locations=tuple(_location(table, towns, rng) for _ in range(_FILLINGS)),
        legal=tuple(table["legal"]),
        domains=tuple(table["domains"]),
    )


def read_regions() -> dict[str, Region]:
    """Country code -> region; the key "" is the world."""
    regions: dict[str, Region] = {}
    rng = random.Random(20261)
    for table in tomllib.loads((_HERE / "disguises.toml").read_text("utf-8")).values():
        region = _region(table, rng)
        regions.update(dict.fromkeys(table["countries"] or [""], region))
    return regions


def outlets() -> Iterator[str]:
    """Store numbers, terminal codes and the like that stand behind a name."""
    rng = random.Random(20262)
    templates = (
        *["#{n4}", "#{n3}", "#{n2}", " #{n5}", "{n4}", "{n3}", "{n5}", "{n2}", "STORE {n4}", "STORE #{n3}", "NO {n3}"],
        *[
            "F{n5}",
            "T-{n4}",
            "{n6}",
            "-{n3}",
            "{a3}",
            "{n8}",
            "{l1}{n3}",
            "{l2}",
            "{l3}",
            "INSIDE",
            "{n4} {l2}",
            "Q{n2}",
        ],
        *[
            "NORTH",
            "SOUTH",
            "EAST",
            "WEST",
            "DOWNTOWN",
            "PLAZA",
            "CENTRAL",
            "MAIN",
            "CITY",
            "STATION",
            "AIRPORT",
            "MALL",
        ],
        *["ONLINE", "ST", "RD", "AVE", "II", "WEB", "POS", "KIOSK", "TERM {n2}", "- {l1}", "- {l2}", "{n1}", "* {a5}"],
    )
    for _ in range(_FILLINGS):
        yield fill(rng.choice(templates), rng)


def read_abbreviations() -> dict[str, tuple[str, ...]]:
    """Upper-case word -> its usual shortenings."""
    content = tomllib.loads((_HERE / "abbreviations.toml").read_text("utf-8"))
    return {word: tuple(shorts.split()) for word, shorts in content.items()}
