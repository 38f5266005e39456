"""Clean words -> the float32 arrays the network reads.

A word's vector is the sum of rows of one hashed table: a row for the whole word
and one for each of its character 3- to 5-grams (as fastText builds words,
Bojanowski et al. 2017, arXiv 1607.04606). So a cut, misspelt or glued word stays
close to the one that was meant, and no vocabulary has to be kept. Position 0
of a description holds the sum of its word-pair rows. The table lives here and
not in the graph because words repeat: their vectors are remembered, and a
descriptor then costs one lookup a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from threading import Lock
from typing import Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

MIN_NGRAM, MAX_NGRAM = 3, 5

REMEMBERED_WORDS = 32_768
"""Bound of the word memory: at 128 dimensions 16 MB."""


def word_features(word: str, buckets: int) -> list[int]:
    """Table rows of one word: the word itself first, then its character n-grams.

    Args:
        word: a clean word, not empty.
        buckets: rows of the table.
    """
    bounded = f"<{word}>".encode()
    rows = [crc32(bounded) % buckets]
    text = f"<{word}>"
    if text.isascii():
        length = len(bounded)
        for size in range(MIN_NGRAM, MAX_NGRAM + 1):
            rows.extend([crc32(bounded[i : i + size]) % buckets for i in range(length - size + 1)])
    else:
        # Scripts without spaces carry meaning in single characters, so their n-grams start at 1.
        for size in range(1, MIN_NGRAM + 1):
            rows.extend([crc32(text[i : i + size].encode()) % buckets for i in range(len(text) - size + 1)])
    return rows


def pair_features(words: Sequence[str], buckets: int) -> list[int]:
    """Table rows of a description's neighbouring word pairs; the start counts as a word."""
    previous = "^"
    rows = []
    for word in words:
        rows.append(crc32(f"{previous} {word}".encode()) % buckets)
        previous = word
    return rows


class Table(Protocol):
    """Rows of numbers by index; `word_table.WordTable` is one.

    Attributes:
        shape: buckets and dimensions.
    """

    shape: tuple[int, int]

    def rows(self, indices: Sequence[int] | Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Float32, shape (shape of indices, dimensions)."""


class _WordMemory:
    """Vectors of words met before. A word's row is written before its slot is published and never changes after."""

    def __init__(self, capacity: int, dimensions: int) -> None:
        self.slots: dict[str, int] = {}
        self.vectors = np.empty((capacity, dimensions), np.float32)

    def fits(self, count: int) -> bool:
        return len(self.slots) + count <= len(self.vectors)

    def add(self, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
        start = len(self.slots)
        self.vectors[start : start + len(words)] = vectors
        self.slots.update(zip(words, range(start, start + len(words)), strict=True))


class Encoder:
    """Turns words into vectors with a table of word parts. Safe to share between threads."""

    def __init__(self, table: Table) -> None:
        self._rows = table.rows
        self._buckets, self.dimensions = table.shape
        self._memory = _WordMemory(REMEMBERED_WORDS, self.dimensions)
        self._learning = Lock()

    def encode(self, batch: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Vectors of descriptions that all have the same number of words, at least one.

        Returns:
            float32, shape (len(batch), 1 + words, dimensions).
        """
        length = len(batch[0])
        vectors = np.empty((len(batch), 1 + length, self.dimensions), np.float32)
        np.add.reduce(self._rows([pair_features(words, self._buckets) for words in batch]), axis=1, out=vectors[:, 0])
        words = list(chain.from_iterable(batch))
        vectors[:, 1:] = self._words(words).reshape(len(batch), length, self.dimensions)
        return vectors

    def renew_lock(self) -> None:
        """For a forked child: the parent's other threads, which may have held the lock, are not there to open it."""
        self._learning = Lock()

    def _words(self, words: list[str]) -> NDArray[np.float32]:
        memory = self._memory
        slots = [*map(memory.slots.get, words)]
        if None in slots:
            memory = self._learn(words)
            slots = [*map(memory.slots.get, words)]
        return memory.vectors.take(slots, axis=0)  # type: ignore[arg-type]  # no None is left

    def _learn(self, words: list[str]) -> _WordMemory:
        """A memory that knows `words`: the present one, or a new one where that is full.

        Readers of the full one finish with it undisturbed.
        """
        with self._learning:
            memory = self._memory
            fresh = [word for word in dict.fromkeys(words) if word not in memory.slots]
            if not fresh:  # another thread was quicker
                return memory
            if not memory.fits(len(fresh)):
                fresh = list(dict.fromkeys(words))
                memory = _WordMemory(max(REMEMBERED_WORDS, len(fresh)), self.dimensions)
            memory.add(fresh, self._word_vectors(fresh))
            self._memory = memory
            return memory

    def _word_vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of words: all their table rows are read at once, then summed word by word."""
        features = [word_features(word, self._buckets) for word in words]
        rows = self._rows(list(chain.from_iterable(features)))
        vectors = np.empty((len(words), self.dimensions), np.float32)
        start = 0
        for index, parts in enumerate(features):
            np.add.reduce(rows[start : start + len(parts)], axis=0, out=vectors[index])
            start += len(parts)
        return vectors
