"""pandas: a data frame in, the same with answers out."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.scoring import Request, Scorer


def score_frame(
    frame: pd.DataFrame,
    column: str,
    classifier: MerchantClassifier,
    *,
    request: Request | None = None,
    suffix: str = "",
) -> pd.DataFrame:
    """Add answers behind the columns of a frame; its index and its other columns stay as they are.

    Args:
        frame: any frame; missing descriptions count as empty ones.
        column: name of the column with descriptions.
        classifier: the model.
        request: what to answer; the default adds `scoring.FIELDS`.
        suffix: appended to the new columns' names.

    Raises:
        InputError: no such column, it holds something else than text, or a new column's name is taken.
    """
    if column not in frame.columns:
        raise InputError(f"no column {column!r} among {', '.join(map(str, frame.columns))}")
    try:
        descriptions = pa.array(frame[column], pa.string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"column {column!r}: expected text ({error})") from error
    answers = Scorer(classifier, request).answer(descriptions).expand().to_pandas().add_suffix(suffix)
    taken = set(frame.columns) & set(answers.columns)
    if taken:
        raise InputError(f"the frame has a column {min(taken)!r} already: give a suffix for the new ones")
    return pd.concat([frame, answers.set_index(frame.index)], axis=1)
