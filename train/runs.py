"""The files in which a run's stages meet, and atomic writing of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from merchant_classifier.errors import InputError

ROWS = "rows.parquet"
SPLIT = "split.parquet"
WORD_TABLE = "word_table.pt"
TEACHER = "teacher"
SOFT_LABELS = "soft_labels.npz"
TEACHER_ANSWERS = "teacher_answers.npz"
STUDENT = "student.pt"
BUNDLE = "bundle"
PREDICTIONS = "predictions.parquet"
METRICS = "metrics.json"

TRAIN, VALIDATION, TEST, LATER = "train", "validation", "test", "later"
"""Values of the column `part` of the split."""

BETWEEN_LABELS = "|"
"""Stands between the labels that count as right for one line, in the column `label` of the predictions."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling to write to; it takes the place of `path` only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a readable JSON file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json_text(value), "utf-8")


def json_text(value: Any) -> str:
    """What `write_json` writes."""
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file an earlier stage wrote.

    Raises:
        InputError: it is not there.
    """
    return json.loads(needed(path).read_text("utf-8"))


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file an earlier stage wrote.

    Raises:
        InputError: it is not there.
    """
    return pq.read_table(needed(path), columns=columns)


def read_part(build: Path, part: str, columns: list[str]) -> pa.Table:
    """Columns of a run's division, the rows of one part of it.

    Raises:
        InputError: the run has none.
    """
    return read_table(build / SPLIT, [*columns, "part"]).filter(pc.field("part") == part).select(columns)


def needed(path: Path) -> Path:
    """`path`, or an error that says which stage makes it."""
    if not path.exists():
        raise InputError(f"{path}: not there yet; run the earlier stages first (`python -m train --help` lists them)")
    return path


def fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 over files, those that are not there included."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"missing")
    return digest.hexdigest()


def available_cores() -> int:
    """Cores this process may use: those it is pinned to, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def label_index(labels: list[str], row_labels: list[str]) -> NDArray[np.int64]:
    """Position of each row's label."""
    position = {label: number for number, label in enumerate(labels)}
    return np.array([position[label] for label in row_labels], np.int64)
