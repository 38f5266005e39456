"""Other spellings of a confirmed merchant: cut, glued, decorated ones are recognised, other merchants are not."""

from __future__ import annotations

import pytest

from merchant_classifier.spelling import Spellings
from merchant_classifier.text import normalize
from tests.memory_files import rule


def spelt(name: str, description: str) -> bool:
    return bool(Spellings([rule(1, "merchant", name)]).find(normalize(description).words))


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Blue Bottle Coffee", "SQ *BLUE BOTTLE COF"),
        ("Blue Bottle Coffee", "BLUEBOTTLE COFFEE ABERBRIDGE"),
        ("Blue Bottle Coffee", "BLUE BOTTLE COFF ABERBRIDGE"),
        ("Blue Bottle Coffee", "BLUEBOTTLECOFFEE"),
        ("Blue Bottle Coffee", "TRANSBANK*BLUE BOTTLE COFFEE"),
        ("Starbucks", "STARBUCKS 1234 SEATTLE"),
        ("Starbucks", "Starbucks Store"),
        ("Jino", "JINO 0153 LYON"),
        ("辰衝圖書", "辰衝圖書 GANGNAMIDN"),
    ],
)
def test_spellings_are_recognised(name: str, description: str) -> None:
    assert spelt(name, description)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Blue Bottle Coffee", "BLUE BAKERY"),
        ("Blue Bottle Coffee", "BLUE"),
        ("Jino", "JINOTEGA BUS"),
        ("Online", "KLIER ONLINE"),
        ("Starbucks", "THE STAR"),
        ("e-conomic", "SEVIER COUNTY ECONOMIC DEV"),
        ("Storage Box", "STORAGE WEST"),
        ("Appliance Repairs Navan", "A & B APPLIANCE REPAIR"),
        ("Digitalife", "DIGITAL DESIGNS"),
    ],
)
def test_other_merchants_are_not(name: str, description: str) -> None:
    assert not spelt(name, description)


def test_the_name_with_more_letters_in_common_comes_first() -> None:
    spellings = Spellings([rule(1, "merchant", "Blue Bottle"), rule(2, "merchant", "Blue Bottle Coffee")])
    assert [found.rule.id for found in spellings.find(("blue", "bottle", "coffee", "oakham"))] == [2, 1]


def test_what_stands_beside_the_name_is_noticed() -> None:
    spellings = Spellings([rule(1, "merchant", "Woodland")])
    assert [found.alone for found in spellings.find(("woodland", "finance"))] == [False]
    assert [found.alone for found in spellings.find(("woodland",))] == [True]
