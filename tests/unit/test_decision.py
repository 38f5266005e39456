"""From logits to answers: calibrated, coherent between code and category, and silent when unsure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from merchant_classifier.decision import Decider, Label
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.prediction import Mode, Reason

LABELS = (
    Label("5812", "Restaurants", "food", "eating"),
    Label("5813", "Bars", "food", "eating"),
    Label("5814", "Fast food", "food", "eating"),
    Label(None, "Not a merchant", "not_a_merchant", "not_a_merchant"),
    Label("4111", "Transit", "transport", "transit"),
    Label("4121", "Taxis", "transport", "4121"),
)
CATEGORIES = ("food", "not_a_merchant", "transport")
FOOD, OTHER, TRANSPORT = range(3)


def thresholds(label: float = 0.6, category: float = 0.8) -> dict[str, dict[str, dict[str, float]]]:
    levels = {"label": dict.fromkeys(CATEGORIES, label), "category": dict.fromkeys(CATEGORIES, category)}
    always = {level: dict.fromkeys(CATEGORIES, 0.0) for level in levels}
    return {"precise": levels, "balanced": levels, "best_guess": always}


def decider(temperature: float = 1.0, **levels: float) -> Decider:
    return Decider(LABELS, temperature, thresholds(**levels))


def logits_of(*probabilities: float) -> NDArray[np.float32]:
    """One row whose softmax is these probabilities."""
    return np.log(np.array([probabilities], np.float64)).astype(np.float32)


many_logits = st.lists(
    st.lists(st.floats(-40, 40, width=32), min_size=len(LABELS), max_size=len(LABELS)), min_size=1, max_size=6
)


def test_a_sure_code_is_named() -> None:
    (verdict,) = decider().decide(logits_of(0.02, 0.02, 0.9, 0.02, 0.02, 0.02), Mode.BALANCED)
    assert (verdict.reason, verdict.label, verdict.category) == (Reason.CONFIDENT, LABELS[2], "food")
    assert verdict.confidence == pytest.approx(0.9, abs=1e-5)


def test_an_unsure_code_of_a_sure_category_gives_the_category() -> None:
    (verdict,) = decider().decide(logits_of(0.3, 0.3, 0.3, 0.02, 0.04, 0.04), Mode.BALANCED)
    assert (verdict.reason, verdict.label, verdict.category) == (Reason.CATEGORY_ONLY, None, "food")
    assert verdict.confidence == pytest.approx(0.9, abs=1e-5)


def test_an_unsure_category_gives_nothing() -> None:
    (verdict,) = decider().decide(logits_of(0.2, 0.2, 0.1, 0.1, 0.2, 0.2), Mode.BALANCED)
    assert (verdict.reason, verdict.label, verdict.category) == (Reason.LOW_CONFIDENCE, None, None)


def test_no_merchant_has_a_reason_of_its_own_and_no_code() -> None:
    (verdict,) = decider().decide(logits_of(0.02, 0.02, 0.02, 0.9, 0.02, 0.02), Mode.BALANCED)
    assert (verdict.reason, verdict.label, verdict.category) == (Reason.NOT_A_MERCHANT, None, "not_a_merchant")


def test_best_guess_always_names_the_most_probable() -> None:
    (verdict,) = decider().decide(logits_of(0.1, 0.1, 0.1, 0.1, 0.35, 0.25), Mode.BEST_GUESS)
    assert (verdict.reason, verdict.label) == (Reason.CONFIDENT, LABELS[4])


def test_a_threshold_that_is_met_exactly_answers() -> None:
    row = np.zeros((1, len(LABELS)), np.float32)
    exact = decider(label=1 / len(LABELS), category=1.0)
    assert exact.decide(row, Mode.BALANCED)[0].reason is Reason.CONFIDENT
    above = decider(label=float(np.nextafter(1 / len(LABELS), 1)), category=1.0)
    assert above.decide(row, Mode.BALANCED)[0].reason is Reason.LOW_CONFIDENCE


def test_thresholds_hold_for_their_own_category_only() -> None:
    levels = thresholds()
    levels["balanced"] = {
        "label": {"food": float("inf"), "not_a_merchant": 0.5, "transport": 0.5},
        "category": dict.fromkeys(CATEGORIES, float("inf")),
    }
    strict = Decider(LABELS, 1.0, levels)
    food, transport = logits_of(0.95, *[0.01] * 5), logits_of(*[0.01] * 5, 0.95)
    verdicts = strict.decide(np.concatenate([food, transport]), Mode.BALANCED)
    assert [verdict.reason for verdict in verdicts] == [Reason.LOW_CONFIDENCE, Reason.CONFIDENT]


def test_temperature_divides_the_logits() -> None:
    logits = np.array([[3, 1, 0, 0, 2, -1]], np.float32)
    halved = logits / np.float32(2)
    np.testing.assert_allclose(decider(2.0).probabilities(logits), decider().probabilities(halved), rtol=1e-6)


def test_a_slope_cools_sure_rows_and_warms_unsure_ones_and_keeps_their_order() -> None:
    logits = np.array([[9, 1, 0, 0, 2, -1], [1, 0.9, 0.8, 0.7, 0.6, 0.5]], np.float32)
    plain, sloped = Decider(LABELS, 0.8, thresholds()), Decider(LABELS, 0.8, thresholds(), 0.5)
    before, after = plain.probabilities(logits), sloped.probabilities(logits)
    np.testing.assert_array_equal(np.argsort(before, axis=1), np.argsort(after, axis=1))
    np.testing.assert_allclose(after.sum(axis=1), 1)
    entropy = np.log(6) - 0.0146  # of the second row, by hand: close to that of six equal labels
    np.testing.assert_allclose(after[1], plain.probabilities(logits[1:] / np.exp(0.5 * entropy))[0], rtol=1e-3)
    assert after[0, 0] == pytest.approx(before[0, 0], abs=2e-3)
    alone = np.concatenate([sloped.probabilities(row[None]) for row in logits])
    np.testing.assert_array_equal(after, alone)


def test_candidates_are_the_best_three_in_order() -> None:
    (verdict,) = decider().decide(logits_of(0.05, 0.3, 0.02, 0.03, 0.4, 0.2), Mode.BALANCED)
    assert [candidate.mcc for candidate in verdict.candidates] == ["4111", "5813", "4121"]
    assert [candidate.confidence for candidate in verdict.candidates] == pytest.approx([0.4, 0.3, 0.2], abs=1e-5)


def test_equal_candidates_come_in_the_order_of_the_labels() -> None:
    (verdict,) = decider().decide(np.zeros((1, len(LABELS)), np.float32), Mode.BALANCED)
    assert [candidate.mcc for candidate in verdict.candidates] == ["5812", "5813", "5814"]


def test_fewer_labels_than_candidates_is_fine() -> None:
    two = Decider(LABELS[:2], 1.0, thresholds())
    (verdict,) = two.decide(np.array([[0, 5]], np.float32), Mode.BALANCED)
    assert [candidate.mcc for candidate in verdict.candidates] == ["5813", "5812"]


@given(rows=many_logits)
@settings(max_examples=100, deadline=None)
def test_probabilities_sum_to_one_and_categories_are_their_sums(rows: list[list[float]]) -> None:
    probabilities = decider().probabilities(np.array(rows, np.float32))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    sums = decider().category_probabilities(probabilities)
    np.testing.assert_allclose(sums[:, FOOD], probabilities[:, :3].sum(axis=1))
    np.testing.assert_allclose(sums[:, OTHER], probabilities[:, 3])
    np.testing.assert_allclose(sums[:, TRANSPORT], probabilities[:, 4:].sum(axis=1))


@given(rows=many_logits)
@settings(max_examples=100, deadline=None)
def test_a_row_is_decided_as_if_it_were_alone(rows: list[list[float]]) -> None:
    logits = np.array(rows, np.float32)
    together = decider().decide(logits, Mode.BALANCED)
    assert together == [decider().decide(logits[i : i + 1], Mode.BALANCED)[0] for i in range(len(logits))]


@given(rows=many_logits)
@settings(max_examples=100, deadline=None)
def test_code_and_category_never_contradict_each_other(rows: list[list[float]]) -> None:
    for verdict in decider().decide(np.array(rows, np.float32), Mode.BALANCED):
        if verdict.label is not None:
            assert verdict.label.category == verdict.category
        assert 0 <= verdict.confidence <= 1 + 1e-9


@given(rows=many_logits)
@settings(max_examples=50, deadline=None)
def test_a_stricter_mode_never_answers_more(rows: list[list[float]]) -> None:
    logits = np.array(rows, np.float32)
    lax, strict = decider(label=0.3, category=0.5), decider(label=0.7, category=0.9)
    for less, more in zip(strict.decide(logits, Mode.BALANCED), lax.decide(logits, Mode.BALANCED), strict=True):
        assert less.label is None or less.label == more.label


def test_labels_of_one_category_must_stand_together() -> None:
    mixed = (LABELS[0], LABELS[4], LABELS[1])
    with pytest.raises(ValueError, match="stand together"):
        Decider(mixed, 1.0, thresholds())


def content(**changes: Any) -> dict[str, Any]:
    rows = [{"mcc": label.mcc, "text": label.text, "category": label.category} for label in LABELS]
    return {"labels": rows, "temperature": 1.5, "thresholds": thresholds()} | changes


def test_bundle_content_gives_the_same_decider() -> None:
    read = Decider.from_bundle(Path("labels.json"), content())
    assert [label.mcc for label in read.labels] == [label.mcc for label in LABELS]
    assert (read.temperature, read.slope) == (1.5, 0.0)
    assert read.categories == CATEGORIES


def test_a_missing_threshold_means_never() -> None:
    levels: Any = thresholds()
    levels["balanced"] = {level: dict.fromkeys(CATEGORIES, None) for level in ("label", "category")}
    read = Decider.from_bundle(Path("labels.json"), content(thresholds=levels))
    (verdict,) = read.decide(np.array([[99, 0, 0, 0, 0, 0]], np.float32), Mode.BALANCED)
    assert verdict.reason is Reason.LOW_CONFIDENCE


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": None},
        {"labels": []},
        {"labels": [{"mcc": "5812"}]},
        {"temperature": "warm"},
        {"temperature": None},
        {"temperature": 0},
        {"temperature": float("nan")},
        {"temperature_slope": float("nan")},
        {"temperature_slope": "steep"},
        {"thresholds": {}},
        {"thresholds": {"balanced": {}}},
        {"thresholds": {"reckless": thresholds()["balanced"]}},
        {"thresholds": thresholds() | {"balanced": {"label": {"food": 0.5}, "category": {"food": 0.5}}}},
    ],
    ids=lambda changes: next(f"{name}={value!r:.30}" for name, value in changes.items()),
)
def test_damaged_bundle_content_is_named_as_such(changes: dict[str, Any]) -> None:
    with pytest.raises(BundleCorrupt, match=r"labels\.json"):
        Decider.from_bundle(Path("labels.json"), content(**changes))
