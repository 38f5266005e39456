"""The stages of `python -m train` in pipeline order: what each is called, where it lives, what it does.

A stage is a module with `add_arguments(parser)` and `run(args) -> int`. Modules
are named here and imported only when asked for, so that a stage without torch
does not wait for torch.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast


class StageModule(Protocol):
    """What a stage's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the stage's own options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work; returns the exit code."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step.

    Attributes:
        name: what the user types.
        module: module that does it.
        summary: one line for `--help`.
        reads: sections of the configuration that decide its result; a stage with any takes `--config`.
        chained: part of what `run` runs.
    """

    name: str
    module: str
    summary: str
    reads: tuple[str, ...] = ()
    chained: bool = False

    def load(self) -> StageModule:
        """Import the stage's module."""
        return cast(StageModule, import_module(self.module))


STAGES = (
    Stage("data", "train.data", "rebuild data/merchants.csv from its packages, with provenance and README tables"),
    Stage("curate", "train.curate", "merge hand-written merchant files into data/curated_merchants.csv"),
    Stage("collect", "train.collect", "read the sources of a configuration into one table of rows", ("data",), True),
    Stage("split", "train.split", "divide the rows by base merchant", ("data", "seed"), True),
    Stage(
        "pretrain",
        "train.pretrain",
        "teach the word table what the base model knows of words",
        ("pretrain", "student", "threads"),
        True,
    ),
    Stage("fit", "train.fit", "fine-tune the teacher and write its soft labels", ("teacher", "threads"), True),
    Stage("distill", "train.distill", "train the student", ("student", "threads"), True),
    Stage("export", "train.export", "write the student as ONNX and prove that it answers the same", ("student",), True),
    Stage("calibrate", "train.calibrate", "fit temperature and thresholds on validation merchants", ("data",), True),
    Stage("pack", "train.pack", "seal the bundle: labels, golden answers, manifest", ("name", "version"), True),
    Stage("evaluate", "train.evaluate", "score the bundle as it serves, on unseen merchants", ("data",), True),
    Stage("baselines", "train.baselines", "train simple models on the same rows and compare", ("baselines",), True),
    Stage("report", "train.report", "write the model's card and its page of results", ("name",), True),
    Stage("stress", "train.stress", "how often answers survive formats, cuts, look-alikes and tricks", ("name",)),
    Stage("gate", "train.gate", "decide whether a new model may take the place of the current one", ("name",)),
    Stage("release", "train.release", "put a bundle into models/ and make it the current one", ("name",)),
    Stage("rollback", "train.rollback", "make the model before the current one current again"),
    Stage("run", "train.pipeline", "run collect to report, skipping what is finished", ("name",)),
    Stage("own", "train.own", "train on your own file of texts and labels, with one command"),
    Stage("rehearsal", "train.rehearsal", "train two quarters on real lines with years; what did the second gain?"),
    Stage("drift", "train.drift", "compare new descriptors with those the model was made for"),
    Stage("gallery", "train.gallery", "write a gallery of disguised names for a reviewer"),
    Stage("doctor", "train.doctor", "rank the probably wrong labels of a file"),
    Stage(
        "study",
        "train.study",
        "compare fine-tuning with retrieval on seen, unseen, new and changed merchants",
        ("name",),
    ),
    Stage("absorb", "train.absorb", "say which rules of a merchant memory a new model has made redundant", ("name",)),
    Stage("label_next", "train.label_next", "choose the descriptors that are worth labelling next"),
)

CHAIN = tuple(stage for stage in STAGES if stage.chained)
"""What `run` runs, in order."""
