"""The training rows as the teacher and the student read them from the split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.errors import InputError
from train import runs
from train.config import Config


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """The teacher's most probable labels of every row: (rows, k) each; probabilities need not sum to 1."""

    labels: NDArray[np.int16]
    probabilities: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """What the student learns from, row by row.

    Attributes:
        repeat: how often a pass reads the row.
        distill: factor of how far the teacher counts on it.
        keys: its base merchant.
    """

    texts: list[str]
    words: list[list[str]]
    countries: list[str]
    labels: list[str]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    repeat: NDArray[np.int64]
    distill: NDArray[np.float32]
    keys: list[str]
    soft: SoftLabels | None

    def where(self, chosen: NDArray[np.bool_]) -> TrainingRows:
        """The chosen rows only, without soft labels."""
        places = np.flatnonzero(chosen)
        return TrainingRows(
            texts=[self.texts[place] for place in places],
            words=[self.words[place] for place in places],
            countries=[self.countries[place] for place in places],
            labels=[self.labels[place] for place in places],
            targets=self.targets[places],
            weights=self.weights[places],
            repeat=self.repeat[places],
            distill=self.distill[places],
            keys=[self.keys[place] for place in places],
            soft=None,
        )


def read_rows(config: Config, names: list[str]) -> TrainingRows:
    """The training part of the split, with the teacher's soft labels if there are any."""
    table = runs.read_table(config.build / runs.SPLIT)
    pairs = zip(table["part"].to_pylist(), table["words"].to_pylist(), strict=True)
    table = table.filter([part == runs.TRAIN and words != "" for part, words in pairs])
    return TrainingRows(
        texts=table["text"].to_pylist(),
        words=[line.split(" ") for line in table["words"].to_pylist()],
        countries=table["country"].to_pylist(),
        labels=table["label"].to_pylist(),
        targets=runs.label_index(names, table["label"].to_pylist()),
        weights=table["weight"].to_numpy().astype(np.float32),
        repeat=table["repeat"].to_numpy().astype(np.int64),
        distill=table["distill"].to_numpy().astype(np.float32),
        keys=table["key"].to_pylist(),
        soft=_soft_labels(config.build / runs.SOFT_LABELS, table.num_rows),
    )


def _soft_labels(path: Path, rows: int) -> SoftLabels | None:
    if not path.exists():
        return None
    with np.load(path) as content:
        soft = SoftLabels(content["labels"], content["probabilities"])
    if len(soft.labels) != rows:
        raise InputError(f"{path}: expected {rows} rows, found {len(soft.labels)}; run the stage fit again")
    return soft
