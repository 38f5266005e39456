"""Apache Spark: `mapInArrow` over the cluster, the model sent to every executor once.

from merchant_classifier.adapters.spark import score_frame
scored = score_frame(spark.read.parquet("transactions"), "description", "models/2026.4")

The executors need this package, pyarrow, numpy and onnxruntime installed; the
model itself travels with the job.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from pyspark import SparkFiles
from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from merchant_classifier import bundle
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.scoring import Request, answer_schema, score

_Batches = Iterator[pa.RecordBatch]


def score_frame(
    frame: DataFrame,
    column: str,
    model: str | Path | None = None,
    *,
    request: Request | None = None,
    suffix: str = "",
) -> DataFrame:
    """Add answers behind the columns of a Spark data frame, when an action asks for them.

    Args:
        frame: any frame; null descriptions count as empty ones.
        column: name of the column with descriptions.
        model: directory of a model on this machine; None is the one that ships with the package.
        request: what to answer; the default adds `scoring.FIELDS`.
        suffix: appended to the new columns' names.

    Raises:
        InputError: no such column, it is not text, or a new column's name is taken.
        BundleError: the model must not be used.
    """
    request = request or Request()
    _check(frame, column)
    schema = StructType([*frame.schema.fields, *_answer_fields(frame, request, suffix)])
    name, identity = _send(frame, Path(model) if model is not None else bundle.shipped())
    return frame.mapInArrow(_scorer(name, identity, column, request, suffix), schema)


def _check(frame: DataFrame, column: str) -> None:
    if column not in frame.columns:
        raise InputError(f"no column {column!r} among {', '.join(frame.columns)}")
    kind = frame.schema[column].dataType
    if not isinstance(kind, StringType):
        raise InputError(f"column {column!r}: expected text, found {kind.simpleString()}")


def _answer_fields(frame: DataFrame, request: Request, suffix: str) -> list[StructField]:
    fields = [
        StructField(field.name + suffix, DoubleType() if pa.types.is_floating(field.type) else StringType())
        for field in answer_schema(request)
    ]
    taken = {field.name for field in fields} & set(frame.columns)
    if taken:
        raise InputError(f"the frame has a column {min(taken)!r} already: give a suffix for the new ones")
    return fields


def _send(frame: DataFrame, model: Path) -> tuple[str, str]:
    """Send a verified model to all executors, present and future; returns its name there and its identity."""
    directory = bundle.current(model) if (model / "CURRENT").is_file() else model
    identity = bundle.read(directory).identity
    name = f"merchant-classifier-{identity[:16]}"
    context = frame.sparkSession.sparkContext
    if not any(name in archive for archive in context.listArchives):
        packed = Path(tempfile.mkdtemp(prefix=f"{name}-")) / name
        shutil.make_archive(str(packed), "zip", directory)
        context.addArchive(f"{packed}.zip#{name}")
    return name, identity


def _scorer(name: str, identity: str, column: str, request: Request, suffix: str) -> Callable[[_Batches], _Batches]:
    def run(batches: _Batches) -> _Batches:
        return score(batches, _model(name, identity), column, request=request, suffix=suffix)

    return run


@lru_cache(maxsize=2)
def _model(name: str, identity: str) -> MerchantClassifier:
    """The model on an executor, opened once by each Python process there: Spark uses them again for later tasks."""
    return MerchantClassifier.load(SparkFiles.get(name), expected_sha256=identity)
