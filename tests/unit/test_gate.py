"""The gate lets an equal or better model through and refuses each kind of worse one, for the right reason."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from merchant_classifier.errors import InputError
from tests import tiny_run
from tests.synthetic import CODES, TAXONOMY, Synthetic, rows, share
from train import checks, compare, gate, leaks, limits, timing
from train.checks import Check
from train.gate import Measured
from train.judged import Frozen, judge
from train.leaks import Training
from train.trained import Trained

LIMITS = limits.load()
ROWS = rows()


def measured(model: Synthetic, frozen: Frozen = ROWS, *, invariance: float = 0.98, size: int = 10_000_000) -> Measured:
    latency = timing.summary(timing.in_turns([model], frozen.texts[:30])[0])
    stress = {"issuer formats": {"rows": 100, "value": invariance}}
    return Measured(judge(model, frozen, TAXONOMY), latency, stress, size)


def judged(challenger: Measured, champion: Measured | None, frozen: Frozen = ROWS) -> list[Check]:
    return gate.judge_models(frozen, TAXONOMY, challenger, champion, LIMITS)


def refused(found: list[Check]) -> set[str]:
    return {check.name for check in found if not check.passed}


@pytest.fixture(scope="module")
def champion() -> Measured:
    return measured(Synthetic.on(ROWS, accuracy=lambda _: 0.7))


def test_the_same_model_again_is_accepted(champion: Measured) -> None:
    assert refused(judged(champion, champion)) == set()


def test_a_better_model_is_accepted(champion: Measured) -> None:
    assert refused(judged(measured(Synthetic.on(ROWS, accuracy=lambda _: 0.78)), champion)) == set()


def test_a_first_model_is_judged_by_the_absolute_limits() -> None:
    assert refused(judged(measured(Synthetic.on(ROWS)), None)) == set()


def test_a_worse_model_is_refused(champion: Measured) -> None:
    assert {"overall", "every set"} <= refused(judged(measured(Synthetic.on(ROWS, accuracy=lambda _: 0.6)), champion))


def test_one_broken_category_is_refused_though_the_whole_got_better(champion: Measured) -> None:
    broken = Synthetic.on(ROWS, accuracy=lambda label: 0.02 if TAXONOMY.category[label] == "pets" else 0.9)
    found = judged(measured(broken), champion)
    assert "overall" not in refused(found)
    assert {"every category", "category floor"} <= refused(found)
    assert "pets" in next(check.text for check in found if check.name == "every category")


def test_a_miscalibrated_model_is_refused_for_that_alone(champion: Measured) -> None:
    boastful = Synthetic.on(ROWS, confidence=lambda chance: 0.5 + chance / 2)
    assert {"calibration"} <= refused(judged(measured(boastful), champion)) <= {"calibration", "answered error"}


def test_a_kind_with_few_answers_stands_aside_where_there_are_others() -> None:
    sets = np.array(["unseen curated-real"] * 40 + ["unseen hand-written"])
    frozen = replace(ROWS, sets=sets)
    wrong = np.array([True] * 4 + [False] * 36 + [True])
    assert checks._over_kinds(frozen, wrong, fewest=30) == pytest.approx(0.1)
    assert checks._over_kinds(frozen, wrong) == pytest.approx((0.1 + 1) / 2)
    assert checks._over_kinds(replace(ROWS, sets=sets[-1:]), wrong[-1:], fewest=30) == 1.0


def test_a_slower_model_is_refused_for_that_alone(champion: Measured) -> None:
    slow, quick = Synthetic.on(ROWS, delay=0.004), Synthetic.on(ROWS, delay=0.001)
    times = timing.in_turns([slow, quick], ROWS.texts[:60])
    pair = [replace(champion, latency=timing.summary(taken)) for taken in times]
    assert refused(judged(pair[0], pair[1])) == {"latency", "not slower"}


def test_a_model_trained_on_shuffled_labels_is_refused_even_as_the_first() -> None:
    shuffled = {text: CODES[int(share(text, "shuffle") * len(CODES))] for text in ROWS.texts}
    assert "has learnt" in refused(judged(measured(Synthetic(shuffled)), None))


def test_a_model_that_hardly_answers_is_refused(champion: Measured) -> None:
    timid = Synthetic.on(ROWS, confidence=lambda chance: chance * 0.7)
    assert "abstention" in refused(judged(measured(timid), champion))


def test_a_large_or_a_fickle_model_is_refused(champion: Measured) -> None:
    assert refused(judged(replace(champion, size_bytes=16_000_000), champion)) == {"size"}
    fickle = replace(champion, stress={"issuer formats": {"value": 0.93}})
    assert refused(judged(fickle, champion)) == {"invariance"}


def test_as_good_but_right_elsewhere_breaks_the_flip_budget(champion: Measured) -> None:
    other = measured(Synthetic.on(ROWS, salt="other"))
    assert "flips" in refused(judged(other, champion))


def test_flips_weigh_by_volume() -> None:
    names = [
        f"{first}{second} BAKERY" for first in ("ZOR", "MIR", "TOL", "DUN") for second in ("VEX", "GRI", "LOM", "BAS")
    ]
    frozen = Frozen.of({"set": "real", "text": name, "label": CODES[0], "merchant": name} for name in names)
    frozen = frozen.weighted(["Zorvex  bakery"] * 50 + ["NOBODY KNOWS THIS"])
    assert frozen.volume.tolist() == [50.0] + [1.0] * 15
    old = judge(Synthetic.on(frozen, accuracy=lambda _: 1.0), frozen, TAXONOMY)
    for broken, weight in ((0, 50 / 65), (1, 1 / 65)):
        new = replace(old, right=np.arange(len(names)) != broken)
        flips = compare.flips(frozen, old, new)
        assert flips["broken"] == 1
        assert flips["broken_share"] == pytest.approx(weight, abs=1e-4)
        assert checks.few_flips(flips, LIMITS).passed == (weight < LIMITS.flip_budget)


def test_leaked_rows_are_refused() -> None:
    def refused_after(training: Training, frozen: Frozen = ROWS) -> set[str]:
        return refused(list(checks.honest(leaks.find(frozen, training), LIMITS)))

    nothing: frozenset[str] = frozenset()
    assert refused_after(Training(nothing, nothing, nothing)) == set()
    assert refused_after(Training(frozenset({ROWS.merchants[0]}), nothing, nothing)) == {"unseen merchants"}
    words = frozenset(f"merchant {number // 2} shop {number}" for number in range(100))
    assert refused_after(Training(nothing, words, nothing)) == {"unseen lines"}
    golden = rows(200, "golden")
    assert refused_after(Training(nothing, words, nothing), golden) == set(), "known brands may stand there"
    assert refused_after(Training(nothing, nothing, frozenset(golden.texts)), golden) == {"unseen lines"}


def test_merchants_that_training_went_on_from_are_leaks_and_a_champion_is_not_asked_about_its_own() -> None:
    before = Trained.of([(ROWS.merchants[0], "")])
    empty = Training(frozenset(), frozenset(), frozenset())
    assert refused(list(checks.honest(leaks.find(ROWS, empty, before), LIMITS))) == {"unseen merchants"}
    asked = ROWS.where(~leaks.trained_before(ROWS, before))
    assert ROWS.merchants[0] not in asked.merchants
    assert len(asked.texts) == len(asked.accepted) == len(asked.sets) > 0.8 * len(ROWS.texts)
    assert leaks.find(asked, empty, before).merchants == 0
    golden = rows(50, "golden")
    assert not leaks.trained_before(golden, Trained.of([(merchant, "") for merchant in golden.merchants])).any()


def test_equal_models_are_rarely_refused_by_chance() -> None:
    """Champion and challenger right on independent draws of the same accuracy: the paired tests alone."""
    few = rows(600)
    wrongly = 0
    for number in range(12):
        one, other = (judge(Synthetic.on(few, salt=f"{side}{number}"), few, TAXONOMY) for side in "ab")
        groups = compare.by_group(few, one, other, checks.category_of_rows(few, TAXONOMY), 30)
        wrongly += any(found.high < 0 for found in groups.values())
    assert wrongly <= 2


def test_a_limit_that_is_missing_or_unknown_is_an_error(tmp_path: Path) -> None:
    text = limits.FILE.read_text("utf-8")
    (tmp_path / "few.toml").write_text(text.replace("size_mb", "size_gb"))
    with pytest.raises(InputError, match="size_gb"):
        limits.load(tmp_path / "few.toml")


def test_leaked_rows_of_a_real_run_end_with_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gate, "stressed", lambda *_: {})
    build = tiny_run.evaluated(tmp_path)
    args = argparse.Namespace(
        config=tiny_run.CONFIG, models=tmp_path / "models", champion=build / "bundle", limits=limits.FILE, volumes=None
    )
    honest = gate.run(args)
    before = json.loads((build / "gate.json").read_text())
    tiny_run.write_split(build, [row | {"part": "train"} for row in tiny_run.rows()])
    assert gate.run(args) == 1
    after = json.loads((build / "gate.json").read_text())
    assert honest == (0 if before["accepted"] else 1)
    assert not any("unseen" in reason for reason in before["reasons"])
    assert any(reason.startswith("unseen merchants") for reason in after["reasons"])
    assert "REFUSE unseen merchants" in capsys.readouterr().out
