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
            rows.extend(crc32(bounded[i : i + size]) % buckets for i in range(length - size + 1))
    else:
        # Scripts without spaces carry meaning in single characters, so their n-grams start at 1.
        for size in range(1, MIN_NGRAM + 1):
            rows.extend(crc32(text[i : i + size].encode()) % buckets for i in range(len(text) - size + 1))
    return rows


def pair_features(words: Sequence[str], buckets: int) -> list[int]:
    """Table rows of a description's neighbouring word pairs; the start counts as a word."""
    previous = "^"
    rows = []
    for word in words:
        rows.append(crc32(f"{previous} {word}".encode()) % buckets)
        previous = word
    return rows


class Encoder:
    """Turns words into vectors with a quantised table.

    Args:
        table: int8, shape (buckets, dimensions).
        scale: float32, shape (buckets,): what one step of a row is worth.
    """

    def __init__(self, table: NDArray[np.int8], scale: NDArray[np.float32]) -> None:
        self._table = table
        self._scale = scale[:, None]
        self._buckets, self.dimensions = table.shape
        self._remembered: dict[str, NDArray[np.float32]] = {}

    def _sum_rows(self, rows: list[int]) -> NDArray[np.float32]:
        total: NDArray[np.float32] = (self._table[rows] * self._scale[rows]).sum(axis=0, dtype=np.float32)
        return total

    def _word(self, word: str) -> NDArray[np.float32]:
        vector = self._remembered.get(word)
        if vector is None:
            vector = self._sum_rows(word_features(word, self._buckets))
            if len(self._remembered) >= REMEMBERED_WORDS:
                self._remembered.clear()  # rebinding would race with readers; a cleared dict is merely cold
            self._remembered[word] = vector
        return vector

    def encode(self, batch: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Vectors of descriptions that all have the same number of words, at least one.

        Returns:
            float32, shape (len(batch), 1 + words, dimensions).
        """
        length = len(batch[0])
        vectors = np.empty((len(batch), 1 + length, self.dimensions), np.float32)
        pairs = np.array([pair_features(words, self._buckets) for words in batch])
        vectors[:, 0] = (self._table[pairs] * self._scale[pairs]).sum(axis=1, dtype=np.float32)
        for row, words in zip(vectors, batch, strict=True):
            for position, word in enumerate(words, start=1):
                row[position] = self._word(word)
        return vectors
