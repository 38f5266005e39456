"""Stage baselines: simple models trained on the same rows, scored on the same descriptions as the shipped one.

They stay in every report, so that a better number cannot come from easier rows.
All read the student's normalised words, of rows disguised as often as its own.
Where `evaluate` has left its answers, its descriptions are used and each baseline
is compared with the model by a paired bootstrap over merchants; else the unseen
rows of the split are read as they are.

* majority: the most frequent label.
* tf-idf linear: hashed, tf-idf weighted character and word n-grams, multinomial logistic regression.
* fastText: words, word pairs and character 2-5-grams (Joulin et al. 2017, arXiv 1607.01759); left out where
  the package `fasttext-wheel` is not installed. It knows no row weights.
* teacher: the cross-fitted teacher of `train.crossfit`, from the answers it left; a mean of models too slow to serve.
* frozen encoder: mean-pooled vectors of the base transformer, multinomial logistic regression.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from merchant_classifier.errors import InputError
from merchant_classifier.text import normalize
from train import config as configs
from train import evidence, metrics, runs, softmax
from train import labels as label_sets
from train.augment import as_met
from train.config import Config
from train.rows import TrainingRows, read_rows

TABLE = "baselines.md"

_COLUMNS = ["text", "label", "source", "part", "key"]
_UNSEEN_PARTS = ("test", "later")
_LABEL = "__label__"

Probabilities = NDArray[np.float32]
Predict = Callable[[list[str]], Probabilities]
"""Normalised lines -> (lines, classes)."""


@dataclass(frozen=True, slots=True)
class Training:
    """What every baseline learns from; `repeat` is how often a pass reads the row, as the student does."""

    lines: list[str]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    repeat: NDArray[np.int64]
    classes: int
    config: Config


@dataclass(frozen=True, slots=True)
class Unseen:
    """One evaluation set. `model_right` is empty where no model was evaluated."""

    name: str
    lines: list[str]
    accepted: list[list[int]]
    merchants: list[str]
    model_right: NDArray[np.bool_]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Train each, write `baselines.json` and `baselines.md`."""
    config = configs.load(args.config)
    table = runs.read_table(config.build / runs.SPLIT, _COLUMNS)
    found = label_sets.read(config.data.labels, table["label"].to_pylist())
    names, categories = [row.name for row in found], [row.label.category for row in found]
    for name in config.baselines.models:
        if name not in BASELINES:
            raise InputError(f"baselines.models: expected some of {', '.join(BASELINES)}, found {name!r}")
    training = disguised(read_rows(config, names), len(names), config, config.seed)
    sets = list(_sets(config, table, names))
    results: dict[str, dict[str, Any]] = {}
    for name in config.baselines.models:
        started = time.monotonic()
        predict = BASELINES[name](training)
        if predict is None:
            continue
        results[name] = {unseen.name: _score(unseen, predict(unseen.lines), categories) for unseen in sets}
        print(f"{name}: {time.monotonic() - started:.0f} s")
    facts = {"bundle": _identity(config), "training_rows": len(training.lines), "models": results}
    runs.write_json(config.build / evidence.BASELINES, facts)
    with runs.replacing(config.build / TABLE) as temporary:
        temporary.write_text("\n".join(as_markdown(results, _of_model(sets), len(training.lines))) + "\n", "utf-8")
    return 0


def _identity(config: Config) -> str | None:
    """Of the model whose answers are compared, where there is one."""
    path = config.build / runs.METRICS
    return str(runs.read_json(path)["bundle"]) if path.exists() else None


# --- rows -----------------------------------------------------------------------------------


def disguised(rows: TrainingRows, classes: int, config: Config, seed: int) -> Training:
    """The student's training rows, each as one of the lines that the student may meet it as."""
    rng = random.Random(seed)
    met = zip(rows.texts, rows.words, rows.countries, rows.labels, strict=True)
    lines = [" ".join(as_met(text, words, country, rng, label)) for text, words, country, label in met]
    return Training(lines, rows.targets, rows.weights, rows.repeat, classes, config)


def _sets(config: Config, split: pa.Table, names: list[str]) -> Iterator[Unseen]:
    path = config.build / runs.PREDICTIONS
    if path.exists():
        rows = [{**row, "right": bool(row["right"])} for row in runs.read_table(path).to_pylist()]
    else:
        rows = [
            {
                **row,
                "set": f"unseen {row['source']}" if row["part"] == "test" else "unseen later",
                "merchant": row["key"],
            }
            for row in split.to_pylist()
            if row["part"] in _UNSEEN_PARTS
        ]
    position = {name: number for number, name in enumerate(names)}
    for name in dict.fromkeys(row["set"] for row in rows):
        chosen = [row for row in rows if row["set"] == name]
        yield Unseen(
            name,
            [normalize(row["text"]).text for row in chosen],
            [_positions(row["label"], position) for row in chosen],
            [row["merchant"] for row in chosen],
            np.array([row["right"] for row in chosen if "right" in row], np.bool_),
        )


def _positions(labels: str, position: Mapping[str, int]) -> list[int]:
    return [position[label] for label in labels.split(runs.BETWEEN_LABELS) if label in position]


# --- models ---------------------------------------------------------------------------------


def _majority(training: Training) -> Predict:
    counts = np.bincount(training.targets, training.weights, training.classes).astype(np.float32)
    return lambda lines: np.tile(counts / counts.sum(), (len(lines), 1))


def _tfidf_linear(training: Training) -> Predict:
    features = softmax.Features().fit(training.lines)
    model = softmax.fit(
        features.of(training.lines),
        training.targets,
        training.classes,
        epochs=3,
        row_weights=training.weights * training.repeat.astype(np.float32),
    )
    return lambda lines: model.probabilities(features.of(lines))


def _fasttext(training: Training) -> Predict | None:
    if importlib.util.find_spec("fasttext") is None:
        print("fastText: left out, the package fasttext-wheel is not installed")
        return None
    import fasttext

    # fastText reads its file in order, and rows sorted by label teach it the last label.
    order = np.repeat(np.arange(len(training.lines)), training.repeat)
    order = np.random.default_rng(training.config.seed).permutation(order)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.txt")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{_LABEL}{training.targets[place]} {training.lines[place]}\n" for place in order)
        model = fasttext.train_supervised(
            str(path),
            **{"epoch": 5, "lr": 0.3, "dim": 100, "wordNgrams": 2, "minn": 2, "maxn": 5, "bucket": 1_000_000},
            thread=training.config.threads or os.cpu_count() or 1,
            verbose=0,
        )
    return lambda lines: _fasttext_probabilities(model, lines, training.classes)


def _fasttext_probabilities(model: Any, lines: list[str], classes: int) -> Probabilities:
    found = np.zeros((len(lines), classes), np.float32)
    for row, line in zip(found, lines, strict=True):
        # `model.predict` asks numpy for a copy in a way that numpy 2 refuses; `model.f` is what it wraps.
        for probability, label in model.f.predict(line + "\n", 10, 0.0, "strict"):
            row[int(label.removeprefix(_LABEL))] = probability
    return found


def _frozen_encoder(training: Training) -> Predict:
    from train.base_model import embed

    teacher = training.config.teacher

    def vectors(lines: list[str]) -> sp.csr_matrix:
        return sp.csr_matrix(embed(teacher.base, lines, teacher.max_tokens).numpy())

    order = np.random.default_rng(training.config.seed).permutation(len(training.lines))
    chosen = order[: training.config.baselines.encoder_rows]
    model = softmax.fit(
        vectors([training.lines[place] for place in chosen]),
        training.targets[chosen],
        training.classes,
        epochs=10,
        row_weights=training.weights[chosen],
    )
    return lambda lines: model.probabilities(vectors(lines))


def _teacher(training: Training) -> Predict | None:
    path = training.config.build / runs.TEACHER_ANSWERS
    if not path.exists():
        print("teacher: left out, this run has no cross-fitted one")
        return None
    with np.load(path) as content:
        lines, probabilities = content["lines"].tolist(), content["probabilities"].astype(np.float32)
    place = {line: number for number, line in enumerate(lines)}

    def answers(asked: list[str]) -> Probabilities:
        if not place.keys() >= set(asked):
            raise InputError(f"{path}: holds no answers to this run's evaluated lines; run the stage fit again")
        return np.asarray(probabilities[[place[line] for line in asked]], np.float32)

    return answers


BASELINES: dict[str, Callable[[Training], Predict | None]] = {
    "majority": _majority,
    "tf-idf linear": _tfidf_linear,
    "fastText": _fasttext,
    "frozen encoder": _frozen_encoder,
    "teacher": _teacher,
}


# --- scores -----------------------------------------------------------------------------------


def _score(unseen: Unseen, probabilities: Probabilities, categories: Sequence[str]) -> dict[str, Any]:
    """Top-1, top-3 and category accuracy with intervals, and how probably the model is not better."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    hits = np.array(
        [[label in accepted for label in row] for row, accepted in zip(order, unseen.accepted, strict=True)], np.bool_
    )
    groups, number = np.unique(np.asarray(categories), return_inverse=True)
    sums = np.stack([probabilities[:, number == group].sum(1) for group in range(len(groups))], axis=1)
    in_category = [best in number[accepted] for best, accepted in zip(sums.argmax(1), unseen.accepted, strict=True)]
    facts: dict[str, Any] = {
        "rows": len(unseen.lines),
        "top1": metrics.interval(hits[:, 0], unseen.merchants),
        "top3": metrics.interval(np.asarray(hits.any(axis=1)), unseen.merchants),
        "category": metrics.interval(np.array(in_category, np.bool_), unseen.merchants),
    }
    if len(unseen.model_right):
        facts["model_not_better_p"] = metrics.paired_p(unseen.model_right, hits[:, 0], unseen.merchants)
    return facts


def _of_model(sets: Sequence[Unseen]) -> dict[str, dict[str, float]]:
    """Top-1 of the evaluated model on each set, where there is one."""
    return {s.name: metrics.interval(s.model_right, s.merchants) for s in sets if len(s.model_right)}


def as_markdown(
    results: dict[str, dict[str, Any]], model: dict[str, dict[str, float]], training_rows: int
) -> Iterator[str]:
    """The table of top-1 accuracies: a line for each set, a column for each model."""
    if not results:
        raise InputError("no baseline could be trained")
    yield f"Top-1 accuracy in % with 95 % bootstrap intervals over merchants; trained on {training_rows} rows."
    yield ""
    yield f"| set | rows | {' | '.join(results)} | {'model | ' if model else ''}"
    yield f"|---|---|{'---|' * (len(results) + bool(model))}"
    for name, facts in next(iter(results.values())).items():
        cells = [_cell(result[name]["top1"]) for result in results.values()]
        cells += [_cell(model[name])] if name in model else []
        yield f"| {name} | {facts['rows']} | {' | '.join(cells)} |"


def _cell(interval: dict[str, float]) -> str:
    return f"{100 * interval['value']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"
