"""The cross-fitted teacher: soft labels for every training row by models that have not read its merchant.

The rows are cut into folds by base merchant. For each fold a student as it will be
shipped, TF-IDF with a linear model, and fastText where it is installed, learn from the
other folds and answer this one; half the student's probabilities and half those of the
simple models are the row's soft label. A model's answers to rows it was trained on
repeat the labels; answers to merchants it has not met say what a name means, and which
labels it may be confused with (Breiman 1996 stacks on such answers). The models err
differently, so their mean is better than any of them.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from merchant_classifier.text import normalize
from train import baselines, runs, teaching
from train.baselines import Predict, Probabilities
from train.batches import Batcher
from train.config import Config
from train.evaluation import evaluation_sets
from train.network import Student
from train.rows import TrainingRows

_AT_ONCE = 1024
_SIMPLE = ("fastText", "tf-idf linear")


def soft_labels(
    config: Config, rows: TrainingRows, names: list[str], count: int
) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    """The `count` most probable labels of every row: two arrays (rows, count).

    The answers of all folds' models to the lines of `train.evaluation` are averaged and left in
    `teacher_answers.npz`, so that `train.baselines` can score the teacher beside its student.
    """
    lines = [" ".join(words) for words in rows.words]
    fold_of = np.array([crc32(f"fold {key}".encode()) % config.teacher.folds for key in rows.keys])
    asked = evaluated_lines(config, names)
    answers = np.zeros((len(asked), len(names)), np.float32)
    labels = np.zeros((len(lines), count), np.int16)
    probabilities = np.zeros((len(lines), count), np.float16)
    for fold in range(config.teacher.folds):
        predict = _model(config, rows.where(fold_of != fold), names, fold)
        held_out = np.flatnonzero(fold_of == fold)
        for chosen in _pieces(held_out):
            found = predict([lines[row] for row in chosen])
            best = np.argsort(-found, axis=1, kind="stable")[:, :count]
            labels[chosen], probabilities[chosen] = best, np.take_along_axis(found, best, axis=1)
        for chosen in _pieces(np.arange(len(asked))):
            answers[chosen] += predict([asked[line] for line in chosen]) / config.teacher.folds
        right = np.mean(labels[held_out, 0] == rows.targets[held_out]) if len(held_out) else 0.0
        print(f"fit: fold {fold + 1} of {config.teacher.folds}: {len(held_out)} rows, {right:.1%} of labels named")
    with runs.replacing(config.build / runs.TEACHER_ANSWERS) as temporary, temporary.open("wb") as file:
        np.savez(file, lines=np.array(asked), probabilities=answers.astype(np.float16))
    return labels, probabilities


def evaluated_lines(config: Config, names: Sequence[str]) -> list[str]:
    """The distinct normalised lines that the stage `evaluate` will ask about."""
    texts = (text for evaluation in evaluation_sets(config, names) for text in evaluation.texts)
    return list(dict.fromkeys(normalize(text).text for text in texts))


def _model(config: Config, rows: TrainingRows, names: list[str], fold: int) -> Predict:
    """Half a student, half the mean of simple models: each alone is worse, and their errors differ."""
    lines = baselines.disguised(rows, len(names), config, config.seed + fold)
    training = dataclasses.replace(lines, repeat=np.ones_like(rows.repeat))
    simple = [predict for name in _SIMPLE if (predict := baselines.BASELINES[name](training)) is not None]
    return _mean([_student(config, rows, names, fold), _mean(simple)])


def _student(config: Config, rows: TrainingRows, names: list[str], fold: int) -> Predict:
    epochs = max(1, round(config.teacher.epochs))
    sizes = dataclasses.replace(config.student, epochs=epochs, polish_epochs=0, settle_steps=0)
    (config.build / runs.TEACHER).mkdir(exist_ok=True)
    model = teaching.train(
        dataclasses.replace(config, student=sizes), rows, names, config.build, f"{runs.TEACHER}/fold{fold}.checkpoint"
    )
    batcher = Batcher(sizes.buckets, 0.0, 0.0, random.Random(config.seed))
    return lambda lines: probabilities_of(model, batcher, lines)


@torch.inference_mode()
def probabilities_of(model: Student, batcher: Batcher, lines: Sequence[str]) -> Probabilities:
    """A student's probabilities (lines, classes); a line without words gets equal ones."""
    batch = batcher.build([line.split(" ") for line in lines], training=False)
    arrays = (batch.word_index, batch.word_features, batch.word_offsets, batch.pair_features, batch.pair_offsets)
    logits, _ = model([torch.from_numpy(array) for array in arrays])
    return np.asarray(logits.softmax(dim=1).numpy(), np.float32)


def _mean(models: Sequence[Predict]) -> Predict:
    return lambda lines: np.mean([predict(lines) for predict in models], axis=0, dtype=np.float32)


def _pieces(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(places), _AT_ONCE):
        yield places[start : start + _AT_ONCE]
