"""Builds `tests/tiny_bundle/`: a real, very small model with hand-made weights, for tests without training.

Thirty labels, ninety trade words, the file formats, inputs and outputs of a
shipped model, and its kinds of operators (attention, layer normalisation, matrix
products), so that contracts about loading, batches and threads mean something.
A known word ("coffee") gives its code with confidence; unknown words give an
honest "don't know". Nothing is random without a seed, so that the same files
come out everywhere:

    python -m tests.tiny_bundle
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from merchant_classifier import MerchantClassifier, bundle
from merchant_classifier.encoding import word_features
from merchant_classifier.text import NORMALIZER_VERSION
from merchant_classifier.word_table import pack

PATH = Path(__file__).with_suffix("")

BUCKETS = 1021
REPRESENTATION = 64
_SEED = 4
_WORD_STRENGTH, _NGRAM_STRENGTH, _NOISE = 1.0, 0.6, 0.02
_GAIN = 9.0

# (mcc or None, text, category, family, its words), labels of one category together.
_LABELS: tuple[tuple[str | None, str, str, str, str], ...] = (
    ("5651", "Family clothing shops", "clothing", "clothes", "clothing fashion zara uniqlo"),
    ("5661", "Shoe shops", "clothing", "shoes", "shoes sneakers footwear"),
    ("8220", "Universities and colleges", "education", "schools", "university college"),
    ("5732", "Electronics shops", "electronics", "appliances", "electronics elektronik mediamarkt"),
    ("6051", "Quasi cash, currency exchange and crypto", "financial", "quasi_cash", "crypto coinbase bitcoin"),
    ("5541", "Petrol stations", "fuel", "petrol", "fuel petrol shell esso"),
    ("7995", "Betting and casinos", "gambling", "betting", "casino betting poker"),
    ("5311", "Department stores", "general_merchandise", "general_stores", "department macys"),
    ("9311", "Taxes", "government", "public_bodies", "tax revenue finanzamt"),
    ("5411", "Supermarkets and grocery shops", "groceries", "food_shops", "supermarket grocery tesco rewe carrefour"),
    ("5462", "Bakeries", "groceries", "bakeries", "bakery boulangerie backerei"),
    ("5912", "Pharmacies", "health", "pharmacy", "pharmacy apotheke farmacia walgreens"),
    ("8021", "Dentists", "health", "8021", "dental dentist"),
    ("5942", "Bookshops", "hobbies_gifts", "books_news", "books bookshop bookstore"),
    ("5200", "Home improvement warehouses", "home_garden", "building_supply", "hardware ikea bauhaus"),
    ("7011", "Hotels and lodging", "lodging", "hotels", "hotel inn hilton marriott"),
    ("7832", "Cinemas", "media_entertainment", "7832", "cinema kino odeon"),
    (None, "Not a merchant: transfer, pay, fee or cash", "not_a_merchant", "not_a_merchant", "transfer salary payroll"),
    ("8398", "Charities", "organizations", "associations", "charity unicef oxfam"),
    ("7230", "Hairdressers and barbers", "personal_care", "beauty", "barber salon coiffeur"),
    ("5995", "Pet shops", "pets", "5995", "pet zooplus"),
    ("7997", "Gyms and membership clubs", "recreation", "sport_clubs", "gym fitness"),
    ("5812", "Restaurants", "restaurants", "eating", "restaurant pizzeria ristorante sushi"),
    ("5813", "Bars, pubs and nightclubs", "restaurants", "eating", "pub tavern nightclub"),
    ("5814", "Fast food and coffee shops", "restaurants", "eating", "coffee cafe starbucks mcdonalds burger"),
    ("4814", "Telephone services", "telecom", "telephony", "vodafone mobile telekom"),
    ("4111", "Local and commuter transport", "transport", "public_transport", "metro transit bus"),
    ("4121", "Taxis and ride hailing", "transport", "4121", "taxi uber lyft"),
    ("4511", "Airlines", "travel", "airlines", "airlines lufthansa ryanair"),
    ("4900", "Electricity, gas, water and waste utilities", "utilities", "utilities", "electric energy"),
)

_BRANDS = {"hilton": "3504", "marriott": "3509", "lufthansa": "3008", "ryanair": "3261"}
_THRESHOLDS = {"precise": (0.9, 0.95), "balanced": (0.6, 0.75), "best_guess": (0.0, 0.0)}
_GOLDEN = (
    "SQ *BLUE BOTTLE COFFEE OAKLAND CA",
    "TESCO STORES 3411 LONDON GB",
    "KARTENZAHLUNG APOTHEKE AM MARKT",
    "HOTEL HILTON MUNICH",
    "UBER *TRIP HELP.UBER.COM CA",
    "SALARY ACME LTD",
    "QWERTZ 0815",
    "boulangerie du port",
)

DIMENSIONS = len(_LABELS) + 2
"""One dimension a label, and two that only carry noise."""


def keywords() -> dict[str, str | None]:
    """Every word the model knows and the MCC it stands for (None: not a merchant)."""
    return {word: mcc for mcc, *_, words in _LABELS for word in words.split()}


def build(folder: Path) -> None:
    """Write the whole bundle into `folder`, the manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / bundle.WORD_TABLE, _word_table())
    (folder / bundle.NETWORK).write_bytes(_network().SerializeToString(deterministic=True))
    _write_json(folder / bundle.LABELS, _labels())
    np.save(folder / bundle.NEIGHBOUR_VECTORS, np.zeros((0, REPRESENTATION), np.int8))
    (folder / bundle.NEIGHBOUR_NAMES).write_text("")
    _write_manifest(folder)
    _write_neighbours(folder)
    _write_manifest(folder)
    _write_golden(folder)


def _word_table() -> NDArray[np.uint8]:
    """Rows of known words and their n-grams point at the label's dimension; every row has a little noise."""
    table = np.random.RandomState(_SEED).uniform(-_NOISE, _NOISE, (BUCKETS, DIMENSIONS)).astype(np.float32)
    for dimension, (*_, words) in enumerate(_LABELS):
        for word in words.split():
            whole, *parts = word_features(word, BUCKETS)
            table[whole, dimension] += _WORD_STRENGTH
            table[parts, dimension] += _NGRAM_STRENGTH / len(parts)
    return pack(table)


class _Graph:
    """Collects nodes and seeded weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.RandomState(_SEED + 1)

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def weight(self, values: NDArray[Any]) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def random(self, *shape: int) -> str:
        values = self._random.uniform(-1, 1, shape) / np.sqrt(shape[0])
        return self.weight(values.astype(np.float32))


def _network() -> onnx.ModelProto:
    """logits = gain * (largest value of each label's dimension over the words) + a little attention over them."""
    graph, width, labels = _Graph(), DIMENSIONS, len(_LABELS)
    ones, zeros = graph.weight(np.ones(width, np.float32)), graph.weight(np.zeros(width, np.float32))
    query = graph.add("MatMul", "words", graph.random(width, width))
    key = graph.add("Transpose", graph.add("MatMul", "words", graph.random(width, width)), perm=[0, 2, 1])
    attended = graph.add("MatMul", graph.add("Softmax", graph.add("MatMul", query, key), axis=-1), "words")
    hidden = graph.add("LayerNormalization", graph.add("Add", "words", attended), ones, zeros, axis=-1)
    hidden = graph.add("Relu", graph.add("MatMul", hidden, graph.random(width, width)))
    axis = graph.weight(np.array([1], np.int64))
    # Position 0 is read, as in the shipped network; a mean would add up in another order when there is one row.
    pooled = graph.add("Gather", hidden, graph.weight(np.array(0, np.int64)), axis=1)
    strongest = graph.add("ReduceMax", "words", axis, keepdims=0)
    pick = graph.weight((_GAIN * np.eye(width, labels)).astype(np.float32))
    learnt = graph.add("Gemm", pooled, graph.random(width, labels))
    graph.add("Add", graph.add("Gemm", strongest, pick), learnt, output="logits")
    represent = graph.add(
        "Gemm", graph.add("Concat", strongest, pooled, axis=1), graph.random(2 * width, REPRESENTATION)
    )
    length = graph.add("ReduceL2", represent, axis, keepdims=1)
    graph.add("Div", represent, length, output="representation")
    return _model(graph, width, labels)


def _model(graph: _Graph, width: int, labels: int) -> onnx.ModelProto:
    def tensor(name: str, *shape: str | int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    outputs = [tensor("logits", "rows", labels), tensor("representation", "rows", REPRESENTATION)]
    body = helper.make_graph(
        graph.nodes, "tiny", [tensor("words", "rows", "positions", width)], outputs, initializer=graph.weights
    )
    model = helper.make_model(body, ir_version=10, opset_imports=[helper.make_opsetid("", 20)], producer_name="tests")
    onnx.checker.check_model(model)
    return model


def _labels() -> dict[str, Any]:
    categories = sorted({category for _, _, category, _, _ in _LABELS})
    return {
        "labels": [
            {"mcc": mcc, "text": text, "category": category, "family": family}
            for mcc, text, category, family, _ in _LABELS
        ],
        "temperature": 1.0,
        "temperature_slope": 0.01,
        "thresholds": {
            mode: {"label": dict.fromkeys(categories, label), "category": dict.fromkeys(categories, category)}
            for mode, (label, category) in _THRESHOLDS.items()
        },
        "brands": _BRANDS,
    }


def _write_neighbours(folder: Path) -> None:
    """One indexed merchant a known word."""
    names = keywords()
    vectors = MerchantClassifier.load(folder).represent(list(names))
    np.save(folder / bundle.NEIGHBOUR_VECTORS, np.rint(vectors * 127).astype(np.int8))
    lines = (f"{word}\t{mcc or 'not_a_merchant'}\ttiny\n" for word, mcc in names.items())
    (folder / bundle.NEIGHBOUR_NAMES).write_text("".join(lines), "utf-8")


def _write_golden(folder: Path) -> None:
    answers = MerchantClassifier.load(folder, mode="best_guess").predict_many(_GOLDEN)
    rows = (
        {"text": text, "mcc": answer.mcc, "category": answer.category, "confidence": round(answer.confidence, 6)}
        for text, answer in zip(_GOLDEN, answers, strict=True)
    )
    (folder / bundle.GOLDEN).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _write_manifest(folder: Path) -> None:
    versions = {
        "format": bundle.FORMAT_VERSION,
        "normalizer": NORMALIZER_VERSION,
        "encoder": bundle.ENCODER_VERSION,
    }
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in bundle.DECIDING_FILES}
    _write_json(folder / bundle.MANIFEST, {"version": "tiny", "versions": versions, "files": hashes})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    build(PATH)
