"""A brand's code is given when the description names the brand and the network sees its trade."""

from __future__ import annotations

from pathlib import Path

import pytest

from merchant_classifier import BundleCorrupt, MerchantClassifier
from merchant_classifier.brands import Brands

BRANDS = Brands({"delta air lines": "3058", "delta": "3799", "hilton": "3504", "hilton garden inn": "3604", "": "3001"})


@pytest.mark.parametrize(
    ("mcc", "words", "code"),
    [
        ("7011", "hilton munich", "3504"),
        ("7011", "the hilton", "3504"),
        ("7011", "hilton garden inn oslo", "3604"),
        ("4511", "delta air lines", "3058"),
        ("7011", "delta lodge", "3799"),
        ("4511", "delta", None),
        ("4511", "hilton", None),
        ("5812", "hilton", None),
        (None, "hilton", None),
        ("7011", "hiltons", None),
        ("7011", "", None),
    ],
)
def test_code(mcc: str | None, words: str, code: str | None) -> None:
    assert BRANDS.code(mcc, words.split()) == code


def test_a_classifier_names_the_brand(tiny: MerchantClassifier) -> None:
    assert tiny.predict("HOTEL HILTON MUNICH").brand_mcc == "3504"
    assert tiny.predict("HOTEL ADLER").brand_mcc is None


@pytest.mark.parametrize("brands", [["hilton"], {"hilton": 3504}, None])
def test_brands_of_another_form_are_a_corrupt_bundle(brands: object) -> None:
    with pytest.raises(BundleCorrupt, match="brands"):
        Brands.from_bundle(Path("labels.json"), {"brands": brands})
