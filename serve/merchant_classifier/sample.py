"""Made-up descriptors of real length, the same for the same count everywhere: to time with and to shake with."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib import resources

_SEED = 5

_WRAPPERS = (
    "{}",
    "{}",
    "{}",
    "SQ *{}",
    "TST* {}",
    "PAYPAL *{}",
    "SumUp *{}",
    "POS PURCHASE {}",
    "CARTE 12/03 {}",
    "KARTENZAHLUNG {}",
)
_TRADES = (
    "coffee bakery pizza sushi grill market pharmacy dental clinic salon barber gym yoga hotel inn taxi "
    "parking fuel motors tyres garage hardware garden flowers books toys games cinema theatre tickets "
    "travel airlines rail metro insurance bank mobile telecom energy water school college nursery vet "
    "pets wine liquor tobacco jewellery shoes fashion sports bikes furniture lighting carpets kitchens "
    "electronics computers software hosting streaming music lottery casino betting law accounting "
    "cleaning laundry plumbing electric roofing painting printing courier storage church charity museum "
    "zoo "
).split()
_SYLLABLES = (
    "ba be bo ca ce co da de di fa fe fi ga go ha ho jo ka ki la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa "
    "se so ta te ti to va vi za"
).split()
_NUMBER_SHARE, _PLACE_SHARE = 0.4, 0.6


def descriptors(count: int) -> list[str]:
    """That many different descriptors, 6 to about 50 characters, 22 in the middle."""
    found: dict[str, None] = {}
    for text in _stream(random.Random(_SEED)):
        found.setdefault(text)
        if len(found) >= count:
            break
    return list(found)


def _stream(rng: random.Random) -> Iterator[str]:
    places = resources.files(__package__).joinpath("places.txt").read_text("ascii").split("\n")
    while True:
        name = [_made_up_word(rng) for _ in range(rng.randint(1, 2))] + rng.sample(_TRADES, rng.randint(0, 2))
        if rng.random() < _NUMBER_SHARE:
            name.append(f"#{rng.randint(1, 9999)}")
        if rng.random() < _PLACE_SHARE:
            name.append(rng.choice(places))
        yield rng.choice(_WRAPPERS).format(" ".join(name).upper())


def _made_up_word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) + rng.choice(("", "n", "s", "r"))
