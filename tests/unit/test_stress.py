"""The stress suite measures what it says: a model that changes its mind is seen, and benign answers count as flips."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.prediction import Candidate, Mode, Prediction, Reason
from train import stress
from train.judged import Taxonomy, taxonomy_of

TAXONOMY = Taxonomy({"5411": "groceries", "7995": "gambling"}, {}, own=False)


class Rule:
    """Answers by a rule on the text."""

    version = identity = "rule"

    def __init__(self, rule: Callable[[str], str | None]) -> None:
        self._rule = rule

    def predict_many(self, descriptions: Iterable[str], *, mode: Mode | str | None = None) -> list[Prediction]:
        del mode
        return [self._answer(self._rule(text)) for text in descriptions]

    def _answer(self, mcc: str | None) -> Prediction:
        candidates = (Candidate(mcc or "5411", mcc or "5411", 0.9),)
        return Prediction(mcc, mcc, None, 0.9, Reason.CONFIDENT, None, mcc, candidates, "", None, "model", self.version)


def test_a_steady_model_holds_everything() -> None:
    rates = stress.measure(Rule(lambda _: "7995"), TAXONOMY)
    held = {name for name, rate in rates.items() if rate["value"] == 1.0}
    assert {"issuer formats", "brands alike in all formats", *stress.CHANGES, "facilitator prefix"} <= held


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("issuer formats", lambda text: "7995" if "KARTENZAHLUNG" in text else "5411"),
        ("store number", lambda text: "7995" if "#04471" in text else "5411"),
        ("zero-width space", lambda text: "7995" if "\u200b" in text else "5411"),
        ("look-alike letters", lambda text: "7995" if "а" in text or "А" in text else "5411"),
        ("facilitator prefix", lambda text: "7995" if text.startswith("TST* ") else "5411"),
        ("cut at 18", lambda text: "7995" if len(text) == 18 else "5411"),
    ],
)
def test_a_model_that_falls_for_one_change_is_seen_there(name: str, rule: Callable[[str], str]) -> None:
    assert stress.measure(Rule(rule), TAXONOMY)[name]["value"] < 0.95


def test_a_benign_answer_to_a_risky_merchant_is_a_flip_and_an_abstention_is_none() -> None:
    for answer, rate in (("5411", 0.0), (None, 1.0)):
        found = stress.measure(Rule(lambda _, answer=answer: answer), TAXONOMY)  # type: ignore[misc]
        assert found["benign words added"]["value"] == rate
        assert found["spoofed prefix"]["value"] == rate


def test_every_change_leaves_some_text() -> None:
    for change in stress.CHANGES.values():
        assert change("Blue Café").strip()


def test_a_real_model_has_a_rate_for_everything(tiny: MerchantClassifier) -> None:
    rates = stress.measure(tiny, taxonomy_of(tiny))
    assert len(rates) == len(stress.CHANGES) + 5
    for rate in rates.values():
        assert rate["rows"] > 10
        assert 0 <= rate["low"] <= rate["value"] <= rate["high"] <= 1
