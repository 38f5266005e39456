"""Which merchants a model was trained on, in about a megabyte: a Bloom filter (Bloom 1970, doi 10.1145/362686.362692).

A merchant moves from one part of the split to another when rows are added. One that
is held out now and was trained on before would be counted as unseen, and is not; so
whoever evaluates a model that others were trained into leaves those merchants out.
The filter never misses one of them. It takes a few others for them, which costs
evaluation a few rows, drawn by a hash, and no honesty. It holds no name that could be
read, so it may say of rows that stay behind that they were trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.errors import InputError
from train import runs
from train.keys import letters

FILE = "trained.npy"
"""Stands beside a bundle's files; serving does not read it."""

_PLACES = 4
"""Bits of an entry."""
_BITS = 6
"""At least so many bits an entry. A full filter takes one entry in seventeen for its own; a merchant asks two."""
_FEWEST_BITS = 1 << 10


class Trained:
    """Base merchants, and the letters of names, of the rows that a model and its ancestors were trained on.

    Args:
        bits: uint8 (a power of two / 8), as `numpy.packbits` gives them.
    """

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self.bits = bits

    @classmethod
    def read(cls, path: Path) -> Trained:
        """The filter of a file.

        Raises:
            InputError: it is not there, or no filter.
        """
        try:
            bits = np.load(path)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path}: expected which merchants the model was trained on, found {error}") from error
        if bits.dtype != np.uint8 or bits.ndim != 1 or not len(bits) or len(bits) & (len(bits) - 1):
            raise InputError(f"{path}: expected uint8, a power of two of them, found {bits.dtype} {bits.shape}")
        return cls(bits)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str]], before: Trained | None = None) -> Trained:
        """Of rows given as base merchant and normalised words, and all that `before` holds.

        What `before` takes wrongly for its own stays so; a model whose filter is `mistaken` too often starts afresh.
        """
        before = before or NOTHING
        entries = {entry for key, words in rows for entry in _entries(key, words)}
        count = before.entries + len(entries) - int(before._held(entries).sum())
        bits = max(8 * len(before.bits), 1 << max(0, _BITS * count - 1).bit_length())
        # An entry's places are those of a smaller filter plus multiples of its size.
        flags = np.tile(np.unpackbits(before.bits), bits // (8 * len(before.bits)))
        flags[_places(entries, bits)] = 1
        return cls(np.packbits(flags))

    @classmethod
    def of_split(cls, build: Path, before: Trained | None = None) -> Trained:
        """Of the training rows of a run."""
        table = runs.read_part(build, runs.TRAIN, ["key", "words"])
        return cls.of(zip(*(column.to_pylist() for column in table.columns), strict=True), before)

    def has(self, key: str, words: str) -> bool:
        """Whether the merchant or its name was among them, or is taken for one."""
        return bool(self._held(_entries(key, words)).any())

    @property
    def entries(self) -> int:
        """About how many entries it holds."""
        return int(-8 * len(self.bits) / _PLACES * float(np.log1p(-min(self._fill, 0.999))))

    @property
    def mistaken(self) -> float:
        """About which share of merchants that it does not hold it takes for its own."""
        return float(1 - (1 - self._fill**_PLACES) ** 2)

    @property
    def _fill(self) -> float:
        return float(np.unpackbits(self.bits).mean())

    def _held(self, entries: Iterable[str]) -> NDArray[np.bool_]:
        """Which of the entries."""
        places = _places(entries, 8 * len(self.bits))
        held: NDArray[np.bool_] = (self.bits[places >> 3] >> (7 - (places & 7)) & 1).all(axis=1)
        return held

    def write(self, path: Path) -> None:
        """Write the filter's bits."""
        with runs.replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, self.bits)


def _entries(key: str, words: str) -> Iterable[str]:
    if key:
        yield f"merchant {key}"
    if spelt := letters(words):
        yield f"letters {spelt}"


def _places(entries: Iterable[str], bits: int) -> NDArray[np.int64]:
    """The bits of every entry, int64 (entries, 4)."""
    digests = b"".join(blake2b(entry.encode(), digest_size=4 * _PLACES).digest() for entry in entries)
    return np.frombuffer(digests, "<u4").astype(np.int64).reshape(-1, _PLACES) & (bits - 1)


NOTHING = Trained(np.zeros(_FEWEST_BITS // 8, np.uint8))
"""Of a model that starts afresh."""
