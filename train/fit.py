"""Stage fit: train the teacher on labelled descriptors, then write its soft labels for the student.

A teacher of the kind "crossfit" is that of `train.crossfit`. One of the kind
"encoder" is that of `train.encoder`, by default of the base model's first
layers. One pass over the rows is the rule for it: a row's soft label then comes
from a model that has hardly had the chance to learn the row by heart.
"""

from __future__ import annotations

import argparse
import shutil

import numpy as np
import torch
from numpy.typing import NDArray

from merchant_classifier.errors import InputError
from train import config as configs
from train import crossfit, encoder, runs
from train import labels as label_sets
from train.config import Config
from train.rows import TrainingRows, read_rows

_SOFT_LABELS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--fold`."""
    parser.add_argument(
        "--fold",
        type=int,
        help="train the models of this fold of a cross-fitted teacher only; the folds can be trained side by side, and "
        "the stage without this option puts their answers together",
    )


def run(args: argparse.Namespace) -> int:
    """Train (or resume), then write `soft_labels.npz`."""
    config = configs.load(args.config)
    soft_path = config.build / runs.SOFT_LABELS
    if config.teacher.epochs <= 0:
        soft_path.unlink(missing_ok=True)
        print("fit: no teacher in this configuration")
        return 0
    torch.set_num_threads(config.threads or runs.available_cores())
    table = runs.read_table(config.build / runs.SPLIT)
    names = [row.name for row in label_sets.read(config.data.labels, table["label"].to_pylist())]
    soft_path.unlink(missing_ok=True)
    rows = read_rows(config, names)
    count = min(_SOFT_LABELS, len(names))
    if args.fold is not None:
        if config.teacher.kind != "crossfit":
            raise InputError("--fold: the teacher of this configuration is not cross-fitted")
        crossfit.fold_answers(config, rows, names, count, args.fold)
        return 0
    labels, probabilities = _TEACHERS[config.teacher.kind](config, rows, names, count)
    with runs.replacing(soft_path) as temporary, temporary.open("wb") as file:
        np.savez(file, labels=labels, probabilities=probabilities)
    shutil.rmtree(config.build / runs.TEACHER)
    return 0


def _of_encoder(
    config: Config, rows: TrainingRows, names: list[str], count: int
) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    predict = encoder.fine_tuned(config, rows, len(names), config.teacher.epochs, config.build / runs.TEACHER)
    return crossfit.most_probable(predict, [" ".join(words) for words in rows.words], count)


_TEACHERS = {"encoder": _of_encoder, "crossfit": crossfit.soft_labels}
