"""Stage distill: train the student, as `train.teaching` says, on the split and on soft labels if there are any."""

from __future__ import annotations

import argparse

import torch

from merchant_classifier.errors import InputError
from train import config as configs
from train import labels as label_sets
from train import runs, teaching
from train.rows import read_rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--branch`."""
    parser.add_argument(
        "--branch",
        type=int,
        help="train this one of several students only (`student.branches`); they can be trained side by side, and the "
        "stage without this option takes their mean",
    )


def run(args: argparse.Namespace) -> int:
    """Train, or go on training, and write `student.pt`."""
    config = configs.load(args.config)
    torch.set_num_threads(config.threads or runs.available_cores())
    table = runs.read_table(config.build / runs.SPLIT)
    names = [row.name for row in label_sets.read(config.data.labels, table["label"].to_pylist())]
    rows = read_rows(config, names)
    if args.branch is not None:
        if not 0 <= args.branch < config.student.branches:
            raise InputError(f"--branch: expected 0 to {config.student.branches - 1}, found {args.branch}")
        teaching.train_branch(config, rows, names, config.build, args.branch)
        return 0
    student = teaching.train(config, rows, names, config.build)
    with runs.replacing(config.build / runs.STUDENT) as temporary:
        torch.save({"labels": names, "state": student.state_dict()}, temporary)
    return 0
