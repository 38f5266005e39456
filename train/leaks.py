"""Were the evaluation rows really unseen? Merchant keys and normalised words, against the rows of training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.text import normalize
from train import runs
from train.judged import Frozen
from train.trained import NOTHING, Trained

HAND_WRITTEN = "golden"
"""Name of the evaluation set of `tests/golden/`."""
_FEWEST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Leaks:
    """Attributes:
    merchants: evaluation merchants that stand in training.
    lines: set of some size -> share of rows whose normalised words (hand-written: text) stand in training.
    """

    merchants: int
    lines: dict[str, float]


@dataclass(frozen=True, slots=True)
class Training:
    """What training has seen.

    Attributes:
        keys: base merchants.
        words: normalised lines.
        texts: lines as written.
    """

    keys: frozenset[str]
    words: frozenset[str]
    texts: frozenset[str]

    @classmethod
    def read(cls, build: Path) -> Training:
        """The training rows of a run."""
        table = runs.read_part(build, runs.TRAIN, ["key", "words", "text"])
        return cls(*(frozenset(column.to_pylist()) for column in table.columns))


def find(rows: Frozen, training: Training, before: Trained = NOTHING) -> Leaks:
    """Compare evaluation rows with training rows, those of the model that training went on from (`before`) included.

    Hand-written lines are of brands that a product must know, so that only the line itself may not be known.
    """
    known = np.array(
        [
            text in training.texts if name == HAND_WRITTEN else normalize(text).text in training.words
            for name, text in zip(rows.sets, rows.texts, strict=True)
        ],
        np.bool_,
    )
    names, counts = np.unique(rows.sets, return_counts=True)
    large = [str(name) for name, count in zip(names, counts, strict=True) if count >= _FEWEST_ROWS]
    shares = {name: float(known[rows.sets == name].mean()) for name in large}
    named = zip(rows.sets, rows.merchants, strict=True)
    known_before = {merchant for name, merchant in named if name != HAND_WRITTEN and before.has(merchant, "")}
    return Leaks(len(training.keys.intersection(rows.merchants) | known_before), shares)


def trained_before(rows: Frozen, before: Trained) -> NDArray[np.bool_]:
    """Rows of merchants or names that another model was trained on, or that its filter takes for such.

    Hand-written lines are of merchants that every model must know.
    """
    columns = zip(rows.sets, rows.merchants, rows.texts, strict=True)
    return np.array(
        [name != HAND_WRITTEN and before.has(merchant, normalize(text).text) for name, merchant, text in columns],
        np.bool_,
    )


def is_manifests(build: Path, manifest: Mapping[str, Any]) -> bool:
    """The run's rows are those whose hash the model's manifest holds; true as well where it holds none."""
    expected = manifest.get("provenance", {}).get("data_sha256")
    if expected is None:
        return True
    return bool(hashlib.sha256(runs.needed(build / runs.SPLIT).read_bytes()).hexdigest() == expected)
