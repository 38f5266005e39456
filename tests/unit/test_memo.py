"""The memo answers repeats, counts them, and never holds more than its bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.memo import Key, Memo, MemoStatistics
from merchant_classifier.text import MAX_CHARACTERS


def length(keys: list[Key]) -> list[int]:
    return [len(text) for _, text in keys]


def test_values_come_in_the_order_of_their_keys() -> None:
    memo: Memo[int] = Memo(10)
    memo.through([("m", "aa")], length)
    assert memo.through([("m", "b"), ("m", "aa"), ("m", "ccc")], length) == [1, 2, 3]


def test_a_known_key_is_not_computed_again() -> None:
    memo: Memo[int] = Memo(10)
    asked: list[Key] = []

    def compute(keys: list[Key]) -> list[int]:
        asked.extend(keys)
        return length(keys)

    for _ in range(3):
        memo.through([("m", "a"), ("n", "a")], compute)
    assert asked == [("m", "a"), ("n", "a")]
    assert memo.statistics() == MemoStatistics(hits=4, misses=2, size=2, bound=10)
    assert memo.statistics().hit_rate == pytest.approx(4 / 6)


def test_the_least_recently_used_makes_room() -> None:
    memo: Memo[int] = Memo(2)
    for text in ("a", "b", "a", "c"):
        memo.through([("m", text)], length)
    hits = memo.statistics().hits
    memo.through([("m", "a")], length)
    assert memo.statistics().hits == hits + 1
    memo.through([("m", "b")], length)
    assert memo.statistics().hits == hits + 1


def test_many_threads_never_push_it_over_its_bound() -> None:
    memo: Memo[int] = Memo(50)

    def work(number: int) -> int:
        memo.through([("m", f"{number * 7 % 300}")], length)
        return memo.statistics().size

    with ThreadPoolExecutor(16) as pool:
        assert max(pool.map(work, range(5000))) <= 50


def test_a_memo_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Memo(0)


def test_there_is_none_by_default(tiny: MerchantClassifier) -> None:
    assert tiny.memo_statistics is None


def test_a_classifier_answers_the_same_with_and_without(tiny: MerchantClassifier, tiny_path: Path) -> None:
    remembering = MerchantClassifier.load(tiny_path, memo=3)
    texts = ["coffee", "hotel", "", "coffee", "SQ *TAXI", "x" * 5000, "hotel", "qwertz"]
    for mode in ("precise", "best_guess", "precise"):
        assert remembering.predict_many(texts, mode=mode) == tiny.predict_many(texts, mode=mode)
        assert [remembering.predict(text, mode=mode) for text in texts] == tiny.predict_many(texts, mode=mode)
    statistics = remembering.memo_statistics
    assert statistics
    assert statistics.size <= statistics.bound == 3
    assert statistics.hits > 0


def test_of_a_long_text_only_what_is_read_is_kept(tiny_path: Path) -> None:
    remembering = MerchantClassifier.load(tiny_path, memo=3)
    remembering.predict("coffee " * 100_000)
    remembering.predict(("coffee " * 100_000)[:MAX_CHARACTERS] + "something else")
    assert remembering.memo_statistics == MemoStatistics(hits=1, misses=1, size=1, bound=3)


def test_what_is_no_string_stays_a_type_error(tiny_path: Path) -> None:
    remembering = MerchantClassifier.load(tiny_path, memo=3)
    for wrong in (None, 7, b"coffee", ["coffee"]):
        with pytest.raises(TypeError):
            remembering.predict(wrong)  # type: ignore[arg-type]
