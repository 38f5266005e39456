"""Were the evaluation rows really unseen? Merchant keys and normalised words, against the rows of training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from merchant_classifier.text import normalize
from train import runs
from train.judged import Frozen


@dataclass(frozen=True, slots=True)
class Leaks:
    """Attributes:
    merchants: evaluation merchants that stand in training.
    lines: set -> share of rows whose normalised words stand in training.
    """

    merchants: int
    lines: dict[str, float]


def find(rows: Frozen, keys: set[str], words: set[str]) -> Leaks:
    """Compare evaluation rows with the keys and the normalised words of training rows."""
    known = np.array([normalize(text).text in words for text in rows.texts])
    shares = {str(name): float(known[rows.sets == name].mean()) for name in np.unique(rows.sets)}
    return Leaks(len({key for key in rows.merchants if key in keys}), shares)


def training(build: Path) -> tuple[set[str], set[str]]:
    """Merchant keys and normalised words of a run's training rows."""
    table = runs.read_table(build / runs.SPLIT, ["part", "key", "words"]).to_pydict()
    at = [number for number, part in enumerate(table["part"]) if part == "train"]
    return {table["key"][i] for i in at}, {table["words"][i] for i in at}


def is_manifests(build: Path, manifest: Mapping[str, Any]) -> bool:
    """The run's rows are those whose hash the model's manifest holds; true as well where it holds none."""
    expected = manifest.get("provenance", {}).get("data_sha256")
    if expected is None:
        return True
    return bool(hashlib.sha256(runs.needed(build / runs.SPLIT).read_bytes()).hexdigest() == expected)
