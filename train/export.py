"""Stage export: the trained student -> `model.onnx` and `words.npy`, and proof that they equal it.

The hashed table is packed to four bits, one scale a row, which is how the training left it. The network
computes in float32, so that no activation scale couples the rows of a batch;
its large weights are stored in float16 and widened once, when the graph is
opened, which halves the file. Both steps are compared with the float32 student
on real descriptors, and the stage fails when they disagree.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.encoding import Encoder
from merchant_classifier.errors import MerchantClassifierError
from merchant_classifier.network import runtime
from merchant_classifier.word_table import WordTable, pack
from train import config as configs
from train import runs
from train.graph import HALF, serving_graph
from train.network import Student

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

NETWORK_TOLERANCE = 2e-4
"""Largest difference of a logit between torch and ONNX Runtime on the same float32 vectors."""

AGREEMENT = 0.995
"""Least share of rows where the shipped pair and the float32 student name the same best label.

The training ends in the table's four bits (`train.teaching.settle`), so only the float16 of the network's weights is
left to differ by; a table rounded without that names another label on 1 to 4 % of rows."""

_COMPARED_ROWS = 2000
_STORED_HALF_FROM = 4096
"""Weights with at least so many numbers are stored in float16."""


class ExportError(MerchantClassifierError):
    """The exported model is not equal to the trained one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Export, compare, write the two files and `parity.json`."""
    config = configs.load(args.config)
    torch.set_num_threads(1)  # rows are compared one by one, and more threads would only wait for each other
    content = torch.load(runs.needed(config.build / runs.STUDENT), weights_only=True)
    student = Student(config.student, len(content["labels"]))
    student.load_state_dict(content["state"])
    student.eval()
    folder = config.build / runs.BUNDLE
    folder.mkdir(parents=True, exist_ok=True)
    packed = pack(student.table.weight.detach().numpy())
    graph = serving_graph(student.network, config.student)
    shipped = store_half(graph)
    parity = compare(student, graph, (shipped, packed), _sample_words(config.build))
    with runs.replacing(folder / bundles.WORD_TABLE) as temporary, temporary.open("wb") as file:
        np.save(file, packed)
    with runs.replacing(folder / bundles.NETWORK) as temporary:
        temporary.write_bytes(shipped)
    runs.write_json(config.build / "parity.json", parity)
    print("export: " + ", ".join(f"{name} {value:.6g}" for name, value in parity.items()))
    return 0


def store_half(graph: bytes) -> bytes:
    """The same network with its large weights stored in float16, each behind a Cast that is folded at loading."""
    model = onnx.load_from_string(graph)
    casts = []
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _STORED_HALF_FROM:
            continue
        name, half = weight.name, weight.name + HALF
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(onnx.helper.make_node("Cast", [half], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    del model.graph.value_info[:]
    return model.SerializeToString()


def compare(
    student: Student, graph: bytes, shipped: tuple[bytes, NDArray[np.uint8]], rows: list[list[str]]
) -> dict[str, float]:
    """Differences between the float32 student, its ONNX network, and the shipped pair.

    Raises:
        ExportError: they are larger than the stated tolerances.
    """
    exact_session, shipped_session = _open(graph), _open(shipped[0])
    exact, packed = Encoder(_ExactTable(student)), Encoder(WordTable(shipped[1]))
    worst, same, drift = 0.0, 0, 0.0
    for words in rows:
        vectors = exact.encode([words])
        with torch.inference_mode():
            reference = student.network(torch.from_numpy(vectors))[0].numpy()
        onnx_logits = exact_session.run(["logits"], {"words": vectors})[0]
        shipped_logits = shipped_session.run(["logits"], {"words": packed.encode([words])})[0]
        worst = max(worst, float(np.abs(onnx_logits - reference).max()))
        drift = max(drift, float(np.abs(shipped_logits - reference).max()))
        same += int(shipped_logits.argmax() == reference.argmax())
    agreement = same / len(rows)
    if worst > NETWORK_TOLERANCE or agreement < AGREEMENT:
        raise ExportError(
            f"the exported network differs: largest logit difference {worst:.2g} (allowed {NETWORK_TOLERANCE}), "
            f"same best label on {agreement:.2%} of {len(rows)} rows (needed {AGREEMENT:.1%})"
        )
    return {"network_max_difference": worst, "shipped_max_difference": drift, "agreement": agreement, "rows": len(rows)}


def _open(graph: bytes) -> InferenceSession:
    session: InferenceSession = runtime().InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session


class _ExactTable:
    """The student's table as it was trained, in float32."""

    def __init__(self, student: Student) -> None:
        self._weight = student.table.weight.detach().numpy()
        self.shape = self._weight.shape

    def rows(self, indices: Sequence[int] | Sequence[Sequence[int]]) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = self._weight[np.array(indices)]
        return rows


def _sample_words(build: Path) -> list[list[str]]:
    lines = [line for line in runs.read_table(build / runs.SPLIT, ["words"])["words"].to_pylist() if line]
    step = max(1, len(lines) // _COMPARED_ROWS)
    return [line.split(" ") for line in lines[::step]]
