"""A row's answer is bit for bit the same alone, in any batch, in any order, with any number of threads.

Live requests and monthly files must agree, so this is a contract and not a
tolerance: logits and representations are compared as bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from merchant_classifier import MerchantClassifier

WORDS = (
    "coffee cafe hotel inn pharmacy apotheke taxi uber books pizza sushi market store north river blue oak st louis"
    " corner royal express kiosk trading services 24 7 müller ñandú кафе 寿司 スーパー o'brien a&b the of de la"
).split()
WRAPPINGS = ("{}", "SQ *{}", "TST* {}", "POS DEBIT 08/14 {} SEATTLE WA", "{} #1234 LONDON GB", "PAYPAL *{}", "{} 4471")
ROWS = 600

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]


def descriptions(count: int, seed: int = 7) -> list[str]:
    """Distinct descriptions of one to fourteen words, a few without any text."""
    rng = random.Random(seed)
    found: dict[str, None] = dict.fromkeys(["", "   ", "***", "coffee", "x" * 300, "4471 0000 1234"])
    while len(found) < count:
        words = " ".join(
            rng.choice(WORDS) + rng.choice(("", "", "", str(len(found)))) for _ in range(rng.randint(1, 14))
        )
        found[rng.choice(WRAPPINGS).format(words.upper())] = None
    return list(found)


def outputs(classifier: MerchantClassifier, batches: Iterator[list[str]] | list[list[str]]) -> Outputs:
    parts = [(classifier.logits(batch), classifier.represent(batch)) for batch in batches]
    return np.concatenate([logits for logits, _ in parts]), np.concatenate([vectors for _, vectors in parts])


def assert_identical(got: Outputs, expected: Outputs) -> None:
    for name, left, right in zip(("logits", "representation"), got, expected, strict=True):
        differing = np.flatnonzero((left.view(np.int32) != right.view(np.int32)).any(axis=1))
        assert differing.size == 0, f"{name} of {differing.size} rows differ, first row {differing[:1]}"


def assert_batch_independent(model: Path, rows: list[str]) -> None:
    """The whole contract, for one model."""
    classifier = MerchantClassifier.load(model)
    alone = outputs(classifier, [[row] for row in rows])
    assert_identical(outputs(classifier, [rows]), alone)
    for size in (2, 3, 7, 64, 255, 256, 257):
        assert_identical(outputs(classifier, [rows[i : i + size] for i in range(0, len(rows), size)]), alone)
    for seed in (1, 2):
        order = np.random.default_rng(seed).permutation(len(rows))
        shuffled = outputs(classifier, [[rows[i] for i in order]])
        back = np.argsort(order)
        assert_identical((shuffled[0][back], shuffled[1][back]), alone)
    for threads in (1, 2):
        other = MerchantClassifier.load(model, threads=threads)
        assert_identical(outputs(other, [rows]), alone)
        assert_identical(outputs(other, [[row] for row in rows[:100]]), (alone[0][:100], alone[1][:100]))


def test_rows_have_many_lengths(tiny: MerchantClassifier) -> None:
    """The test would prove little about rows of one length."""
    rows = descriptions(ROWS)
    assert len(set(rows)) == ROWS
    assert len({len(row.split()) for row in rows}) >= 10
    assert (tiny.logits(rows) == 0).all(axis=1).sum() >= 3, "some rows must have no text"


def test_tiny_model_is_batch_independent(tiny_path: Path) -> None:
    assert_batch_independent(tiny_path, descriptions(ROWS))


def test_shipped_model_is_batch_independent(shipped_path: Path) -> None:
    assert_batch_independent(shipped_path, descriptions(300))


def test_an_outlier_in_the_batch_changes_nothing(tiny: MerchantClassifier) -> None:
    rows = descriptions(64)
    outlier = " ".join(["casino crypto hotel"] * 4)
    assert_identical(outputs(tiny, [[*rows, outlier]]), outputs(tiny, [rows, [outlier]]))


def test_whole_answers_are_equal_alone_and_in_a_batch(tiny: MerchantClassifier) -> None:
    rows = descriptions(300)
    assert tiny.predict_many(rows) == [tiny.predict(row) for row in rows]


def test_a_repeated_description_gets_the_same_answer_each_time(tiny: MerchantClassifier) -> None:
    rows = descriptions(50)
    answers = tiny.predict_many(rows + rows[::-1] + rows)
    assert answers[:50] == answers[100:]
    assert answers[50:100] == answers[:50][::-1]


@pytest.mark.parametrize("mode", ["precise", "balanced", "best_guess"])
def test_modes_share_the_numbers_and_differ_only_in_what_they_answer(tiny: MerchantClassifier, mode: str) -> None:
    rows = descriptions(100)
    default = tiny.predict_many(rows)
    answers = tiny.predict_many(rows, mode=mode)
    assert [answer.candidates for answer in answers] == [answer.candidates for answer in default]
