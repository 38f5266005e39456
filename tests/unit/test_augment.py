"""Disguises keep the merchant recognisable, follow the country, repeat with the seed and cost little."""

import random
import time

import pytest

from merchant_classifier.text import normalize
from train import augment, stress
from train.augment import as_met, disguise
from train.romanise import romanise

NAMES = (
    "Blue Door Coffee House",
    "Werkstatt Müller",
    "Йогурт Ёлка",
    "O'Brien & Sons Plumbing",
    "H&M",
    "7-Eleven",
    "ローソン",
)


def draws(text: str, country: str, count: int = 400, label: str = "") -> list[str]:
    rng = random.Random(7)
    return [disguise(text, country, rng, label) for _ in range(count)]


def test_same_seed_gives_same_lines() -> None:
    assert draws("Blue Door Coffee", "US") == draws("Blue Door Coffee", "US")


def test_lines_differ_from_draw_to_draw() -> None:
    assert len(set(draws("Blue Door Coffee House", "US"))) > 200


def test_about_fifteen_percent_stay_as_they_are() -> None:
    unchanged = draws("Blue Door Coffee House", "US", 4000).count("Blue Door Coffee House")
    assert 0.12 < unchanged / 4000 < 0.19


def test_first_word_survives_most_disguises() -> None:
    kept = sum("blue" in normalize(line).text for line in draws("Blue Door Coffee House", "US", 2000))
    assert kept / 2000 > 0.9


def test_many_disguises_survive_the_normaliser() -> None:
    plain = normalize("Blue Door Coffee House").words
    changed = sum(normalize(line).words != plain for line in draws("Blue Door Coffee House", "US", 2000))
    assert changed / 2000 > 0.45


@pytest.mark.parametrize(
    ("country", "own", "foreign"),
    [("US", "CHECKCARD", "COMPRA"), ("ES", "COMPRA", "EFTPOS"), ("AU", "EFTPOS", "CHECKCARD")],
)
def test_issuer_phrases_follow_the_country(country: str, own: str, foreign: str) -> None:
    lines = "\n".join(draws("Blue Door", country, 3000))
    assert own in lines
    assert foreign not in lines


def test_unknown_country_meets_every_region() -> None:
    lines = "\n".join(draws("Blue Door", "", 6000))
    assert "COMPRA" in lines
    assert "EFTPOS" in lines


def test_field_ends_before_the_place_is_appended() -> None:
    name = "Extraordinarily Long Name Of A Shop"
    full = [line for line in draws(name, "GB", 3000) if line.startswith("EXTRAORDINARILY LONG N")]
    assert any(line[22:].strip() and "NAME OF" not in line for line in full)


def test_toast_stands_before_food_only() -> None:
    assert not any(line.startswith("TST") for line in draws("Blue Door", "US", 4000, "7230"))
    assert any(line.startswith("TST") for line in draws("Blue Door", "US", 4000, "5812"))


def test_lines_that_are_no_merchants_get_no_facilitator() -> None:
    assert not any("*" in line and "PAYPAL" in line for line in draws("Salary March", "GB", 4000, "not_a_merchant"))


@pytest.mark.parametrize("text", [*NAMES, "", " ", "*", "&'", "\ud800", "x" * 5000])
def test_any_text_can_be_disguised(text: str) -> None:
    assert all(isinstance(line, str) for line in draws(text, "DE", 200))


def test_average_cost_is_far_below_25_microseconds() -> None:
    rng = random.Random(1)
    start = time.process_time()
    for _ in range(3000):
        for text in NAMES:
            disguise(text, "US", rng)
    assert (time.process_time() - start) / (3000 * len(NAMES)) < 25e-6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ローソン", "roson"),
        ("ｾﾌﾞﾝ", "sebun"),
        ("きっさてん", "kissaten"),
        ("キャンドゥ", "kyandou"),
        ("ショップ", "shoppu"),
        ("스타벅스", "seutabeokseu"),
        ("Cafe 東京", "Cafe 東京"),
    ],
)
def test_romanise(text: str, expected: str) -> None:
    assert romanise(text) == expected


def test_risky_merchants_hide_behind_words_that_no_stress_line_has() -> None:
    asked = [line.text.lower() for line in stress.read_lines() if line.stratum == "spoof"]
    stressed = {word for text in [*asked, *map(str.lower, stress._BENIGN)] for word in text.split()}
    rng = random.Random(1)
    met = {word for _ in range(2000) for word in as_met("LUCKY CASINO", ["lucky", "casino"], "US", rng, "7995")}
    assert {"bicycles", "bistro"} <= met
    assert not {word for words in augment._HARMLESS for word in words.split()} & stressed
    given = "LUCKY CASINO", ["lucky", "casino"], "US", rng, "7995", "Wobbly Widgets"
    assert {"wobbly", "bicycles"} <= {word for _ in range(2000) for word in as_met(*given)}
    given = "LUCKY CAFE", ["lucky", "cafe"], "US", rng, "5814", "Wobbly Widgets"
    assert not {"bicycles", "bistro", "wobbly"} & {word for _ in range(2000) for word in as_met(*given)}
