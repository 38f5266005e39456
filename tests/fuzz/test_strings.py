"""The fuzzer finds nothing in a few thousand strings, and would find something if there were something."""

from __future__ import annotations

from time import perf_counter

import pytest

from merchant_classifier import MerchantClassifier
from tests.fuzz import strings


def test_a_few_thousand_strings_break_no_rule(tiny: MerchantClassifier) -> None:
    findings = strings.shake(tiny, 3000, seconds=60)
    assert findings.broken == []
    assert findings.strings > 1000


def test_the_same_number_is_the_same_string_and_they_differ() -> None:
    drawn = [strings.string(number) for number in range(500)]
    assert drawn == [strings.string(number) for number in range(500)]
    assert len(set(drawn)) > 450


def test_strings_of_every_kind_are_drawn() -> None:
    drawn = [strings.string(number) for number in range(2000)]
    assert any(len(text) > 5000 for text in drawn)
    assert any(any("\ud800" <= char <= "\udfff" for char in text) for text in drawn)
    assert any("\0" in text for text in drawn)
    assert any(text.isascii() and "*" in text for text in drawn)


def test_a_planted_defect_is_found(tiny: MerchantClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = tiny.predict("coffee")

    def predict(text: str, **_: object) -> object:
        if "\0" in text:
            raise RuntimeError("a NUL")
        return answer

    monkeypatch.setattr(tiny, "predict", predict)
    findings = strings.shake(tiny, 500, seconds=60)
    assert findings.broken
    assert all("a NUL" in line for line in findings.broken)


@pytest.mark.parametrize(("waits", "broken"), [([0.03], 0), ([0.03] * 3, 1)], ids=["slow once", "slow always"])
def test_a_string_is_slow_when_it_is_slow_again(
    tiny: MerchantClassifier, monkeypatch: pytest.MonkeyPatch, waits: list[float], broken: int
) -> None:
    answer, left = tiny.predict("coffee"), list(waits)

    def predict(text: str, **_: object) -> object:
        end = perf_counter() + (left.pop() if left else 0.0)
        while perf_counter() < end:
            pass
        return answer

    monkeypatch.setattr(tiny, "predict", predict)
    monkeypatch.setattr(strings, "interruptions", lambda: 0)
    monkeypatch.setattr(strings, "complaint", lambda *_: None)
    findings = strings.shake(tiny, 1, seconds=60)
    assert len(findings.broken) == broken
    assert findings.hiccups == 1
