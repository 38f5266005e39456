"""Label-preserving disguises: a clean merchant name -> a line as an issuer would print it.

Training reads every name through `disguise`, so that the network meets names
cut mid-word, glued, abbreviated, and surrounded by what the normaliser cannot
know (small towns, terminal codes). Pieces and their mixing weights follow
`descriptor_grammar.md`; they lie in `disguises.toml` by region and are filled
once at import, so that a call is a few draws from tables.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from merchant_classifier.text import normalize
from train.regions import Region, outlets, read_abbreviations, read_regions
from train.romanise import romanise

Draw = Callable[[], float]
Item = TypeVar("Item")

_REGION_OF = read_regions()
_REGIONS = tuple({id(region): region for region in _REGION_OF.values()}.values())
_WORLD = _REGION_OF[""]
_OUTLETS = tuple(outlets())
_SHORT = read_abbreviations()
_WIDTHS = (22, 22, 22, 22, 22, 25, 25, 20, 18, 18, 16)
"""Where a name field ends; 22 and 25 are the networks', the others belong to acquirers and bank exports."""

_FOOD_LABELS = frozenset({"5811", "5812", "5813", "5814", "5462"})
_FOOD_FACILITATORS = ("TST* ", "TST*", "TST-", "SPO*", "DD *DOORDASH ", "DD *", "GRUBHUB*", "IFD*", "DELIVEROO*", "LS ")
_NAMELESS = "not_a_merchant"
_DISGUISED_SHARE = 0.75

RISKY = frozenset({"7995", "7801", "7802", "7800", "6051", "5967", "7273", "7297", "5993"})
"""Codes worth hiding: betting, quasi cash and crypto, adult content, dating, massage, tobacco."""

_HIDING_SHARE = 0.6
_HARMLESS = tuple(
    "hotel|taxi|dentist|furniture|shoe repair|jewellers|hair salon|barber|yoga|garage|tyres|car wash|parking"
    "|optician|cinema|museum|sushi bar|burger|noodles|delicatessen|butcher|ice cream|bistro|diner"
    "|music lessons|nursery|laundry|dry cleaning|tailor|plumbing|paint and tools|bicycles|sportswear"
    "|travel agency|insurance|telecom|blumenladen|friseur|supermarkt|fleuriste|coiffeur|librairie|zapateria"
    "|ferreteria|papeleria|mercearia|talho|macelleria|gelateria|stolovaya|kofeinya|zoomagazin|piekarnia"
    "|kwiaciarnia|potraviny|lekarna|kuafor|restoran|tandoori|sweets|stationers|warung|toko|ramen|izakaya"
    "|florist|giftware|mini mart|greengrocer|fish and chips|kebab|pizzeria|kindergarten|laboratory|stationer"
    "|auto parts|gas station|carniceria|frutas y verduras|drogerie|obst und gemuese|magasin bio|produkte".split("|")
)
"""What risky merchants call themselves in training; none of these words stands in the lines of `train.stress`."""
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


def as_met(
    text: str, words: list[str], country: str, rng: random.Random, label: str = "", neighbour: str = ""
) -> list[str]:
    """The words of a name as training meets it: three times of four disguised, else `words`, the name's own.

    Risky merchants now and then call themselves something harmless as well: a trade, or the name of a `neighbour`, who
    is any harmless merchant. Their label stays.
    """
    if rng.random() >= _DISGUISED_SHARE:
        return words
    if label in RISKY and rng.random() < _HIDING_SHARE:
        hiding = neighbour if neighbour and rng.random() < 0.5 else _trades(rng.random)
        text = f"{hiding} {text}" if rng.random() < 0.3 else f"{text} {hiding}"
    return list(normalize(disguise(text, country, rng, label)).words) or words


def _trades(draw: Draw) -> str:
    """One to three harmless trades."""
    return " ".join(_pick(_HARMLESS, draw) for _ in range(1 + int(draw() * 3)))
