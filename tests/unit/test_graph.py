"""The hand-written graph equals the network it was made from, and its rows do not depend on each other."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from merchant_classifier.errors import InputError
from merchant_classifier.network import runtime
from merchant_classifier.text import MAX_WORDS
from train.config import Student as Sizes
from train.export import store_half
from train.graph import serving_graph
from train.network import StudentNetwork
from train.reopen import network_weights

pytestmark = pytest.mark.train
SIZES = Sizes(dimensions=24, width=36, heads=3, hidden=52, layers=2, representation=8)


def network(sizes: Sizes) -> StudentNetwork:
    torch.manual_seed(1)
    made = StudentNetwork(sizes, 30).eval()
    with torch.no_grad():
        for parameter in made.parameters():  # biases and norms begin as zeros and ones, which would hide a mistake
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def words(rows: int, positions: int) -> NDArray[np.float32]:
    return np.random.default_rng(positions).normal(size=(rows, positions, SIZES.dimensions)).astype(np.float32)


def answers(sizes: Sizes, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = runtime().InferenceSession(serving_graph(network(sizes), sizes), providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(["logits", "representation"], {"words": batch})
    return outputs


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("positions", [2, 5, 1 + MAX_WORDS])
def test_equals_the_network(layers: int, positions: int) -> None:
    sizes = Sizes(dimensions=24, width=36, heads=3, hidden=52, layers=layers, representation=8)
    batch = words(7, positions)
    with torch.inference_mode():
        expected = [output.numpy() for output in network(sizes)(torch.from_numpy(batch))]
    for got, wanted in zip(answers(sizes, batch), expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=2e-5)


def test_the_weights_come_back_out_of_the_graph() -> None:
    made = network(SIZES)
    found = network_weights(store_half(serving_graph(made, SIZES)), SIZES)
    expected = made.state_dict()
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name].numpy(), atol=2e-3, err_msg=name)
    wider = dataclasses.replace(SIZES, width=48)
    with pytest.raises(InputError, match=r"weights 'position': expected \(\d+, 48\) of them, found \(\d+, 36\)"):
        network_weights(serving_graph(made, SIZES), wider)
    deeper = dataclasses.replace(SIZES, layers=3)
    with pytest.raises(InputError, match=r"weights 'layers.2.*' *: expected .* found \(0,\)"):
        network_weights(serving_graph(made, SIZES), deeper)


def test_rows_do_not_depend_on_each_other() -> None:
    session = runtime().InferenceSession(serving_graph(network(SIZES), SIZES), providers=["CPUExecutionProvider"])
    for positions in range(2, 2 + MAX_WORDS):
        batch = words(9, positions)
        together = session.run(None, {"words": batch})
        alone = [session.run(None, {"words": batch[row : row + 1]}) for row in range(9)]
        for output, values in enumerate(together):
            assert values.tobytes() == np.concatenate([row[output] for row in alone]).tobytes()


def test_is_the_same_file_every_time_and_small() -> None:
    made = network(SIZES)
    assert serving_graph(made, SIZES) == serving_graph(made, SIZES)
