"""Stage evaluate: score the packed bundle through the serving class on merchants it never saw.

What is measured is what is served: quantisation, truncation and thresholds
included. Real descriptors are scored as they are; plain names are disguised as
statement lines, from the seed. Seen and unseen merchants are always apart.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.decision import NOT_A_MERCHANT
from merchant_classifier.prediction import Mode, Reason
from train import config as configs
from train import metrics, runs
from train.config import Config
from train.evaluation import EvaluationSet, evaluation_sets, hand_written
from train.metrics import Scored

_LATENCY_ROWS = 3000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Write `metrics.json` and `predictions.parquet`."""
    config = configs.load(args.config)
    classifier = MerchantClassifier.load(config.build / runs.BUNDLE)
    names = label_names(classifier)
    report: dict[str, Any] = {"bundle": classifier.identity, "version": classifier.version, "sets": {}}
    tables = []
    for evaluation in evaluation_sets(config, names):
        scored = score(classifier, evaluation, names)
        facts = metrics.summary(scored, names, classifier.decider.categories, seen=evaluation.seen)
        report["sets"][evaluation.name] = facts
        tables.append(_predictions(evaluation, scored, names))
        print(
            f"evaluate: {evaluation.name:<24} rows {facts['rows']:>6}  top-1 {facts['top1']['value']:6.1%}  "
            f"top-3 {facts['top3']['value']:6.1%}  category {facts['category']['value']:6.1%}  ece {facts['ece']:.3f}"
        )
    report["abstention"] = abstention(classifier, config)
    report["latency"] = latency(classifier, config)
    report["size_bytes"] = sum(path.stat().st_size for path in (config.build / runs.BUNDLE).iterdir())
    report["parity"] = runs.read_json(config.build / "parity.json")
    runs.write_json(config.build / runs.METRICS, report)
    with runs.replacing(config.build / runs.PREDICTIONS) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary)
    return 0


def label_names(classifier: MerchantClassifier) -> list[str]:
    """What rows call each class: its MCC, `not_a_merchant`, or its text where labels are the user's own."""
    return [
        label.mcc or (NOT_A_MERCHANT if label.category == NOT_A_MERCHANT else label.text)
        for label in classifier.decider.labels
    ]


def score(classifier: MerchantClassifier, evaluation: EvaluationSet, names: Sequence[str]) -> Scored:
    """Answers of the serving class to a set."""
    position = {name: number for number, name in enumerate(names)}
    accepted = np.zeros((len(evaluation.texts), len(names)), np.bool_)
    for row, labels in zip(accepted, evaluation.accepted, strict=True):
        row[[position[label] for label in labels]] = True
    decider = classifier.decider
    categories = [decider.categories.index(label.category) for label in decider.labels]
    family_of = np.unique([label.family for label in decider.labels], return_inverse=True)[1]
    answers = {mode.value: classifier.predict_many(evaluation.texts, mode=mode) for mode in Mode}
    return Scored(
        merchants=evaluation.merchants,
        accepted=accepted,
        probabilities=decider.probabilities(classifier.logits(evaluation.texts)),
        category_of=np.array(categories),
        family_of=family_of,
        answered={m: np.array([p.reason == Reason.CONFIDENT for p in a], np.bool_) for m, a in answers.items()},
        category_answered={m: np.array([p.category is not None for p in a], np.bool_) for m, a in answers.items()},
    )


def _predictions(evaluation: EvaluationSet, scored: Scored, names: Sequence[str]) -> pa.Table:
    columns: dict[str, Any] = {
        "set": [evaluation.name] * len(evaluation.texts),
        "text": evaluation.texts,
        "label": [runs.BETWEEN_LABELS.join(labels) for labels in evaluation.accepted],
        "merchant": evaluation.merchants,
        "predicted": [names[best] for best in scored.best],
        "confidence": scored.confidence,
        "right": scored.right(),
    }
    columns |= {f"answered_{mode}": answered for mode, answered in scored.answered.items()}
    return pa.table(columns)


def abstention(classifier: MerchantClassifier, config: Config) -> dict[str, float]:
    """How often rows whose right answer is "don't know" get an MCC all the same, by mode."""
    texts = [row["text"] for row in hand_written(config.data.labels) if row["stratum"] == "abstain"]
    if not texts:
        return {}
    answered = {mode.value: [p.mcc is not None for p in classifier.predict_many(texts, mode=mode)] for mode in Mode}
    return {"rows": len(texts), **{mode: round(float(np.mean(hits)), 4) for mode, hits in answered.items()}}


def latency(classifier: MerchantClassifier, config: Config) -> dict[str, Any]:
    """Milliseconds of single predictions of distinct descriptors, one thread, on this machine as loaded as it is."""
    texts = _distinct(runs.read_table(config.build / runs.SPLIT, ["text"])["text"].to_pylist())
    seconds = np.empty(len(texts))
    for number, text in enumerate(texts):
        start = time.perf_counter()
        classifier.predict(text)
        seconds[number] = time.perf_counter() - start
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1000
    return {"calls": len(texts), "threads": 1, "p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}


def _distinct(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts[:: max(1, len(texts) // _LATENCY_ROWS)]))
