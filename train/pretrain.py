"""Stage pretrain: teach the student's word table what the base model knows of words.

The base transformer embeds the most frequent words of the rows; their vectors,
reduced to the table's size by principal components, are what the sums of a
word's n-gram rows are fitted to. The student then starts where `orthodontist`
lies beside `dentist`, though no row has told it so yet. Some words are held
out, and the stage prints how close their sums come: that is what the n-grams
alone carry over to words never seen.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from merchant_classifier import bundle as bundles
from merchant_classifier.encoding import word_features
from train import config as configs
from train import reopen, runs, shelf
from train.base_model import embed
from train.config import SHIPPED, Config
from train.device import device

_BATCH = 1024
_LEARNING_RATE = 5e-3
_HELD_OUT_EVERY = 20
_WORD_ROW_DROPOUT = 0.5
_VECTOR_SCALE = 0.5
"""Root mean square of a target's numbers, about what a table starting from noise gives a word."""
_MAX_TOKENS = 12


@dataclass(frozen=True, slots=True)
class Targets:
    """Words, the table rows each is made of, the vector it should sum to, and how much it counts."""

    features: list[NDArray[np.int64]]
    vectors: Tensor
    weights: Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Write `word_table.pt`, or nothing when the configuration starts from noise."""
    config = configs.load(args.config)
    path = config.build / runs.WORD_TABLE
    if config.pretrain.words <= 0:
        path.unlink(missing_ok=True)
        print("pretrain: the word table starts from noise in this configuration")
        return 0
    if config.pretrain.base == SHIPPED:
        table, source = shipped_table(config)
        with runs.replacing(path) as temporary:
            torch.save(table, temporary)
        print(f"pretrain: the word table starts from that of {source}")
        return 0
    torch.set_num_threads(config.threads or runs.available_cores())
    torch.manual_seed(config.seed)
    words, counts = frequent_words(config)
    vectors = reduced(embed(config.pretrain.base, words, _MAX_TOKENS).numpy(), counts, config.student.dimensions)
    targets = Targets(
        [np.array(word_features(word, config.student.buckets), np.int64) for word in words],
        torch.from_numpy(vectors),
        torch.from_numpy(np.sqrt(counts) / np.sqrt(counts).mean()),
    )
    table, held_out = fit_table(config, targets)
    with runs.replacing(path) as temporary:
        torch.save(table, temporary)
    print(f"pretrain: {len(words)} words; held-out words reach cosine {held_out:.3f} with the base model")
    return 0


def shipped_table(config: Config) -> tuple[Tensor, str]:
    """The current model's word table, float32 (buckets, dimensions), and the model's version.

    Raises:
        InputError: its size is not the configuration's.
    """
    shipped = bundles.read(bundles.current(shelf.MODELS))
    return torch.from_numpy(reopen.word_table(shipped, config.student)), shipped.version


def frequent_words(config: Config) -> tuple[list[str], NDArray[np.float32]]:
    """The words of the training rows that occur most, and how often."""
    table = runs.read_table(config.build / runs.SPLIT, ["words", "part"])
    counts: Counter[str] = Counter()
    for line, part in zip(table["words"].to_pylist(), table["part"].to_pylist(), strict=True):
        if part == "train":
            counts.update(word for word in line.split() if not word.endswith("*"))
    chosen = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: config.pretrain.words]
    return [word for word, _ in chosen], np.array([count for _, count in chosen], np.float32)


def reduced(vectors: NDArray[np.float32], counts: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """Principal components of centred vectors, all of one length: float32 (words, dimensions)."""
    weight = np.sqrt(counts)[:, None]
    centred = vectors - (vectors * weight).sum(axis=0) / weight.sum()
    basis = np.linalg.svd(centred.T @ (centred * weight), full_matrices=False)[0][:, :dimensions]
    kept = centred @ basis
    if kept.shape[1] < dimensions:
        kept = np.pad(kept, ((0, 0), (0, dimensions - kept.shape[1])))
    length = np.linalg.norm(kept, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (kept / np.maximum(length, 1e-6) * np.sqrt(dimensions) * _VECTOR_SCALE).astype(
        np.float32
    )
    return scaled


def fit_table(config: Config, targets: Targets) -> tuple[Tensor, float]:
    """Rows whose sums come close to the targets, and the mean cosine of held-out words."""
    sizes = config.student
    table = nn.EmbeddingBag(sizes.buckets, sizes.dimensions, mode="sum")
    nn.init.normal_(table.weight, std=0.02)
    table.to(device())
    targets = Targets(targets.features, targets.vectors.to(device()), targets.weights.to(device()))
    optimizer = torch.optim.Adam(table.parameters(), lr=_LEARNING_RATE)
    numbers = np.arange(len(targets.features))
    held_out = numbers[numbers % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1]
    learnt = np.setdiff1d(numbers, held_out)
    rng, generator = random.Random(config.seed), np.random.default_rng(config.seed)
    for _ in tqdm(range(config.pretrain.epochs), desc="pretrain", unit="epoch"):
        order = generator.permutation(learnt)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            error = (_sums(table, targets, chosen, rng) - targets.vectors[chosen]).square().mean(dim=1)
            loss = (error * targets.weights[chosen]).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    with torch.inference_mode():
        reached = F.cosine_similarity(_sums(table, targets, held_out, None), targets.vectors[held_out])
    return table.weight.detach().cpu(), float(reached.mean()) if len(held_out) else float("nan")


def _sums(table: nn.EmbeddingBag, targets: Targets, chosen: NDArray[np.int64], rng: random.Random | None) -> Tensor:
    """Vectors of the chosen words; with `rng`, some without their own row, so that their n-grams must do."""
    features = [targets.features[number] for number in chosen]
    if rng is not None:
        features = [f[1:] if len(f) > 1 and rng.random() < _WORD_ROW_DROPOUT else f for f in features]
    offsets = np.cumsum([0] + [len(f) for f in features[:-1]])
    where = table.weight.device
    vectors: Tensor = table(torch.from_numpy(np.concatenate(features)).to(where), torch.from_numpy(offsets).to(where))
    return vectors
