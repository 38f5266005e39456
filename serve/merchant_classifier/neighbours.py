"""Nearest labelled merchants of a description: the evidence beside an answer. numpy only.

Every indexed merchant is an int8 vector, the pooled representation of the very
forward pass that classifies. The search is exact over all of them, yet reads
only part of the bytes: the vectors are rotated onto their principal axes, the
first of which carry most of their length; a product with those gives an upper
bound of each similarity (Cauchy and Schwarz bound the rest), and the few
merchants whose bound reaches the best similarities found so far are compared in
full.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.prediction import Prediction

STEPS = 127
"""Steps of the int8 vectors: what stands for 1."""

_ENERGY = 0.85
"""Part of the vectors' squared length that the first axes together must carry."""

_BLOCK = 64
_FIRST_LOOK = 64
_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind an answer.

    Attributes:
        prediction: the answer, as `predict` gives it.
        neighbours: the nearest labelled merchants, nearest first; those of the memory have the source `memory#<id>`.
        majority: the label most of them have, of several the nearest one's; None without neighbours.
        agree: whether that is the network's own best label; where it is not, the network is wrong far more often,
            and the text may be of a kind it was not made for. None without neighbours.
    """

    prediction: Prediction
    neighbours: tuple[Neighbour, ...]
    majority: str | None
    agree: bool | None


def majority(neighbours: Sequence[Neighbour]) -> str | None:
    """The most frequent label, of several the one that comes first."""
    counts = Counter(neighbour.label for neighbour in neighbours)
    return max(counts, key=counts.__getitem__, default=None)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One labelled merchant near a description.

    Attributes:
        name: as its source writes it.
        label: MCC, `not_a_merchant`, or a label of the user's own.
        similarity: cosine of the representations, -1 to 1.
        source: where the label comes from.
    """

    name: str
    label: str
    similarity: float
    source: str


class Neighbours:
    """An index of labelled merchants.

    Args:
        vectors: int8, shape (merchants, size): unit vectors times `STEPS`.
        names: UTF-8, one line a merchant: name, label and source between tabs.
    """

    def __init__(self, vectors: NDArray[np.int8], names: bytes) -> None:
        self.vectors = vectors
        self._names = names
        self._ends = np.flatnonzero(np.frombuffer(names, np.uint8) == ord("\n"))
        if len(self._ends) != len(vectors):
            raise ValueError(f"{len(vectors)} vectors and {len(self._ends)} names")

    @classmethod
    def from_bundle(cls, bundle: bundles.Bundle, size: int) -> Neighbours:
        """Read a bundle's index.

        Args:
            bundle: a verified model.
            size: of the network's representation.

        Raises:
            BundleCorrupt: another form, another vector size, or not as many names as vectors.
        """
        path = bundle.directory / bundles.NEIGHBOUR_VECTORS
        try:
            vectors = np.load(io.BytesIO(bundle.files[bundles.NEIGHBOUR_VECTORS]), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise BundleCorrupt(path, "a numpy array", str(error)) from error
        if vectors.dtype != np.int8 or vectors.ndim != 2 or vectors.shape[1] != size:
            raise BundleCorrupt(path, f"int8 (merchants, {size})", f"{vectors.dtype} {vectors.shape}")
        try:
            return cls(vectors, bundle.files[bundles.NEIGHBOUR_NAMES])
        except ValueError as error:
            raise BundleCorrupt(bundle.directory / bundles.NEIGHBOUR_NAMES, "one name a vector", str(error)) from error

    @classmethod
    def of(cls, vectors: NDArray[np.float32], lines: Sequence[str]) -> Neighbours:
        """An index of unit vectors, shape (merchants, size), and as many lines of name, label and source."""
        return cls(np.rint(vectors * STEPS).astype(np.int8), "".join(f"{line}\n" for line in lines).encode())

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def nbytes(self) -> int:
        """Bytes held: vectors, names and, once something was searched, the search's own arrays."""
        searching = self.__dict__.get("_bounds")
        own = sum(part.nbytes for part in searching) if searching else 0
        return self.vectors.nbytes + len(self._names) + self._ends.nbytes + own

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[Neighbour]:
        """The `count` nearest merchants of a unit vector, shape (size,), nearest first; ties in the index's order."""
        positions, similarities = self.search(vector, count)
        return [
            self.at(position, similarity)
            for position, similarity in zip(positions.tolist(), similarities.tolist(), strict=True)
        ]

    def at(self, position: int, similarity: float) -> Neighbour:
        """The merchant at a position of the index."""
        start = int(self._ends[position - 1]) + 1 if position else 0
        name, label, source = self._names[start : int(self._ends[position])].decode().split("\t")
        return Neighbour(name, label, similarity, source)

    def similarities(self, vector: NDArray[np.float32], positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """Cosines of a unit vector and the merchants at some positions.

        The vector is rounded as the index is and the product is taken over integers, which float32 adds without
        error in any order: a similarity does not depend on what is compared beside it.
        """
        query = np.rint(vector * STEPS).astype(np.float32)
        products: NDArray[np.float32] = self.vectors[positions].astype(np.float32) @ query
        return products / np.float32(STEPS * STEPS)

    def search(self, vector: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Positions and similarities of the `count` nearest merchants, nearest first."""
        count = min(count, len(self))
        if not count:
            return np.zeros(0, np.intp), np.zeros(0, np.float32)
        positions = self._worth_comparing(vector, count)
        similarities = self.similarities(vector, positions)
        order = np.argsort(-similarities, kind="stable")[:count]
        return positions[order], similarities[order]

    def _worth_comparing(self, vector: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        """Positions, ascending, of every merchant that may be among the nearest."""
        first_look = max(_FIRST_LOOK, count)
        if len(self) <= first_look * _BLOCK:
            return np.arange(len(self))
        rotation, axes = self._bounds
        turned = (np.rint(vector * STEPS).astype(np.float32) / STEPS) @ rotation
        shown = len(axes) - 1
        weights = np.append(turned[:shown], np.linalg.norm(turned[shown:])).astype(np.float32)
        bounds = weights @ axes
        whole = len(bounds) // _BLOCK * _BLOCK
        highest = bounds[:whole].reshape(-1, _BLOCK).max(axis=1)
        threshold = np.partition(highest, -first_look)[-first_look]
        sample = np.flatnonzero(bounds >= threshold)
        reached = np.partition(self.similarities(vector, sample), -count)[-count]
        return np.flatnonzero(bounds >= reached - _ROUNDING)

    @cached_property
    def _bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rotation onto the principal axes, and the first axes' coordinates with the length of the rest below them.

        Shapes (size, size) and (axes + 1, merchants).
        """
        exact = self.vectors.astype(np.float32) / STEPS
        energy, rotation = np.linalg.eigh((exact.T @ exact).astype(np.float64))
        energy, rotation = energy[::-1], rotation[:, ::-1].astype(np.float32)
        shown = int(np.searchsorted(energy.cumsum(), _ENERGY * energy.sum())) + 1
        axes = np.empty((shown + 1, len(exact)), np.float32)
        np.matmul(rotation[:, :shown].T, exact.T, out=axes[:shown])
        rest = np.einsum("ij,ij->i", exact, exact) - np.einsum("ij,ij->j", axes[:shown], axes[:shown])
        axes[shown] = np.sqrt(np.maximum(rest, 0))
        return rotation, axes
