"""Rows of words -> the index arrays one training step reads. numpy only.

A step looks every distinct word up once: `features` of all distinct words lie
behind each other, `word_index` says which word stands where. Rows of similar
length share a step, so little is padded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.encoding import pair_features, word_features

Words = Sequence[str]
_LENGTH_SORTED_BATCHES = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's input.

    Attributes:
        word_index: int64 (rows, words), 0 where there is none, else 1 + index of a distinct word.
        word_features, word_offsets: table rows of the distinct words and where each word's begin.
        pair_features, pair_offsets: the same for each row's word pairs.
    """

    word_index: NDArray[np.int64]
    word_features: NDArray[np.int64]
    word_offsets: NDArray[np.int64]
    pair_features: NDArray[np.int64]
    pair_offsets: NDArray[np.int64]

    def arrays(self) -> tuple[NDArray[np.int64], ...]:
        """All five, in the order that `train.network.Student` reads them."""
        return self.word_index, self.word_features, self.word_offsets, self.pair_features, self.pair_offsets


class Batcher:
    """Builds batches; remembers the features of every word it has met.

    Args:
        buckets: rows of the hashed table.
        word_dropout, pair_dropout: as in `train.config.Student`.
    """

    def __init__(self, buckets: int, word_dropout: float = 0.0, pair_dropout: float = 0.0) -> None:
        self._buckets = buckets
        self._word_dropout, self._pair_dropout = word_dropout, pair_dropout
        self._features: dict[str, NDArray[np.int64]] = {}

    def build(self, rows: Sequence[Words], rng: random.Random | None = None) -> Batch:
        """Index arrays of rows that each have at least one word; with `rng`, some features are hidden."""
        numbers: dict[str, int] = {}
        index = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for row, words in zip(index, rows, strict=True):
            row[: len(words)] = [numbers.setdefault(word, len(numbers)) + 1 for word in words]
        features = [self._word(word) for word in numbers]
        pairs = [np.array(pair_features(words, self._buckets)) for words in rows]
        if rng is not None:
            features = [f[1:] if len(f) > 1 and rng.random() < self._word_dropout else f for f in features]
            pairs = [pair[:0] if rng.random() < self._pair_dropout else pair for pair in pairs]
        return Batch(index, np.concatenate(features), _offsets(features), np.concatenate(pairs), _offsets(pairs))

    def _word(self, word: str) -> NDArray[np.int64]:
        found = self._features.get(word)
        if found is None:
            found = self._features[word] = np.array(word_features(word, self._buckets), np.int64)
        return found


def _offsets(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    lengths = np.array([len(part) for part in parts])
    return np.concatenate([[0], lengths.cumsum()[:-1]]).astype(np.int64)


def shuffled_by_length(lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Row numbers of an epoch's batches: random rows, but of similar length within a batch; a short rest is dropped."""
    order = rng.permutation(len(lengths))
    block = size * _LENGTH_SORTED_BATCHES
    for start in range(0, len(order), block):
        rows = order[start : start + block]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        for number in rng.permutation(len(batches)):
            if len(batches[number]) == size or len(order) < size:
                yield batches[number]
