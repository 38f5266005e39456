"""A budget is refused when the running estimate is above it, and a passing slowness does not refuse for long."""

from __future__ import annotations

import pytest

from merchant_classifier import DeadlineExceeded, MerchantClassifier
from merchant_classifier.pace import STALE_AFTER, Pace


def steady(milliseconds: float, calls: int = 40) -> tuple[Pace, float]:
    """A pace that saw calls of this length, one after the other, and the time after them."""
    pace, now = Pace(12), 0.0
    for _ in range(calls):
        pace.observe(3, now, now + milliseconds / 1000)
        now += milliseconds / 1000
    return pace, now


def test_nothing_known_refuses_nothing() -> None:
    Pace(12).check(3, now=0.0, deadline=1e-9)


def test_a_steady_time_is_estimated_closely() -> None:
    pace, now = steady(1.0)
    assert pace.estimate(3, now) == pytest.approx(0.001, rel=0.05)


def test_a_budget_above_passes_and_one_below_is_refused() -> None:
    pace, now = steady(1.0)
    pace.check(3, now, now + 0.0012)
    with pytest.raises(DeadlineExceeded, match=r"estimated at 1\.0\d ms, 0\.50 ms are left"):
        pace.check(3, now, now + 0.0005)


def test_a_deadline_that_has_passed_is_refused_even_when_nothing_is_known() -> None:
    with pytest.raises(DeadlineExceeded):
        Pace(12).check(3, now=5.0, deadline=4.0)


def test_each_length_has_an_estimate_of_its_own() -> None:
    pace, now = steady(1.0)
    pace.check(4, now, now + 0.0001)


def test_varying_times_are_estimated_above_their_mean() -> None:
    pace, now = Pace(12), 0.0
    for number in range(60):
        seconds = 0.001 + 0.002 * (number % 2)
        pace.observe(3, now, now + seconds)
        now += seconds
    assert 0.003 < pace.estimate(3, now) < 0.008


def test_after_one_slow_call_it_refuses_only_until_the_estimate_is_stale() -> None:
    pace, now = steady(1.0)
    pace.observe(3, now, now + 0.1)
    now += 0.1
    with pytest.raises(DeadlineExceeded):
        pace.check(3, now, now + 0.005)
    later = now + STALE_AFTER * 1.01
    pace.check(3, later, later + 0.005)
    pace.observe(3, later, later + 0.001)
    pace.check(3, later, later + 0.005)


def test_predict_answers_within_a_generous_budget_and_refuses_an_impossible_one(tiny: MerchantClassifier) -> None:
    assert tiny.predict("blue coffee", budget_ms=10_000) == tiny.predict("blue coffee")
    with pytest.raises(DeadlineExceeded):
        tiny.predict("blue coffee", budget_ms=0.001)
    with pytest.raises(DeadlineExceeded):
        tiny.predict("blue coffee", budget_ms=-1)


def test_what_the_memo_knows_is_answered_whatever_the_budget(tiny_path: str) -> None:
    remembering = MerchantClassifier.load(tiny_path, memo=2)
    answer = remembering.predict("coffee")
    assert remembering.predict("coffee", budget_ms=0) == answer
