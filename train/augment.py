"""Label-preserving disguises: a clean merchant name -> a line as an issuer would print it.

Training reads every name through `disguise`, so that the network meets names
cut mid-word, glued, abbreviated, and surrounded by what the normaliser cannot
know (small towns, terminal codes). Pieces and their mixing weights follow
`descriptor_grammar.md`; they lie in `disguises.toml` by region and are filled
once at import, so that a call is a few draws from tables.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from train.romanise import romanise

Draw = Callable[[], float]
Item = TypeVar("Item")

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


# --- tables ---------------------------------------------------------------------------------

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_FIELD = re.compile(r"\{([a-z]+)(\d*)\}")


def _fill(template: str, rng: random.Random) -> str:
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
    return _fill(line, rng).strip()


def _head(template: str, rng: random.Random) -> tuple[str, str]:
    before, _, after = _fill(template, rng).partition("|")
    return before, after.replace("|", "")


def _region(table: dict[str, Any], rng: random.Random) -> Region:
    towns = _towns(table)
    return Region(
        heads=tuple(_head(rng.choice(table["heads"]), rng) for _ in range(_FILLINGS // 4)),
        facilitators=tuple(_fill(piece, rng) for piece in table["facilitators"]),
        locations=tuple(_location(table, towns, rng) for _ in range(_FILLINGS)),
        legal=tuple(table["legal"]),
        domains=tuple(table["domains"]),
    )


def _read_regions() -> dict[str, Region]:
    """Country code -> region; the key "" is the world."""
    regions: dict[str, Region] = {}
    rng = random.Random(20261)
    for table in tomllib.loads((_HERE / "disguises.toml").read_text("utf-8")).values():
        region = _region(table, rng)
        regions.update(dict.fromkeys(table["countries"] or [""], region))
    return regions


def _outlets() -> Iterator[str]:
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
        yield _fill(rng.choice(templates), rng)


_REGION_OF = _read_regions()
_REGIONS = tuple({id(region): region for region in _REGION_OF.values()}.values())
_WORLD = _REGION_OF[""]
_OUTLETS = tuple(_outlets())
_SHORT = {
    word: tuple(shorts.split())
    for word, shorts in tomllib.loads((_HERE / "abbreviations.toml").read_text("utf-8")).items()
}
_WIDTHS = (22, 22, 22, 22, 22, 25, 25, 20, 18, 18, 16)
"""Where a name field ends; 22 and 25 are the networks', the others belong to acquirers and bank exports."""

_FOOD_LABELS = frozenset({"5811", "5812", "5813", "5814", "5462"})
_FOOD_FACILITATORS = ("TST* ", "TST*", "TST-", "SPO*", "DD *DOORDASH ", "DD *", "GRUBHUB*", "IFD*", "DELIVEROO*", "LS ")
_NAMELESS = "not_a_merchant"
_NO_VOWELS = str.maketrans("", "", "AEIOUaeiou")
# How statement systems spell what the normaliser would merely fold: German digraphs, other romanisations of Cyrillic.
_SPELT_OUT = str.maketrans(
    dict(
        zip(
            "äöüÄÖÜåÅøØжхцщыюяйёЖХЦЩЫЮЯЙЁñ",
            "ae oe ue AE OE UE aa AA oe OE j h c sch i iu ia i yo J H C SCH I IU IA I YO ny".split(),
            strict=True,
        )
    )
)


def _pick(items: Sequence[Item], draw: Draw) -> Item:
    return items[int(draw() * len(items))]


# --- the name ---------------------------------------------------------------------------------


def _abbreviated(text: str, draw: Draw) -> str:
    words = text.split()
    for place, word in enumerate(words):
        if len(word) < 5 or draw() < 0.35:
            continue
        known = _SHORT.get(word)
        if known:
            words[place] = _pick(known, draw)
        elif draw() < 0.6:
            words[place] = word[0] + word[1:].translate(_NO_VOWELS)
        else:
            words[place] = word[: 3 + int(draw() * 3)]
    return " ".join(words)


def _glued(text: str, draw: Draw) -> str:
    """Lose all spaces, or the first or last one."""
    luck = draw()
    if luck < 0.4:
        return text.replace(" ", "")
    return text.replace(" ", "", 1) if luck < 0.7 else "".join(text.rpartition(" ")[::2])


def _cropped(text: str, draw: Draw) -> str:
    """Lose the first letters, as statements cropped by column do."""
    return text[1 + int(draw() * 3) :] if len(text) > 12 else text


def _with_zero(text: str, draw: Draw) -> str:
    """Misread letters of a scanned statement."""
    return text.replace("O", "0", 1) if draw() < 0.5 else text.replace("I", "1", 1)


def _same(text: str, _: Draw) -> str:
    return text


_CHANGES: tuple[Callable[[str, Draw], str], ...] = (
    *[_same] * 72,
    *[_abbreviated] * 14,
    *[_glued] * 10,
    *[_cropped] * 3,
    _with_zero,
)


def _punctuated(text: str, draw: Draw) -> str:
    """Spell `&` and the apostrophe in one of the usual ways."""
    if "&" in text:
        text = text.replace("&", _pick(("&", "AND", " ", "&amp;", ""), draw))
    if "'" in text:
        text = text.replace("'", _pick(("", "", " "), draw))
    return text


def _written(text: str, draw: Draw) -> str:
    """The name as the statement system spells it: script, case, punctuation, and perhaps one loss."""
    if not text.isascii():
        if draw() < 0.4:
            text = text.translate(_SPELT_OUT)
        text = romanise(text) if draw() < 0.5 else text
    if draw() < 0.9:
        text = text.upper()
    if "&" in text or "'" in text:
        text = _punctuated(text, draw)
    return _CHANGES[int(draw() * 100)](text, draw)


def _cut(text: str, draw: Draw) -> str:
    return text[: _WIDTHS[int(draw() * 11)]] if len(text) > 15 and draw() < 0.6 else text


# --- what stands around it ---------------------------------------------------------------------


def _alone(name: str, _: Region, draw: Draw) -> str:
    return _cut(name, draw)


def _located(name: str, region: Region, draw: Draw) -> str:
    """Outlet behind the name, then the field's end, then the place; a full field runs into the place."""
    luck = draw()
    if luck < 0.6:
        name = f"{name} {_pick(_OUTLETS, draw)}"
    name = _cut(name, draw)
    if luck > 0.25:
        joint = "" if len(name) >= 22 and draw() < 0.4 else " "
        name = f"{name}{joint}{_pick(region.locations, draw)}"
    return name


def _facilitated(name: str, region: Region, draw: Draw) -> str:
    if "*" in name:
        return _located(name, region, draw)
    line = _cut(_pick(region.facilitators, draw) + name, draw)
    return f"{line} {_pick(region.locations, draw)}" if draw() < 0.5 else line


def _issued(name: str, region: Region, draw: Draw) -> str:
    before, after = _pick(region.heads, draw)
    name = _located(name, region, draw) if draw() < 0.6 else _cut(name, draw)
    return f"{before}{name}{after}"


def _as_domain(name: str, region: Region, draw: Draw) -> str:
    if "." in name or "*" in name or len(name) > 28:
        return _located(name, region, draw)
    host = name.replace(" ", "-" if draw() < 0.2 else "")
    return f"{'WWW.' if draw() < 0.4 else ''}{host}.{_pick(region.domains, draw)}"


def _as_company(name: str, region: Region, draw: Draw) -> str:
    """Add the legal form, or take it away where there is one; shorten words now and then."""
    front, _, last = name.rpartition(" ")
    name = front if front and last in region.legal else f"{name} {_pick(region.legal, draw)}"
    return _cut(name if draw() < 0.5 else _abbreviated(name, draw), draw)


_WRAPPINGS: tuple[Callable[[str, Region, Draw], str], ...] = (
    *[_alone] * 15,
    *[_located] * 32,
    *[_facilitated] * 15,
    *[_issued] * 14,
    *[_as_domain] * 4,
    *[_as_company] * 5,
)
_CLEAN = 0.15


def disguise(text: str, country: str, rng: random.Random, label: str = "") -> str:
    """Write a merchant name as a statement line might show it.

    Args:
        text: a name or descriptor.
        country: ISO 3166 alpha-2 code; "" or an unknown one takes any region's habits.
        rng: all chance comes from it.
        label: where known, keeps prefixes honest: restaurant facilitators stand before food only, and
            lines that are no merchants get neither facilitator nor legal form.

    Returns:
        A line with the same label; the text itself in 15 % of calls.
    """
    draw = rng.random
    if draw() < _CLEAN or not text:
        return text
    region = _REGION_OF.get(country) if country else None
    if region is None:
        region = _WORLD if draw() < 0.4 else _pick(_REGIONS, draw)
    name = _written(text, draw)
    if label == _NAMELESS:
        return _cut(name, draw) if draw() < 0.6 else _located(name, region, draw)
    if label in _FOOD_LABELS and draw() < 0.06:
        return _cut(_pick(_FOOD_FACILITATORS, draw) + name, draw)
    return _WRAPPINGS[int(draw() * 85)](name, region, draw)


def bare_prefix(rng: random.Random) -> str:
    """A line that holds a facilitator or an issuer phrase and no merchant: its label is unknown.

    Args:
        rng: all chance comes from it.
    """
    draw = rng.random
    region = _pick(_REGIONS, draw)
    luck = draw()
    if luck < 0.35:
        before, after = _pick(region.heads, draw)
        line = before + after
    else:
        line = _pick(region.facilitators, draw)
    if luck > 0.2:
        line += _fill(_pick(("", "{n10}", "{n4}", "{a9}", "402935{n4}", "{n3}-{n3}-{n4}", "{a6}", " "), draw), rng)
    return line
