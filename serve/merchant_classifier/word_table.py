"""The hashed table of word parts as it is shipped: four bits a number, with one scale a row.

The bytes saved buy twice the rows, and so fewer word parts that share one. Rounded
after training, the table names another label on 1 to 4 % of lines, so the training
ends in these very bits (`train/teaching.py`; measured in `train/LOG.md`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.errors import BundleCorrupt

_SCALE_BYTES = 2
"""A row starts with its scale, a float16."""

_LARGEST = 7.5
"""The sixteen steps are -7.5, -6.5 ... 7.5: symmetric, and none is wasted on zero."""

_STEPS = np.arange(16, dtype=np.float32) - _LARGEST

_PAIRS = np.stack([np.tile(_STEPS, 16), np.repeat(_STEPS, 16)], axis=1).view(np.complex64)[:, 0]
"""The two numbers of every byte, the one of the low bits first; a complex64 only because it is taken as one item."""


class WordTable:
    """Rows of the packed table, unpacked when they are read.

    Args:
        packed: uint8, shape (buckets, 2 + dimensions / 2), as `pack` makes it.
    """

    def __init__(self, packed: NDArray[np.uint8]) -> None:
        self._packed = packed
        self.shape = (len(packed), 2 * (packed.shape[1] - _SCALE_BYTES))

    @classmethod
    def from_bytes(cls, path: Path, content: bytes) -> WordTable:
        """The table of a `words.npy`, over these very bytes and not a copy of them.

        Raises:
            BundleCorrupt: another array than uint8 (buckets, 2 + dimensions / 2).
        """
        file = io.BytesIO(content)
        try:
            np.lib.format.read_magic(file)
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
            packed = np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)
        except (ValueError, EOFError, OSError) as error:
            raise BundleCorrupt(path, "a numpy array", str(error)) from error
        if packed.dtype != np.uint8 or packed.ndim != 2 or packed.shape[1] <= _SCALE_BYTES or by_column:
            raise BundleCorrupt(path, "uint8 (buckets, 2 + dimensions / 2) by row", f"{packed.dtype} {packed.shape}")
        return cls(packed)

    def rows(self, indices: Sequence[int] | Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Rows in full precision, float32 (shape of indices, dimensions)."""
        # `take` on contiguous arrays is twice as fast as indexing them: 13 for 26 us on 60 rows.
        packed = self._packed.take(np.array(indices), axis=0)
        rows: NDArray[np.float32] = _PAIRS.take(packed[..., _SCALE_BYTES:]).view(np.float32)
        rows *= packed[..., :_SCALE_BYTES].copy().view(np.float16).astype(np.float32)
        return rows


def pack(table: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A float32 table (buckets, even dimensions) as uint8 (buckets, 2 + dimensions / 2)."""
    half = np.finfo(np.float16)
    largest = np.abs(table).max(axis=1, keepdims=True)
    scale = np.clip(largest / _LARGEST, half.tiny, half.max).astype(np.float16)
    steps = np.clip(np.floor(table / scale.astype(np.float32)), -8, 7).astype(np.int8) + 8
    pairs = steps.astype(np.uint8).reshape(len(table), -1, 2)
    return np.concatenate([scale.view(np.uint8), pairs[:, :, 0] | pairs[:, :, 1] << 4], axis=1)
