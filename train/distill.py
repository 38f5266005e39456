"""Stage distill: train the student, as `train.teaching` says, on the split and on soft labels if there are any."""

from __future__ import annotations

import argparse

import torch

from train import config as configs
from train import labels as label_sets
from train import runs, teaching
from train.rows import read_rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Train, or go on training, and write `student.pt`."""
    config = configs.load(args.config)
    torch.set_num_threads(config.threads or runs.available_cores())
    table = runs.read_table(config.build / runs.SPLIT)
    names = [row.name for row in label_sets.read(config.data.labels, table["label"].to_pylist())]
    rows = read_rows(config, names)
    student = teaching.train(config, rows, names, config.build)
    with runs.replacing(config.build / runs.STUDENT) as temporary:
        torch.save({"labels": names, "state": student.state_dict()}, temporary)
    return 0
