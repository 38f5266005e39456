"""Stage distill: train the student, as `train.teaching` says, on the split and on soft labels if there are any."""

from __future__ import annotations

import argparse

import torch

from merchant_classifier.errors import InputError
from train import config as configs
from train import labels as label_sets
from train import runs, teaching
from train.config import Config
from train.rows import TrainingRows, read_rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--branch`."""
    parser.add_argument(
        "--branch",
        type=int,
        help="train this one of several students only (`student.branches`), in the first round in which it is not "
        "finished; they can be trained side by side, and the stage without this option takes their mean",
    )


def run(args: argparse.Namespace) -> int:
    """Train, or go on training, and write `student.pt`."""
    config = configs.load(args.config)
    torch.set_num_threads(config.threads or runs.available_cores())
    table = runs.read_table(config.build / runs.SPLIT)
    names = [row.name for row in label_sets.read(config.data.labels, table["label"].to_pylist())]
    rows = read_rows(config, names)
    if args.branch is not None:
        _train_branch(config, rows, names, args.branch)
        return 0
    student = teaching.train(config, rows, names, config.build)
    with runs.replacing(config.build / runs.STUDENT) as temporary:
        torch.save({"labels": names, "state": student.state_dict()}, temporary)
    return 0


def _train_branch(config: Config, rows: TrainingRows, names: list[str], number: int) -> None:
    sizes = config.student
    if not 0 <= number < sizes.branches:
        raise InputError(f"--branch: expected 0 to {sizes.branches - 1}, found {number}")
    for turn in range(sizes.rounds):
        if teaching.train_branch(config, rows, names, config.build, turn, number):
            print(f"distill: branch {number} of round {turn + 1} is finished")
            return
    print(f"distill: branch {number} was finished in all rounds")
