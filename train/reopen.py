"""A finished model as a student again: the weights come back out of its bundle.

The four-bit table is the very one that training ended in; the network's large weights are exact to float16.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from merchant_classifier import bundle as bundles
from merchant_classifier.decision import Label
from merchant_classifier.errors import InputError
from merchant_classifier.word_table import WordTable
from train.config import Student as StudentSizes
from train.graph import trained_weights


def weights(directory: Path, sizes: StudentSizes, names: list[str]) -> dict[str, Tensor]:
    """The weights of a model, by their names in `train.network.Student`.

    Raises:
        InputError: it has other labels or other sizes.
        BundleNotFound, BundleCorrupt, BundleIncompatible: it is no model of this version.
    """
    bundle = bundles.read(directory)
    found = [Label(row["mcc"], row["text"], row["category"], row["family"]) for row in bundle.labels["labels"]]
    if [label.name for label in found] != names:
        raise InputError(f"{bundle.directory}: expected the {len(names)} labels of this run, found others")
    table = WordTable.from_bytes(bundle.directory / bundles.WORD_TABLE, bundle.files[bundles.WORD_TABLE])
    expected = (sizes.buckets, sizes.dimensions)
    if table.shape != expected:
        raise InputError(f"{bundle.directory}: expected a word table of {expected}, found {table.shape}")
    found_weights = {f"network.{name}": w for name, w in trained_weights(bundle.files[bundles.NETWORK], sizes).items()}
    found_weights["table.weight"] = table.rows(range(table.shape[0]))
    return {name: torch.from_numpy(values) for name, values in found_weights.items()}
