"""Polars: a data frame in, the same with answers out."""

from __future__ import annotations

import polars as pl

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.scoring import Request, Scorer


def score_frame(
    frame: pl.DataFrame,
    column: str,
    classifier: MerchantClassifier,
    *,
    request: Request | None = None,
    suffix: str = "",
) -> pl.DataFrame:
    """Add answers behind the columns of a frame.

    Args:
        frame: any frame; null descriptions count as empty ones.
        column: name of the column with descriptions.
        classifier: the model.
        request: what to answer; the default adds `scoring.FIELDS`.
        suffix: appended to the new columns' names.

    Raises:
        InputError: no such column, it holds something else than text, or a new column's name is taken.
    """
    if column not in frame.columns:
        raise InputError(f"no column {column!r} among {', '.join(frame.columns)}")
    if frame.schema[column] not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(f"column {column!r}: expected text, found {frame.schema[column]}")
    batch = Scorer(classifier, request).answer(frame[column].cast(pl.String).to_arrow()).expand()
    answers = pl.DataFrame({name + suffix: batch.column(name) for name in batch.schema.names})
    taken = set(frame.columns) & set(answers.columns)
    if taken:
        raise InputError(f"the frame has a column {min(taken)!r} already: give a suffix for the new ones")
    return frame.hstack(answers)
