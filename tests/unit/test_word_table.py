"""The packed table gives back the numbers it was made of, within half a step, and refuses what it cannot be."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.word_table import WordTable, pack

BUCKETS, DIMENSIONS = 97, 8
FILE = Path("words.npy")


def numbers() -> NDArray[np.float32]:
    rng = np.random.default_rng(3)
    return (rng.normal(size=(BUCKETS, DIMENSIONS)) * rng.uniform(1e-3, 10, (BUCKETS, 1))).astype(np.float32)


def saved(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_numbers_come_back_within_half_a_step() -> None:
    table = numbers()
    back = WordTable.from_bytes(FILE, saved(pack(table))).rows(range(BUCKETS))
    step = np.abs(table).max(axis=1, keepdims=True) / 7.5
    assert (np.abs(back - table) <= step * 0.505).all()  # the scale itself is rounded to float16


def test_packed_numbers_are_the_nearest_of_sixteen() -> None:
    row = np.array([[-7.5, -6.5, -0.5, 0.5, 0.6, 1.4, 6.4, 7.5]], np.float32)
    np.testing.assert_array_equal(
        WordTable(pack(row)).rows([0])[0], np.array([-7.5, -6.5, -0.5, 0.5, 0.5, 1.5, 6.5, 7.5], np.float32)
    )


def test_indices_of_two_axes_keep_their_shape() -> None:
    table = WordTable(pack(numbers()))
    rows = table.rows([[1, 2, 3], [4, 5, 6]])
    assert rows.shape == (2, 3, DIMENSIONS)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[1, 2], table.rows([6])[0])


def test_a_row_takes_half_a_byte_a_number_and_two_for_its_scale() -> None:
    packed = pack(numbers())
    assert packed.shape == (BUCKETS, 2 + DIMENSIONS // 2)
    assert WordTable(packed).shape == (BUCKETS, DIMENSIONS)


@pytest.mark.parametrize("value", [0.0, 1e-12, 1e6], ids=["nothing", "tiny", "huge"])
def test_rows_beyond_a_half_precision_scale_stay_finite(value: float) -> None:
    back = WordTable(pack(np.full((3, DIMENSIONS), value, np.float32))).rows([0, 1, 2])
    assert np.isfinite(back).all()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an array",
        saved(np.zeros((4, 34), np.int8)),
        saved(np.zeros((4, 2), np.uint8)),
        saved(np.zeros(34, np.uint8)),
        saved(np.asfortranarray(np.zeros((4, 34), np.uint8))),
        saved(np.zeros((4, 34), np.uint8))[:-1],
    ],
    ids=["empty", "no array", "signed", "without numbers", "one axis", "by column", "cut"],
)
def test_another_file_is_named_as_corrupt(content: bytes) -> None:
    with pytest.raises(BundleCorrupt, match=r"words\.npy"):
        WordTable.from_bytes(FILE, content)
