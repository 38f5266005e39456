"""The cross-fitted teacher: soft labels for every training row by models that have not read its merchant.

The rows are cut into folds by base merchant. For each fold a student as it will be
shipped, simple models (TF-IDF with a linear one, fastText where it is installed), and
where the configuration asks for it a fine-tuned base transformer, which wants a GPU,
learn from the other folds and answer this one; the mean of their probabilities, the
simple models being one, is the row's soft label. A model's answers to rows it was trained on
repeat the labels; answers to merchants it has not met say what a name means, and which
labels it may be confused with (Breiman 1996 stacks on such answers). The models err
differently, so their mean is better than any of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from merchant_classifier.errors import InputError
from merchant_classifier.text import normalize
from train import baselines, encoder, runs, teaching
from train.baselines import Predict, Probabilities, Training
from train.batches import Batcher
from train.config import Config
from train.evaluation import GOLDEN_SET, evaluation_sets
from train.network import Student
from train.rows import TrainingRows

_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class FoldAnswers:
    """What one fold's models answer.

    Attributes:
        labels, probabilities: the most probable labels of the fold's own rows, (rows of the fold, count) each.
        lines: the lines that are evaluated.
        asked: probabilities for them, float16 (lines, classes).
    """

    labels: NDArray[np.int16]
    probabilities: NDArray[np.float16]
    lines: NDArray[np.str_]
    asked: NDArray[np.float16]


def soft_labels(
    config: Config, rows: TrainingRows, names: list[str], count: int
) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    """The `count` most probable labels of every row: two arrays (rows, count).

    The answers of all folds' models to the lines of `train.evaluation` are averaged and left in
    `teacher_answers.npz`, so that `train.baselines` can score the teacher beside its student.
    """
    folds = [fold_answers(config, rows, names, count, fold) for fold in range(config.teacher.folds)]
    labels = np.zeros((len(rows.texts), count), np.int16)
    probabilities = np.zeros((len(rows.texts), count), np.float16)
    for fold, found in enumerate(folds):
        held_out = _folds_of(rows, config.teacher.folds) == fold
        labels[held_out], probabilities[held_out] = found.labels, found.probabilities
    answers = np.mean([found.asked for found in folds], axis=0, dtype=np.float32).astype(np.float16)
    with runs.replacing(config.build / runs.TEACHER_ANSWERS) as temporary, temporary.open("wb") as file:
        np.savez(file, lines=folds[0].lines, probabilities=answers)
    return labels, probabilities


def fold_answers(config: Config, rows: TrainingRows, names: list[str], count: int, fold: int) -> FoldAnswers:
    """The answers of one fold's models, which are trained unless a run on the same rows has left their answers.

    Raises:
        InputError: there is no such fold.
    """
    if not 0 <= fold < config.teacher.folds:
        raise InputError(f"fold: expected 0 to {config.teacher.folds - 1}, found {fold}")
    path = config.build / runs.TEACHER / f"fold{fold}.npz"
    inputs = _inputs(config, count)
    if path.exists():
        with np.load(path) as content:
            if str(content["inputs"]) == inputs:
                return FoldAnswers(**{field.name: content[field.name] for field in dataclasses.fields(FoldAnswers)})
    mine = _folds_of(rows, config.teacher.folds) == fold
    predict = _model(config, rows.where(~mine), names, fold)
    labels, probabilities = most_probable(predict, [" ".join(rows.words[row]) for row in np.flatnonzero(mine)], count)
    asked = evaluated_lines(config, names)
    pieces = [predict(asked[start : start + _AT_ONCE]) for start in range(0, len(asked), _AT_ONCE)]
    found = FoldAnswers(labels, probabilities, np.array(asked), np.concatenate(pieces).astype(np.float16))
    with runs.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, inputs=np.array(inputs), **dataclasses.asdict(found))
    right = np.mean(labels[:, 0] == rows.targets[mine]) if mine.any() else 0.0
    print(f"fit: fold {fold + 1} of {config.teacher.folds}: {mine.sum()} rows, {right:.1%} of labels named")
    return found


def _folds_of(rows: TrainingRows, folds: int) -> NDArray[np.int64]:
    return np.array([crc32(f"fold {key}".encode()) % folds for key in rows.keys], np.int64)


def _inputs(config: Config, count: int) -> str:
    files = runs.fingerprint([config.build / runs.SPLIT, config.build / runs.WORD_TABLE, GOLDEN_SET])
    return json.dumps(
        [dataclasses.asdict(config.teacher), dataclasses.asdict(config.student), config.seed, count, files]
    )


def most_probable(predict: Predict, lines: list[str], count: int) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    """The `count` most probable labels of every line and their probabilities: two arrays (lines, count)."""
    labels = np.empty((len(lines), count), np.int16)
    probabilities = np.empty((len(lines), count), np.float16)
    for start in range(0, len(lines), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        found = predict(lines[piece])
        labels[piece] = np.argsort(-found, axis=1, kind="stable")[:, :count]
        probabilities[piece] = np.take_along_axis(found, labels[piece].astype(np.int64), axis=1)
    return labels, probabilities


def evaluated_lines(config: Config, names: Sequence[str]) -> list[str]:
    """The distinct normalised lines that the stage `evaluate` will ask about."""
    texts = (text for evaluation in evaluation_sets(config, names) for text in evaluation.texts)
    return list(dict.fromkeys(normalize(text).text for text in texts))


def _model(config: Config, rows: TrainingRows, names: list[str], fold: int) -> Predict:
    """The mean of a student, of simple models as one, and of an encoder: each is worse, and their errors differ."""
    lines = baselines.disguised(rows, len(names), config, config.seed + fold)
    training = dataclasses.replace(lines, repeat=np.ones_like(rows.repeat))
    models = [_student(config, rows, names, fold)]
    if simple := [predict for model in _simple(config) if (predict := model(training)) is not None]:
        models.append(_mean(simple))
    if config.teacher.encoder_epochs:
        folder = config.build / runs.TEACHER / f"encoder{fold}"
        models.append(encoder.fine_tuned(config, rows, len(names), config.teacher.encoder_epochs, folder))
    return _mean(models)


def _simple(config: Config) -> list[Callable[[Training], Predict | None]]:
    for name in config.teacher.simple:
        if name not in baselines.BASELINES:
            raise InputError(f"teacher.simple: expected some of {', '.join(baselines.BASELINES)}, found {name!r}")
    return [baselines.BASELINES[name] for name in config.teacher.simple]


def _student(config: Config, rows: TrainingRows, names: list[str], fold: int) -> Predict:
    epochs = max(1, round(config.teacher.epochs))
    # Afresh: a student that is trained on would have read the rows it is to answer.
    sizes = dataclasses.replace(
        config.student, start="", branches=1, rounds=1, epochs=epochs, polish_epochs=0, settle_steps=0
    )
    (config.build / runs.TEACHER).mkdir(exist_ok=True)
    model = teaching.train(
        dataclasses.replace(config, student=sizes), rows, names, config.build, f"{runs.TEACHER}/fold{fold}.checkpoint"
    )
    batcher = Batcher(sizes.buckets)
    return lambda lines: probabilities_of(model, batcher, lines)


@torch.inference_mode()
def probabilities_of(model: Student, batcher: Batcher, lines: Sequence[str]) -> Probabilities:
    """A student's probabilities (lines, classes); a line without words gets equal ones."""
    batch = batcher.build([line.split(" ") for line in lines])
    logits, _ = model([torch.from_numpy(array) for array in batch.arrays()])
    return np.asarray(logits.softmax(dim=1).numpy(), np.float32)


def _mean(models: Sequence[Predict]) -> Predict:
    return lambda lines: np.mean([predict(lines) for predict in models], axis=0, dtype=np.float32)
