"""A pass of the student reads every row as often as its source says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from train.config import Config, Student  # noqa: E402
from train.distill import _Trainer  # noqa: E402
from train.network import Student as Network  # noqa: E402
from train.rows import TrainingRows  # noqa: E402

pytestmark = pytest.mark.train


def test_a_pass_reads_each_row_as_often_as_it_is_repeated(tmp_path: Path) -> None:
    repeat = [1, 3, 2, 1]
    count = len(repeat)
    rows = TrainingRows(
        texts=["A", "B", "C", "D"],
        words=[["a"], ["b", "b"], ["c"], ["d"]],
        countries=[""] * count,
        labels=["x"] * count,
        targets=np.zeros(count, np.int64),
        weights=np.ones(count, np.float32),
        repeat=np.array(repeat),
        soft=None,
    )
    sizes = Student(buckets=10, dimensions=8, width=8, heads=2, hidden=8, representation=4, epochs=2, batch=1)
    trainer = _Trainer(
        Config("test", student=sizes), Network(sizes, 1), rows, tmp_path / "checkpoint", torch.device("cpu")
    )
    read = Counter(int(row) for _, _, chosen in trainer._remaining() for row in chosen)
    assert read == {row: 2 * times for row, times in enumerate(repeat)}
