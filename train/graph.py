"""The student's network as an ONNX graph written node by node, for speed at serving.

torch's exporter turns a few layers into about a hundred nodes, a third of them
arithmetic with shapes, and a single description pays for every node. Here all
linear layers work on rows x positions at once, so that each is one `Gemm` with
its bias (and its Relu, once ONNX Runtime has fused it), and shapes are computed
twice. `train.export` proves that the result equals the network it was made from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from train.config import Student as Sizes
from train.network import StudentNetwork

_OPSET, _IR_VERSION = 20, 10
_BY_HEAD = "by_head"
"""Name of the shape (rows, positions, heads, width of a head)."""
HALF = "_half"
"""What the names of weights that are stored in float16 end with."""


class _Graph:
    """Nodes and weights, collected under names that say what they are."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        self.initializers.setdefault(name, numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self._weights[name])

    def linear(self, x: str, layer: str, name: str = "") -> str:
        return self.add("Gemm", x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias"), name=name, transB=1)

    def norm(self, x: str, layer: str) -> str:
        weight, bias = self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")
        return self.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=1e-5)


def serving_graph(network: StudentNetwork, sizes: Sizes) -> bytes:
    """ONNX bytes of a trained network.

    Input `words` float32 (rows, positions, dimensions); outputs `logits` (rows, labels) and `representation`, unit
    vectors (rows, size). A row's outputs are bit for bit the same in any batch: every product is over the row's own
    positions, and no operator reduces over rows.
    """
    weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    graph = _Graph(_split_attention(weights, sizes))
    width = sizes.width
    shape = graph.add("Shape", "words", end=2)
    by_row = graph.add("Concat", shape, graph.constant("width", [width]), axis=0)
    graph.add("Concat", shape, graph.constant("heads", [sizes.heads, width // sizes.heads]), axis=0, name=_BY_HEAD)
    flat = graph.constant("flat", [-1, width])
    x = graph.linear(graph.add("Reshape", "words", graph.constant("flat_words", [-1, sizes.dimensions])), "project")
    x = graph.add("Add", graph.add("Reshape", x, by_row), _positions(graph))
    x = graph.add("Reshape", graph.norm(x, "input_norm"), flat)
    for number in range(sizes.layers):
        first_only = number == sizes.layers - 1
        normed = queries = graph.norm(x, f"layers.{number}.attention_norm")
        if first_only:
            x, queries = (_first(graph, part, by_row) for part in (x, normed))
        attended = _attention(graph, f"layers.{number}", queries, normed, first_only, sizes)
        x = graph.add("Add", x, graph.linear(graph.add("Reshape", attended, flat), f"layers.{number}.mix"))
        hidden = graph.add(
            "Relu", graph.linear(graph.norm(x, f"layers.{number}.hidden_norm"), f"layers.{number}.widen")
        )
        x = graph.add("Add", x, graph.linear(hidden, f"layers.{number}.narrow"))
    _heads(graph, graph.norm(x, "output_norm"))
    content: bytes = _model(graph, sizes, len(weights["classify.bias"])).SerializeToString(deterministic=True)
    return content


def _split_attention(weights: dict[str, NDArray[np.float32]], sizes: Sizes) -> dict[str, NDArray[np.float32]]:
    """Separate keys from values, and take the scale of attention into the queries."""
    split = dict(weights)
    scale = np.float32((sizes.width // sizes.heads) ** -0.5)
    for layer in (f"layers.{number}" for number in range(sizes.layers)):
        for kind in ("weight", "bias"):
            key_value = weights[f"{layer}.key_value.{kind}"]
            split[f"{layer}.key.{kind}"], split[f"{layer}.value.{kind}"] = np.split(key_value, 2)
            split[f"{layer}.query.{kind}"] = weights[f"{layer}.query.{kind}"] * scale
    return split


def _positions(graph: _Graph) -> str:
    """The learnt vectors of as many positions as there are."""
    count = graph.add("Shape", "words", start=1, end=2)
    zero = graph.constant("zero", [0])
    return graph.add("Slice", graph.weight("position"), zero, count, zero)


def _first(graph: _Graph, x: str, by_row: str) -> str:
    """Position 0 of every row, (rows, width)."""
    return graph.add("Gather", graph.add("Reshape", x, by_row), graph.constant("first", np.array(0)), axis=1)


def _attention(graph: _Graph, layer: str, queries: str, x: str, first_only: bool, sizes: Sizes) -> str:
    """Multi-head attention before its mixing layer."""
    query = graph.linear(queries, f"{layer}.query")
    if first_only:
        one = graph.constant("one_query", [-1, sizes.heads, 1, sizes.width // sizes.heads])
        query = graph.add("Reshape", query, one)
    else:
        query = graph.add("Transpose", graph.add("Reshape", query, _BY_HEAD), perm=[0, 2, 1, 3])
    key = graph.add("Transpose", graph.add("Reshape", graph.linear(x, f"{layer}.key"), _BY_HEAD), perm=[0, 2, 3, 1])
    value = graph.add("Transpose", graph.add("Reshape", graph.linear(x, f"{layer}.value"), _BY_HEAD), perm=[0, 2, 1, 3])
    attended = graph.add("MatMul", graph.add("Softmax", graph.add("MatMul", query, key), axis=-1), value)
    return attended if first_only else graph.add("Transpose", attended, perm=[0, 2, 1, 3])


def _heads(graph: _Graph, pooled: str) -> None:
    """The two outputs."""
    count = graph.add("Shape", "words", start=1, end=2)
    # A product with ones and not ReduceMean, which ONNX Runtime adds up in another order when there is one row.
    one_row = graph.add("Concat", graph.constant("one", [1]), count, axis=0)
    ones = graph.add("ConstantOfShape", one_row, value=numpy_helper.from_array(np.ones(1, np.float32)))
    total = graph.add("Squeeze", graph.add("MatMul", ones, "words"), graph.constant("axis_one", [1]))
    mean = graph.add("Div", total, graph.add("Cast", count, to=TensorProto.FLOAT))
    shortcut = graph.add("Gemm", mean, graph.weight("shortcut.weight"), transB=1)
    graph.add("Add", graph.linear(pooled, "classify"), shortcut, name="logits")
    graph.add("LpNormalization", graph.linear(pooled, "represent"), name="representation", axis=-1, p=2)


def _model(graph: _Graph, sizes: Sizes, labels: int) -> onnx.ModelProto:
    def tensor(name: str, *shape: str | int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    body = helper.make_graph(
        graph.nodes,
        "student",
        [tensor("words", "rows", "positions", sizes.dimensions)],
        [tensor("logits", "rows", labels), tensor("representation", "rows", sizes.representation)],
        list(graph.initializers.values()),
    )
    model = helper.make_model(body, ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", _OPSET)])
    onnx.checker.check_model(model, full_check=True)
    return model
