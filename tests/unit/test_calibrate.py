"""The certified error bound holds on fresh rows, not only on those it was chosen with."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("scipy")

from merchant_classifier.decision import calibrated
from train import runs
from train.calibrate import Answers, certify, fit_temperature, seen_rows, thresholds_at, upper_bound
from train.config import Config

CATEGORIES = 6


def draw(rows: int, generator: np.random.Generator, hardness: float = 1.0) -> Answers:
    """Answers whose chance of being right is their confidence to the power of `hardness`: over-confident above 1."""
    category = generator.integers(0, CATEGORIES, rows)
    confidence = generator.beta(3, 1 + category * 0.3, rows)
    return Answers(confidence, category, generator.random(rows) < confidence**hardness)


@pytest.mark.parametrize("hardness", [1.0, 2.0])
def test_the_bound_holds_in_at_least_95_of_100_calibrations(hardness: float) -> None:
    generator = np.random.default_rng(7)
    broken = 0
    for _ in range(100):
        answers = draw(3000, generator, hardness)
        thresholds, facts = certify(answers, generator.integers(0, 2, 3000), CATEGORIES, 0.05)
        fresh = draw(40_000, generator, hardness)
        answered = fresh.confidence >= thresholds[fresh.category]
        if answered.any():
            broken += bool((~fresh.right[answered]).mean() > 0.05)
            assert facts["upper_bound"] <= 0.05
    assert broken <= 10  # 5 are allowed on average; 10 or fewer has a chance of 99 % then


def test_it_answers_a_fair_share_where_that_is_possible() -> None:
    generator = np.random.default_rng(1)
    answers = draw(24_000, generator, hardness=0.3)
    _, facts = certify(answers, generator.integers(0, 2, 24_000), CATEGORIES, 0.05)
    assert facts["coverage"] > 0.15  # with the true chances known it could be 0.40


def test_where_no_rule_passes_nothing_is_answered() -> None:
    generator = np.random.default_rng(1)
    answers = draw(2000, generator)
    hopeless = Answers(answers.confidence, answers.category, np.zeros(2000, np.bool_))
    thresholds, facts = certify(hopeless, generator.integers(0, 2, 2000), CATEGORIES, 0.05)
    assert np.isinf(thresholds).all()
    assert facts["answered"] == 0


@pytest.mark.parametrize(("errors", "answered", "expected"), [(0, 59, 0.0495), (1, 93, 0.0500), (5, 100, 0.1023)])
def test_the_upper_bound_is_clopper_and_pearson(errors: int, answered: int, expected: float) -> None:
    assert upper_bound(errors, answered) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("temperature", "slope"), [(3.0, 0.0), (1.0, 0.15), (0.7, -0.1)])
def test_a_known_scaling_is_found(temperature: float, slope: float) -> None:
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 2 * temperature, (20_000, 5)).astype(np.float32)
    chances = calibrated(logits, temperature, slope)
    targets = (chances.cumsum(axis=1) > generator.random((20_000, 1))).argmax(axis=1)
    found = fit_temperature(logits, targets)
    assert found[0] == pytest.approx(temperature, rel=0.05)
    assert found[1] == pytest.approx(slope, abs=0.04)
    assert fit_temperature(logits[:0], targets[:0]) == (1.0, 0.0)


def test_without_rows_no_threshold_answers() -> None:
    nothing = Answers(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    assert np.isinf(thresholds_at(nothing, 3, 0.05)).all()


@pytest.mark.parametrize(("asked", "expected"), [(4, {"frequent": 2, "seen": 2}), (20, {"frequent": 3, "seen": 6})])
def test_half_of_the_trained_merchants_are_frequent_ones(
    asked: int, expected: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = ["curated-frequent"] * 3 + ["curated-real"] * 6
    columns = {"text": [f"Shop {place}" for place in range(9)], "label": ["5999"] * 9, "source": sources}
    columns |= {"country": [""] * 9, "key": columns["text"], "part": ["train"] * 9, "words": columns["text"]}
    config = Config("toy")
    monkeypatch.chdir(tmp_path)
    config.build.mkdir(parents=True)
    pq.write_table(pa.table(columns | {"weight": [1.0] * 9}), config.build / runs.SPLIT)
    found = Counter(row.population for row in seen_rows(config, random.Random(1), asked))
    assert found == expected
