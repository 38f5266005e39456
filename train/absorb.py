"""Stage absorb: what is left of a merchant memory once a model has learnt from it.

A quarter's rules flow into the next training run as rows (source adapter
`memory`). Afterwards this stage tries each rule on the new model: where the
model alone answers the same, sure enough to name it, on the name and on disguises
of it, the rule is redundant and can be retired; where the model is sure of
another code, the two contradict each other and a person should look.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.memory_file import Content, read
from merchant_classifier.prediction import Mode, Prediction, Reason
from merchant_classifier.rules import Rule
from train import config as configs
from train import runs
from train.augment import disguise
from train.sources.memory import ABSORBED

REPORT = "absorb.json"

_DISGUISES = 5


class Standing(StrEnum):
    """What a rule is worth beside a model."""

    REDUNDANT = "redundant"  # the model answers the same on all spellings tried, and names it
    CONTRADICTED = "contradicted"  # the model names another code for the name itself
    NEEDED = "needed"  # neither
    GENERAL = "general"  # about many merchants: stays a rule
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, its line, how it stands, and what the model alone says about its text."""

    rule: Rule
    line: int
    standing: Standing
    model_mcc: str
    confidence: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The memory file."""
    parser.add_argument("memory", type=Path, help="merchant memory file")


def run(args: argparse.Namespace) -> int:
    """Print redundant and contradicted rules; write `absorb.json`."""
    config = configs.load(args.config)
    classifier = MerchantClassifier.load(config.build / runs.BUNDLE)
    judged = list(judge(classifier, read(args.memory), config.seed))
    for one in judged:
        if one.standing in (Standing.REDUNDANT, Standing.CONTRADICTED):
            print(f"{args.memory}:{one.line}: #{one.rule.id} {one.standing}: {_shown(one)}")
    counts = Counter(one.standing.value for one in judged)
    print(f"absorb: {len(judged)} rules, " + ", ".join(f"{counts[name]} {name}" for name in Standing))
    rows = [
        {"id": one.rule.id, "line": one.line, "standing": one.standing, "model_mcc": one.model_mcc}
        | {"confidence": round(one.confidence, 4)}
        for one in judged
    ]
    runs.write_json(config.build / REPORT, {"bundle": classifier.identity, "counts": dict(counts), "rules": rows})
    return 0


def _shown(one: Judged) -> str:
    return f"{one.rule.text!r} is {one.rule.mcc}, the model says {one.model_mcc} ({one.confidence:.0%})"


def judge(classifier: MerchantClassifier, content: Content, seed: int) -> Iterator[Judged]:
    """How every rule stands beside a model that was loaded without a memory."""
    rng = random.Random(seed)
    for rule, line in zip(content.rules, content.lines, strict=True):
        if not rule.holds(date.today()):
            yield Judged(rule, line, Standing.EXPIRED, "", 0.0)
        elif rule.kind not in ABSORBED:
            yield Judged(rule, line, Standing.GENERAL, "", 0.0)
        else:
            texts = [rule.text, *(disguise(rule.text, "", rng) for _ in range(_DISGUISES))]
            answers = classifier.predict_many(texts, mode=Mode.BALANCED)
            best = answers[0].candidates[0] if answers[0].candidates else None
            yield Judged(
                rule,
                line,
                _standing(rule, answers),
                _answer(answers[0]) or (best.mcc or best.label if best else ""),
                best.confidence if best else 0.0,
            )


def _standing(rule: Rule, answers: Sequence[Prediction]) -> Standing:
    named = [_answer(answer) for answer in answers]
    if all(name == rule.mcc for name in named):
        return Standing.REDUNDANT
    return Standing.CONTRADICTED if named[0] and named[0] != rule.mcc else Standing.NEEDED


def _answer(prediction: Prediction) -> str:
    """What the model names, as a rule would write it; "" when it is not sure."""
    if prediction.reason is Reason.NOT_A_MERCHANT:
        return prediction.category or ""
    return prediction.mcc or prediction.label or ""
