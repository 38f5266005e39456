"""Nearest labelled merchants of a description: the evidence beside an answer. numpy only.

Every indexed merchant is an int8 vector, the pooled representation of the very
forward pass that classifies. An index of up to `EXACT` merchants, as models ship
with, is compared in full. In a larger one that would take longer than an answer
may (5 ms at 200,000 merchants), so its merchants are grouped around centres when
it is opened (spherical k-means) and only the groups nearest to a description are
compared, a tenth of all merchants; of the ten nearest merchants that finds 99 %.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.prediction import Prediction

STEPS = 127
"""Steps of the int8 vectors: what stands for 1."""

EXACT = 32_768
"""Merchants up to which a search compares all."""

_GROUPS = 512
_COMPARED = 0.1
_SAMPLE = 16_384
_ROUNDS = 5
_BLOCK = 8192


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
        self._groups = _Groups(vectors) if len(vectors) > EXACT else None

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
        """Bytes held: vectors, names and the groups of a large index."""
        grouped = self._groups.nbytes if self._groups else 0
        return self.vectors.nbytes + len(self._names) + self._ends.nbytes + grouped

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
        """Cosines of a unit vector and the merchants at some positions; see `_cosines`."""
        return _cosines(vector, self.vectors[positions])

    def search(self, vector: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Positions and similarities of the `count` nearest merchants, nearest first, ties in the index's order."""
        if self._groups is None:
            positions, similarities = np.arange(len(self)), _cosines(vector, self.vectors)
        else:
            positions, similarities = self._groups.near(vector)
        count = min(count, len(positions))
        if not count:
            return positions, similarities
        reached = np.partition(similarities, -count)[-count]
        best = np.flatnonzero(similarities >= reached)
        order = np.lexsort((positions[best], -similarities[best]))[:count]
        return positions[best[order]], similarities[best[order]]


class _Groups:
    """Merchants of a large index, those of a group behind each other.

    Args:
        vectors: int8, shape (merchants, size).
    """

    def __init__(self, vectors: NDArray[np.int8]) -> None:
        self._centres = _centres(vectors)
        member = np.concatenate([part.argmax(axis=1) for part in _products(vectors, self._centres)])
        self._order = np.argsort(member, kind="stable")
        self._vectors = vectors[self._order]
        self._starts = np.searchsorted(member[self._order], np.arange(len(self._centres) + 1))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in (self._centres, self._order, self._vectors, self._starts))

    def near(self, vector: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Positions and similarities of the merchants of the nearest groups, a tenth of all or a little more."""
        nearest = np.argsort(-(self._centres @ vector))
        sizes = self._starts[nearest + 1] - self._starts[nearest]
        enough = int(np.searchsorted(sizes.cumsum(), _COMPARED * len(self._order))) + 1
        parts = [slice(self._starts[group], self._starts[group + 1]) for group in nearest[:enough]]
        positions = np.concatenate([self._order[part] for part in parts])
        return positions, np.concatenate([_cosines(vector, self._vectors[part]) for part in parts])


def _cosines(vector: NDArray[np.float32], vectors: NDArray[np.int8]) -> NDArray[np.float32]:
    """Cosines of a unit vector and int8 vectors, shape (merchants,).

    The vector is rounded as the index is and the product is taken over integers, which float32 adds without error in
    any order: a similarity does not depend on what is compared beside it.
    """
    query = np.rint(vector * STEPS).astype(np.float32)
    products = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        np.matmul(vectors[start : start + _BLOCK].astype(np.float32), query, out=products[start : start + _BLOCK])
    products /= STEPS * STEPS
    return products


def _centres(vectors: NDArray[np.int8]) -> NDArray[np.float32]:
    """Unit vectors that an even sample of merchants gathers around, shape (groups, size)."""
    sample = vectors[np.linspace(0, len(vectors) - 1, _SAMPLE, dtype=np.intp)]
    exact = sample.astype(np.float32)
    centres = exact[np.linspace(0, _SAMPLE - 1, _GROUPS, dtype=np.intp)]
    for _ in range(_ROUNDS):
        centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1)
        member = np.concatenate([part.argmax(axis=1) for part in _products(sample, centres)])
        sums = np.zeros_like(centres)
        np.add.at(sums, member, exact)
        centres = np.where(sums.any(axis=1, keepdims=True), sums, centres)
    lengths = np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1)
    result: NDArray[np.float32] = (centres / lengths).astype(np.float32)
    return result


def _products(vectors: NDArray[np.int8], centres: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Products with the centres, block by block, shape (merchants of the block, groups)."""
    for start in range(0, len(vectors), _BLOCK):
        yield vectors[start : start + _BLOCK].astype(np.float32) @ centres.T
