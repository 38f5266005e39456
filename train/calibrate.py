"""Stage calibrate: temperature and abstention thresholds, with a finite-sample bound on the error among answers.

Validation merchants are cut in two by merchant. On half A the temperature is
fitted and, for each target rate on a grid, per-category thresholds whose error
on A stays under the rate. On half B these rules are tested from the strictest
to the laxest (fixed-sequence testing, the simplest case of Learn-then-Test,
Angelopoulos et al. 2021, arXiv 2110.01052) with the exact binomial upper bound
(Clopper and Pearson 1934); the last rule that passes before the first failure
is taken. So with 95 % confidence the error among answered descriptions is at
most the mode's bound, for descriptions drawn like those of half B. Where no
rule passes, the mode abstains and says so.

An MCC counts as right when it is the row's MCC or of the same confusable family
(`data/labels.csv`): acquirers themselves disagree inside families.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.decision import Decider
from merchant_classifier.prediction import Mode
from train import assemble, runs
from train import config as configs
from train import labels as label_sets
from train.augment import disguise
from train.config import Config
from train.labels import LabelRow

BOUNDS = {Mode.PRECISE: 0.02, Mode.BALANCED: 0.05}
CONFIDENCE = 0.95
_RATES = np.geomspace(0.001, 0.25, 40)
_PRIOR_ROWS = 30.0
"""Rows' worth of the error that the confidences themselves predict, added to what is seen: few rows prove little."""
_DISGUISES_PER_ROW = 2
_TRUSTED_WEIGHT = 0.65
"""Rows of sources weighed less have labels too doubtful to certify anything with."""
_TERMS = frozenset({"id-tagging-schema", "iso18245"})
_CERTIFIABLE_TIMES = 4
"""Testing starts at the first rule that answers so many times the rows that would do without any error."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Scored validation rows.

    Attributes:
        logits: float32 (rows, labels).
        targets: class of each row.
        half: 0 for A, 1 for B.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    half: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """One level's best answer for each row: its confidence, its category, and whether it is right."""

    confidence: NDArray[np.float64]
    category: NDArray[np.int64]
    right: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> Answers:
        """The chosen rows only."""
        return Answers(self.confidence[chosen], self.category[chosen], self.right[chosen])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Calibrate the exported bundle; writes its `labels.json` and `calibration.json`."""
    config = configs.load(args.config)
    folder = config.build / runs.BUNDLE
    all_labels = runs.read_table(config.build / runs.SPLIT, ["label"])["label"].to_pylist()
    labels = label_sets.read(config.data.labels, all_labels)
    content = assemble.labels_content(labels, 1.0, open_thresholds(labels))
    assemble.write_unfinished(folder, config, content)
    rows = score(config, MerchantClassifier.load(folder), [row.name for row in labels])
    temperature = fit_temperature(rows.logits[rows.half == 0], rows.targets[rows.half == 0])
    thresholds, report = choose_thresholds(rows, labels, temperature)
    assemble.write_unfinished(folder, config, assemble.labels_content(labels, temperature, thresholds))
    runs.write_json(
        config.build / "calibration.json", {"temperature": temperature, "rows": len(rows.targets), **report}
    )
    for mode, levels in report["modes"].items():
        for level, facts in levels.items():
            print(f"calibrate: {mode} {level}: answers {facts['coverage']:.1%}, error <= {facts['upper_bound']:.1%}")
    return 0


def score(config: Config, classifier: MerchantClassifier, names: list[str]) -> Rows:
    """Logits of validation rows: real descriptors as they are, plain names disguised as statement lines."""
    table = runs.read_table(config.build / runs.SPLIT)
    rng = random.Random(config.seed)
    texts: list[str] = []
    row_labels: list[str] = []
    halves: list[int] = []
    for row in table.select(["text", "label", "source", "weight", "country", "key", "part", "words"]).to_pylist():
        if row["part"] not in ("validation", "later") or not row["words"] or not _is_evidence(row):
            continue
        real = row["part"] == "later"
        for _ in range(1 if real else _DISGUISES_PER_ROW):
            texts.append(row["text"] if real else disguise(row["text"], row["country"], rng))
            row_labels.append(row["label"])
            halves.append(crc32(f"half {row['key']}".encode()) % 2)
    return Rows(classifier.logits(texts), runs.label_index(names, row_labels), np.array(halves))


def _is_evidence(row: dict[str, Any]) -> bool:
    """Doubtful labels would count right answers as errors, and words for a kind of place are no descriptors."""
    return row["weight"] >= _TRUSTED_WEIGHT and row["source"] not in _TERMS


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The divisor of the logits that makes the targets most likely."""
    if len(targets) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(scaled).sum(axis=1))
        return float((log_sum - scaled[np.arange(len(targets)), targets]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def choose_thresholds(
    rows: Rows, labels: Sequence[LabelRow], temperature: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Thresholds for `labels.json`, and what was certified about them."""
    decider = Decider([row.label for row in labels], temperature, open_thresholds(labels))
    levels = {"label": label_answers(rows, labels, decider), "category": category_answers(rows, decider)}
    thresholds: dict[str, Any] = open_thresholds(labels)
    modes: dict[str, Any] = {}
    for mode, bound in BOUNDS.items():
        modes[mode.value] = {}
        for level, answers in levels.items():
            chosen, facts = certify(answers, rows.half, len(decider.categories), bound)
            thresholds[mode.value][level] = {
                name: None if np.isinf(value) else round(float(value), 6)
                for name, value in zip(decider.categories, chosen, strict=True)
            }
            modes[mode.value][level] = {**facts, "bound": bound, "confidence": CONFIDENCE}
            modes[mode.value][level]["categories"] = dict(zip(decider.categories, facts["categories"], strict=True))
    return thresholds, {"modes": modes}


def open_thresholds(labels: Sequence[LabelRow]) -> dict[str, dict[str, dict[str, float]]]:
    """Thresholds that let everything through, for every mode."""
    zero = {row.label.category: 0.0 for row in labels}
    return {mode.value: {"label": dict(zero), "category": dict(zero)} for mode in Mode}


def label_answers(rows: Rows, labels: Sequence[LabelRow], decider: Decider) -> Answers:
    """Best label of each row; right when it is of the row's family."""
    probabilities = decider.probabilities(rows.logits)
    best = probabilities.argmax(axis=1)
    families = np.unique([row.family for row in labels], return_inverse=True)[1]
    category = np.array([decider.categories.index(row.label.category) for row in labels])
    return Answers(probabilities.max(axis=1), category[best], families[best] == families[rows.targets])


def category_answers(rows: Rows, decider: Decider) -> Answers:
    """Best category of each row; right when it is the row's."""
    by_category = decider.category_probabilities(decider.probabilities(rows.logits))
    category = np.array([decider.categories.index(label.category) for label in decider.labels])
    best = by_category.argmax(axis=1)
    return Answers(by_category.max(axis=1), best, best == category[rows.targets])


def certify(
    answers: Answers, half: NDArray[np.int64], categories: int, bound: float
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Thresholds by category and their facts on half B."""
    fitted, tested = answers.where(half == 0), answers.where(half == 1)
    passed = np.full(categories, np.inf)
    # A rule that answers too few rows cannot pass whatever they are; counting them looks at no label.
    fewest = _CERTIFIABLE_TIMES * np.log(1 - CONFIDENCE) / np.log(1 - bound)
    for rate in _RATES:
        thresholds = thresholds_at(fitted, categories, float(rate))
        answered = tested.confidence >= thresholds[tested.category]
        if answered.sum() < fewest:
            continue
        if upper_bound(int((~tested.right[answered]).sum()), int(answered.sum())) > bound:
            break
        passed = thresholds
    return passed, _facts(tested, passed, categories)


def thresholds_at(answers: Answers, categories: int, rate: float) -> NDArray[np.float64]:
    """For each category the lowest confidence above which its expected error stays under `rate`."""
    thresholds = np.full(categories, np.inf)
    for category in range(categories):
        own = answers.category == category
        if own.any():
            thresholds[category] = _lowest(answers.confidence[own], ~answers.right[own], rate)
    # A category that no validation row was put into is as strict as the strictest other.
    unknown = np.bincount(answers.category, minlength=categories) == 0
    thresholds[unknown] = thresholds[~unknown].max()
    return thresholds


def _lowest(confidence: NDArray[np.float64], wrong: NDArray[np.bool_], rate: float) -> float:
    """Lowest confidence from which up errors seen, and errors the confidence itself predicts, stay under `rate`."""
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    predicted = (1 - confidence[order]).cumsum() / answered
    error = (wrong[order].cumsum() + _PRIOR_ROWS * predicted) / (answered + _PRIOR_ROWS)
    fine = np.flatnonzero(error <= rate)
    return float(confidence[order[fine[-1]]]) if len(fine) else float("inf")


def upper_bound(errors: int, answered: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson one-sided upper bound of an error rate."""
    if answered in (0, errors):
        return 1.0
    return float(beta.ppf(confidence, errors + 1, answered - errors))


def _facts(tested: Answers, thresholds: NDArray[np.float64], categories: int) -> dict[str, Any]:
    answered = tested.confidence >= thresholds[tested.category]

    def of(chosen: NDArray[np.bool_]) -> dict[str, Any]:
        errors, count, rows = (
            int((~tested.right[chosen & answered]).sum()),
            int((chosen & answered).sum()),
            int(chosen.sum()),
        )
        return {"rows": rows, "answered": count, "errors": errors, "upper_bound": upper_bound(errors, count)}

    total = of(np.ones(len(answered), np.bool_))
    total["coverage"] = total["answered"] / max(1, total["rows"])
    total["categories"] = [of(tested.category == category) for category in range(categories)]
    return total
