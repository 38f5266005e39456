"""Stage calibrate: temperature and abstention thresholds, with a finite-sample bound on the error among answers.

Three populations stand together for the traffic a model meets: merchants never
trained on, trained merchants in fresh disguises (as many, up to half of them
frequent merchants), and, where rows have years, the real descriptors of the year
after, old and new merchants as they came. They are cut in two by merchant. On
half A the temperature and its slope over the entropy are fitted and, for each target rate on a grid, per-category
thresholds whose expected error stays under the rate. On half B these rules are tested from strict to lax
(fixed-sequence testing with several starts, as in Learn-then-Test, Angelopoulos
et al. 2021, arXiv 2110.01052) with the exact binomial upper bound (Clopper and
Pearson 1934). So with 95 % confidence the error among answered descriptions is at
most the mode's bound, for descriptions drawn like those of half B. Where no
rule passes, the mode abstains and says so.

An MCC counts as right when it is the row's MCC or of the same confusable family
(`data/labels.csv`): acquirers themselves disagree inside families.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.decision import Decider, calibrated
from merchant_classifier.prediction import Mode
from merchant_classifier.risk import FLOOR
from merchant_classifier.text import normalize
from train import assemble, former, risk_words, runs
from train import config as configs
from train import labels as label_sets
from train.augment import disguise
from train.config import Config
from train.keys import base_keys
from train.labels import LabelRow
from train.sources.curated import FREQUENT

BOUNDS = {Mode.PRECISE: 0.02, Mode.BALANCED: 0.05}
CONFIDENCE = 0.95
_RATES = np.geomspace(0.001, 0.25, 160)
_PRIOR_ROWS = 300.0
"""Rows' worth of the error that the confidences themselves predict, added to what is seen: few rows prove little."""
_STARTS = 6
"""Sequences tested, each with its share of the allowed doubt: a noisy strictest rule does not end them all."""
_SCALES = ((-2.0, 2.0), (-0.3, 0.3))
_FIRST = ((0.0, 0.0), (0.3, 0.0), (0.0, 0.05))
"""Where the logarithm of the temperature and its slope are looked for, and the triangle that the search starts with."""
_MARGIN = 1e-3
"""Above the surest answer that must not be given."""
_LEAST = 1e-12
"""A probability in a logarithm."""
_TRUSTED_WEIGHT = 0.65
"""Rows of sources weighed less have labels too doubtful to certify anything with."""
_TERMS = frozenset({"id-tagging-schema", "iso18245"})
_CERTIFIABLE_TIMES = 4
"""Testing starts at the first rule that answers so many times the rows that would do without any error."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One description to calibrate with."""

    text: str
    label: str
    merchant: str
    population: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Scored rows.

    Attributes:
        logits: float32 (rows, labels).
        targets: class of each row.
        half: 0 for A, 1 for B.
        population: where each row was drawn from.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    half: NDArray[np.int64]
    population: NDArray[np.str_]


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
    risk = risk_words.of_split(config.build)
    content = assemble.labels_content(labels, 1.0, open_thresholds(labels), risk=risk)
    assemble.write_unfinished(folder, config, content)
    rows = score(config, MerchantClassifier.load(folder), [row.name for row in labels])
    # The mix that the bounds are about: a little too low on trained merchants, too high on the lines of the later year.
    fitted = rows.half == 0
    temperature, slope = fit_temperature(rows.logits[fitted], rows.targets[fitted])
    least = surest_beside_a_risky_word(temperature, slope, len(risk.labels))
    thresholds, report = choose_thresholds(rows, labels, temperature, slope, least)
    assemble.write_unfinished(folder, config, assemble.labels_content(labels, temperature, thresholds, slope, risk))
    scales = {"temperature": temperature, "temperature_slope": slope}
    runs.write_json(config.build / "calibration.json", {**scales, "rows": len(rows.targets), **report})
    for mode, levels in report["modes"].items():
        for level, facts in levels.items():
            print(f"calibrate: {mode} {level}: answers {facts['coverage']:.1%}, error <= {facts['upper_bound']:.1%}")
    return 0


def score(config: Config, classifier: MerchantClassifier, names: list[str]) -> Rows:
    """Logits of the three populations, whose sum stands for the traffic a model meets."""
    rng = random.Random(config.seed)
    drawn = [*unseen_rows(config, rng)]
    drawn += [*seen_rows(config, rng, len(drawn)), *later_rows(config, frozenset(names))]
    return Rows(
        classifier.logits([row.text for row in drawn]),
        runs.label_index(names, [row.label for row in drawn]),
        np.array([crc32(f"half {row.merchant}".encode()) % 2 for row in drawn]),
        np.array([row.population for row in drawn]),
    )


def unseen_rows(config: Config, rng: random.Random) -> Iterator[Drawn]:
    """Validation merchants, disguised: no merchant of theirs was trained on."""
    before = former.trained_before(config)
    for row in _trusted(config, "validation"):
        if before.has(row["key"], row["words"]):
            continue
        yield Drawn(disguise(row["text"], row["country"], rng, row["label"]), row["label"], row["key"], "unseen")


def seen_rows(config: Config, rng: random.Random, count: int) -> Iterator[Drawn]:
    """Trained merchants in fresh disguises.

    Frequent merchants, who make up most payments, are half of them: the traffic gets no rarer by writing down more
    rare merchants.
    """
    known = _trusted(config, "train")
    frequent = [row for row in known if row["source"] == FREQUENT]
    others = [row for row in known if row["source"] != FREQUENT]
    head = rng.sample(frequent, min(count // 2, len(frequent)))
    for row in head + rng.sample(others, min(count - len(head), len(others))):
        population = "frequent" if row["source"] == FREQUENT else "seen"
        yield Drawn(disguise(row["text"], row["country"], rng, row["label"]), row["label"], row["key"], population)


def later_rows(config: Config, names: frozenset[str]) -> Iterator[Drawn]:
    """Real descriptors of the year after the training rows, as they came, each line and label once.

    A label that no row of the split has is none of the model's.
    """
    if not config.data.time_split_year:
        return
    texts: dict[tuple[str, str], str] = {}
    for row in runs.read_table(config.build / runs.ROWS, ["text", "label", "year"]).to_pylist():
        asked = row["year"] == config.data.time_split_year and row["label"] in names
        words = normalize(row["text"]).text if asked else ""
        if words:
            texts.setdefault((words, row["label"]), row["text"])
    merchants = base_keys([words for words, _ in texts], [""] * len(texts))
    for ((_, label), text), merchant in zip(texts.items(), merchants, strict=True):
        yield Drawn(text, label, merchant, "later year")


def _trusted(config: Config, part: str) -> list[dict[str, Any]]:
    """Doubtful labels would count right answers as errors, and words for a kind of place are no descriptors."""
    columns = ["text", "label", "source", "weight", "country", "key", "words"]
    return [
        row
        for row in runs.read_part(config.build, part, columns).to_pylist()
        if row["words"] and row["weight"] >= _TRUSTED_WEIGHT and row["source"] not in _TERMS
    ]


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> tuple[float, float]:
    """The temperature, and its slope over the entropy (`Decider`), that make the targets most likely."""
    if len(targets) == 0:
        return 1.0, 0.0
    places = np.arange(len(targets))

    def loss(found: NDArray[np.float64]) -> float:
        probabilities = calibrated(logits, float(np.exp(found[0])), float(found[1]))[places, targets]
        return -float(np.log(np.maximum(probabilities, _LEAST)).mean())

    log_temperature, slope = minimize(
        loss, _FIRST[0], method="Nelder-Mead", bounds=_SCALES, options={"initial_simplex": _FIRST}
    ).x
    return float(np.exp(log_temperature)), float(slope)


def choose_thresholds(
    rows: Rows, labels: Sequence[LabelRow], temperature: float, slope: float, least: float = 0.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Thresholds for `labels.json`, none below `least`, and what was certified about them."""
    decider = Decider([row.label for row in labels], temperature, open_thresholds(labels), slope)
    levels = {"label": label_answers(rows, labels, decider), "category": category_answers(rows, decider)}
    thresholds: dict[str, Any] = open_thresholds(labels)
    modes: dict[str, Any] = {}
    for mode, bound in BOUNDS.items():
        modes[mode.value] = {}
        for level, answers in levels.items():
            chosen, facts = certify(answers, rows.half, len(decider.categories), bound, least)
            facts["populations"] = by_population(answers, rows, chosen)
            thresholds[mode.value][level] = {
                name: None if np.isinf(value) else round(float(value), 6)
                for name, value in zip(decider.categories, chosen, strict=True)
            }
            modes[mode.value][level] = {**facts, "bound": bound, "confidence": CONFIDENCE}
            modes[mode.value][level]["categories"] = dict(zip(decider.categories, facts["categories"], strict=True))
    return thresholds, {"modes": modes}


def surest_beside_a_risky_word(temperature: float, slope: float, risky: int) -> float:
    """More than any confidence in a harmless label where a risky word is heard; 0 where no label is risky.

    Harmless labels have most where one has all that the floor leaves, and the floor is spread over risky ones.
    """
    surest = 0.0
    for spread in range(1, risky + 1):
        chances = np.array([[1 - FLOOR, *[FLOOR / spread] * spread]], np.float32)
        surest = max(surest, float(calibrated(np.log(chances), temperature, slope)[0, 0]) + _MARGIN)
    return surest


def by_population(answers: Answers, rows: Rows, thresholds: NDArray[np.float64]) -> dict[str, dict[str, int]]:
    """What the chosen thresholds do to each population's half B: the bound holds for their sum, not for each."""
    facts = {}
    for name in np.unique(rows.population):
        own = answers.where((rows.population == name) & (rows.half == 1))
        answered = own.confidence >= thresholds[own.category]
        errors = int((~own.right[answered]).sum())
        facts[str(name)] = {"rows": len(own.right), "answered": int(answered.sum()), "errors": errors}
    return facts


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
    answers: Answers, half: NDArray[np.int64], categories: int, bound: float, least: float = 0.0
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Thresholds by category, none below `least`, and their facts on half B."""
    fitted, tested = answers.where(half == 0), answers.where(half == 1)
    # A rule that answers too few rows cannot pass whatever they are; counting them looks at no label.
    fewest = _CERTIFIABLE_TIMES * np.log(1 - CONFIDENCE) / np.log(1 - bound)
    rules = [np.maximum(thresholds_at(fitted, categories, float(rate)), least) for rate in _RATES]
    rules = [rule for rule in rules if (tested.confidence >= rule[tested.category]).sum() >= fewest]
    passed = np.full(categories, np.inf)
    for start in np.unique(np.linspace(0, len(rules) - 1, _STARTS).astype(int)) if rules else ():
        for rule in rules[start:]:
            answered = tested.confidence >= rule[tested.category]
            errors = int((~tested.right[answered]).sum())
            if upper_bound(errors, int(answered.sum()), 1 - (1 - CONFIDENCE) / _STARTS) > bound:
                break
            passed = rule
    return passed, _facts(tested, passed, categories)


def thresholds_at(answers: Answers, categories: int, rate: float) -> NDArray[np.float64]:
    """For each category the lowest confidence above which its expected error stays under `rate`."""
    thresholds = np.full(categories, np.inf)
    if not len(answers.category):
        return thresholds
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
