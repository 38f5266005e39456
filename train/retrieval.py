"""Nearest-neighbour classification, alone and mixed with the network: what the study compares fine-tuning with.

Mixing follows Khandelwal et al. 2020 (arXiv 1911.00172): the neighbours' labels,
weighted by a softmax of their similarities, form a distribution that is
interpolated with the network's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.neighbours import Neighbours

NEIGHBOURS = 5
"""Votes of retrieval alone, as many as `explain` shows."""

MIXED_NEIGHBOURS = 20
_SOFTNESS = 0.05


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest merchants of each query, nearest first.

    Attributes:
        labels: label numbers, shape (queries, neighbours).
        similarities: cosines, the same shape.
    """

    labels: NDArray[np.int64]
    similarities: NDArray[np.float32]


class Index:
    """Labelled vectors that can be changed as a store of documents would be: an entry is replaced, others are appended.

    Args:
        vectors: unit vectors, shape (entries, size).
        labels: label number of each, shape (entries,).
        names: normalised words of each; an entry of the same words is replaced.
    """

    def __init__(self, vectors: NDArray[np.float32], labels: NDArray[np.int64], names: Sequence[str]) -> None:
        self.vectors, self.labels, self.names = vectors, labels, list(names)
        self._search = Neighbours.of(vectors, [""] * len(vectors))

    @property
    def nbytes(self) -> int:
        """Bytes a search needs, without names."""
        return self._search.nbytes

    def changed(self, vectors: NDArray[np.float32], labels: NDArray[np.int64], names: Sequence[str]) -> Index:
        """The index with some entries replaced or added."""
        replaced = set(names)
        kept = np.array([name not in replaced for name in self.names])
        return Index(
            np.concatenate([self.vectors[kept], vectors]),
            np.concatenate([self.labels[kept], labels]),
            [name for name in self.names if name not in replaced] + list(names),
        )

    def first(self, count: int) -> Index:
        """The index of the first entries alone."""
        return Index(self.vectors[:count], self.labels[:count], self.names[:count])

    def find(self, queries: NDArray[np.float32], count: int = MIXED_NEIGHBOURS) -> Found:
        """The nearest entries of unit vectors, shape (queries, size)."""
        found = [self._search.search(query, count) for query in queries]
        return Found(
            np.array([self.labels[positions] for positions, _ in found]).reshape(len(queries), -1),
            np.array([similarities for _, similarities in found], np.float32).reshape(len(queries), -1),
        )


def majority(found: Found, count: int = NEIGHBOURS) -> NDArray[np.int64]:
    """The commonest label among the nearest, of several the nearest one's; shape (queries,)."""
    votes = found.labels[:, :count]
    counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    commonest: NDArray[np.int64] = votes[np.arange(len(votes)), counts.argmax(axis=1)]
    return commonest


def distribution(found: Found, labels: int) -> NDArray[np.float64]:
    """The neighbours' labels weighted by nearness, shape (queries, labels)."""
    weights = np.exp((found.similarities - found.similarities[:, :1]) / _SOFTNESS).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    spread = np.zeros((len(weights), labels))
    np.add.at(spread, (np.arange(len(weights))[:, None], found.labels), weights)
    return spread


def best_share(
    network: NDArray[np.float64], neighbours: NDArray[np.float64], truth: NDArray[np.int64], steps: int = 10
) -> float:
    """The neighbours' share in the mixture that is right most often; the smallest of several."""
    shares = [step / steps for step in range(steps + 1)]
    return max(shares, key=lambda share: ((mixed(network, neighbours, share) == truth).mean(), -share))


def mixed(network: NDArray[np.float64], neighbours: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """Best label of the mixture, shape (queries,)."""
    best: NDArray[np.int64] = ((1 - share) * network + share * neighbours).argmax(axis=1)
    return best
