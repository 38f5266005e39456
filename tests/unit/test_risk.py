"""Risky words are not drowned out by harmless ones, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from merchant_classifier import MerchantClassifier, bundle
from merchant_classifier.decision import Label, calibrated
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.risk import FLOOR, RiskWords
from tests.tiny_run import seal
from train.calibrate import surest_beside_a_risky_word
from train.risk_words import Row, find

LABELS = [Label(mcc, mcc, mcc) for mcc in ("5411", "5812", "7801", "7995")]
CONTENT = {
    "risk": {"labels": ["7801", "7995"], "words": {"casino": "7995"}, "harmless_pairs": ["geant casino"]},
}
PATH = Path("labels.json")


def heard(line: str, chances: tuple[float, ...], content: Mapping[str, object] = CONTENT) -> NDArray[np.float64]:
    """Probabilities of the labels after the words of a line were heard, for those that the network gives."""
    logits = np.log(np.array([chances], np.float32)) + np.float32(3)
    risk = RiskWords.from_bundle(PATH, content, LABELS)
    probabilities: NDArray[np.float64] = calibrated(risk.heard(logits, [line.split(" ")]), 1.0, 0.0)[0]
    return probabilities


def test_risky_labels_keep_the_floor_in_the_label_that_the_word_says() -> None:
    found = heard("lucky casino grocery bakery", (0.90, 0.07, 0.02, 0.01))
    assert found[2:].sum() == pytest.approx(FLOOR, abs=1e-5)
    assert found[3] > found[2]
    assert found[0] / found[1] == pytest.approx(0.90 / 0.07, rel=1e-4), "the others share what is left as before"
    assert found.argmax() == 0, "a merchant that the network is sure of stays the best guess"


@pytest.mark.parametrize(
    ("line", "chances"),
    [
        ("lucky grocery", (0.90, 0.07, 0.02, 0.01)),
        ("geant casino", (0.90, 0.07, 0.02, 0.01)),
        ("lucky casino", (0.05, 0.05, 0.80, 0.10)),
        ("casinos", (0.90, 0.07, 0.02, 0.01)),
    ],
)
def test_nothing_changes_without_a_risky_word_in_a_harmless_pair_or_where_it_is_heard_already(
    line: str, chances: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(heard(line, chances), chances, rtol=1e-5)


def test_a_risky_pair_is_heard_as_a_pair_only() -> None:
    content = {"risk": {"labels": ["7995"], "words": {"paddy power": "7995"}, "harmless_pairs": ["power tools"]}}
    chances = (0.90, 0.07, 0.02, 0.01)
    assert heard("shop paddy power tools", chances, content)[3] == pytest.approx(FLOOR, abs=1e-5)
    for line in ("power paddy", "paddy the power", "paddy", "power"):
        np.testing.assert_allclose(heard(line, chances, content), chances, rtol=1e-5)


def test_a_harmless_pair_does_not_excuse_another_risky_word() -> None:
    assert heard("geant casino casino", (0.90, 0.07, 0.02, 0.01))[2:].sum() == pytest.approx(FLOOR, abs=1e-5)


def test_a_model_without_risky_words_listens_to_none() -> None:
    np.testing.assert_allclose(heard("casino", (0.90, 0.07, 0.02, 0.01), {}), (0.90, 0.07, 0.02, 0.01), rtol=1e-5)


@pytest.mark.parametrize(
    "risk", [{"labels": ["1234"], "words": {}, "harmless_pairs": []}, {"words": {}}, [], {"labels": 3, "words": {}}]
)
def test_a_damaged_part_is_refused(risk: object) -> None:
    with pytest.raises(BundleCorrupt, match="risky words and labels"):
        RiskWords.from_bundle(PATH, {"risk": risk}, LABELS)


def test_a_model_hears_them_alone_in_a_batch_and_in_explain(tiny_copy: Path) -> None:
    labels = json.loads((tiny_copy / bundle.LABELS).read_text("utf-8"))
    labels["risk"] = {"labels": ["7995"], "words": {"quorble": "7995"}, "harmless_pairs": []}
    (tiny_copy / bundle.LABELS).write_text(json.dumps(labels), "utf-8")
    seal(tiny_copy)
    model = MerchantClassifier.load(tiny_copy)
    deaf = dict(labels, risk={"labels": [], "words": {}, "harmless_pairs": []})
    (tiny_copy / bundle.LABELS).write_text(json.dumps(deaf), "utf-8")
    seal(tiny_copy)
    before = MerchantClassifier.load(tiny_copy)
    lines = ["COFFEE QUORBLE", "COFFEE", "PETROL STATION"]
    together, alone = model.predict_many(lines), [model.predict(line) for line in lines]
    assert together == alone
    assert model.explain(lines[0]).prediction == alone[0]
    assert before.predict(lines[0]).mcc == "5814"
    assert alone[0].mcc is None
    assert alone[0].model_mcc == "5814", "still the best guess"
    assert alone[0].candidates[1].mcc == "7995"
    assert alone[1:] == [before.predict(line) for line in lines[1:]]


def test_words_of_enough_merchants_of_which_most_are_risky_are_found() -> None:
    rows = [Row(f"owner {number}", [f"owner{number}", "casino"], "7995") for number in range(8)]
    rows += [Row("geant", ["geant", "casino"], "5411", frequent=True), Row("hotel", ["hotel", "casino"], "7011")]
    rows += [Row(f"bet {number}", ["bet", "house"], "7801") for number in range(4)]
    rows += [Row(f"slots {number}", ["slots"], "7801" if number < 5 else "5945") for number in range(10)]
    rows += [Row("one owner", ["jackpot"], "7995")] * 9
    found = find(rows)
    assert found.words == {"casino": "7995"}, "bet has too few merchants, slots too many harmless ones, jackpot one"
    assert found.harmless_pairs == ["geant casino"], "only frequent merchants excuse a word"
    assert found.labels == ["7801", "7995"]
    assert find([]) == find([Row("a", ["a"], "x")])


def test_names_of_risky_merchants_are_found_where_harmless_ones_hardly_share_them() -> None:
    rows = [
        Row("bwyn", ["bwyn"], "7995", frequent=True),
        Row("pady", ["pady", "powr"], "7995", real=True),
        Row("pady power tools", ["powr", "tools"], "5251", real=True),
        Row("sky bett", ["sky", "bett"], "7995", frequent=True),
        Row("three", ["three", "word", "wager"], "7995", frequent=True),
        Row("own", ["ownname"], "7995"),
        Row("coral", ["coral"], "7995", real=True),
        Row("coral reef", ["coral", "reef"], "5812", real=True),
        Row("bwyn pair", ["bwyn", "house"], "7995", real=True),
        Row("xyz", ["xyz"], "7995", real=True),
    ]
    found = find(rows)
    assert found.words == {"bwyn": "7995", "pady powr": "7995", "sky bett": "7995"}, (
        "not: words of a longer name, names of invented merchants, names that harmless ones have too, pairs "
        "with a word that is heard alone, three letters of no frequent merchant"
    )


@pytest.mark.parametrize(("temperature", "slope"), [(1.0, 0.0), (0.83, 0.09), (0.6, 0.0)])
def test_no_harmless_label_beside_a_risky_word_is_surer_than_the_least_threshold(
    temperature: float, slope: float
) -> None:
    least = surest_beside_a_risky_word(temperature, slope, 2)
    risk = RiskWords.from_bundle(PATH, CONTENT, LABELS)
    chances = np.random.default_rng(1).dirichlet(np.full(4, 0.2), 5000).astype(np.float32) + np.float32(1e-9)
    probabilities = calibrated(risk.heard(np.log(chances), [["casino"]] * 5000), temperature, slope)
    assert probabilities[:, :2].max() < least
    assert probabilities[:, :2].max() > least - 0.02, "no more is kept silent than must be"
    assert surest_beside_a_risky_word(temperature, slope, 0) == 0
