"""A finished model as a student again: the weights come back out of its bundle.

The four-bit table is the very one that training ended in; the network's large weights are exact to float16.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from merchant_classifier import bundle as bundles
from merchant_classifier.bundle import Bundle
from merchant_classifier.decision import Decider
from merchant_classifier.errors import InputError
from merchant_classifier.word_table import WordTable
from train.config import Student as StudentSizes
from train.graph import HALF
from train.network import StudentNetwork


def weights(directory: Path, sizes: StudentSizes, names: list[str]) -> dict[str, Tensor]:
    """The weights of a model, by their names in `train.network.Student`.

    Raises:
        InputError: it has other labels or other sizes.
        BundleNotFound, BundleCorrupt, BundleIncompatible: it is no model of this version.
    """
    bundle = bundles.read(directory)
    decider = Decider.from_bundle(bundle.directory / bundles.LABELS, bundle.labels)
    if [label.name for label in decider.labels] != names:
        raise InputError(f"{bundle.directory}: expected the {len(names)} labels of this run, found others")
    recorded = bundle.manifest.get("provenance", {}).get("config", {}).get("student", {})
    for name in ("layers", "heads"):
        if recorded.get(name, getattr(sizes, name)) != getattr(sizes, name):
            raise InputError(f"{bundle.directory}: expected {getattr(sizes, name)} {name}, found {recorded[name]}")
    found_weights = {f"network.{name}": w for name, w in network_weights(bundle.files[bundles.NETWORK], sizes).items()}
    found_weights["table.weight"] = word_table(bundle, sizes)
    return {name: torch.from_numpy(values) for name, values in found_weights.items()}


def word_table(bundle: Bundle, sizes: StudentSizes) -> NDArray[np.float32]:
    """A model's word table, (buckets, dimensions).

    Raises:
        InputError: it has another size.
    """
    table = WordTable.from_bytes(bundle.directory / bundles.WORD_TABLE, bundle.files[bundles.WORD_TABLE])
    expected = (sizes.buckets, sizes.dimensions)
    if table.shape != expected:
        raise InputError(
            f"{bundle.directory}: expected a word table of student.buckets and student.dimensions, {expected}, found"
            f" {table.shape}"
        )
    return table.rows(range(table.shape[0]))


def network_weights(content: bytes, sizes: StudentSizes) -> dict[str, NDArray[np.float32]]:
    """The weights of a graph that `train.graph` made, by their names in `train.network.StudentNetwork`.

    Those that `train.export` has stored in float16 are as precise as that.

    Raises:
        InputError: it is a network of other sizes.
    """
    stored = onnx.load_from_string(content).graph.initializer
    found = {weight.name.removesuffix(HALF): numpy_helper.to_array(weight).astype(np.float32) for weight in stored}
    none = np.zeros(0, np.float32)
    scale = np.float32((sizes.width // sizes.heads) ** -0.5)
    for layer in (f"layers.{number}" for number in range(sizes.layers)):
        for kind in ("weight", "bias"):
            pair = [found.get(f"{layer}.{part}.{kind}", none) for part in ("key", "value")]
            found[f"{layer}.key_value.{kind}"] = np.concatenate(pair)
            found[f"{layer}.query.{kind}"] = found.get(f"{layer}.query.{kind}", none) / scale
    with torch.device("meta"):
        expected = StudentNetwork(sizes, len(found.get("classify.bias", none))).state_dict()
    for name, tensor in expected.items():
        shape, shape_found = tuple(tensor.shape), found.get(name, none).shape
        if shape_found != shape:
            raise InputError(f"the network's weights {name!r}: expected {shape} of them, found {shape_found}")
    return {name: found[name] for name in expected}
