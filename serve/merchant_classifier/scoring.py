"""Streams of Arrow record batches in, the same with answers out: the one core under files, pandas, DuckDB and Spark.

Payments repeat: the commonest hundred descriptors are a large share of any
statement. So a batch is reduced to its distinct descriptors, those that a
bounded window of earlier batches has answered are looked up, and only the rest
is classified. An answer depends on its descriptor alone, so neither the window
nor the batch size can change one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from merchant_classifier.classifier import JUDGED_AT_ONCE, MerchantClassifier
from merchant_classifier.decision import TOP_CANDIDATES
from merchant_classifier.errors import InputError
from merchant_classifier.prediction import Mode, Prediction
from merchant_classifier.text import MAX_CHARACTERS

try:
    import pyarrow as pa
    import pyarrow.compute as pc
except ModuleNotFoundError as error:
    raise InputError("scoring tables needs pyarrow: pip install 'merchant-classifier[batch]'") from error

FIELDS = ("mcc", "label", "category", "confidence", "reason", "model_version")
"""Columns that are added unless others are asked for."""

MORE_FIELDS = ("merchant", "intermediary", "brand_mcc", "model_mcc", "decided_by")
"""Columns that can be asked for."""

WINDOW = 160_000
"""Distinct descriptors whose answers are remembered: about 50 MB."""

DECIMALS = 4
"""Decimals of a confidence in a table: calibration is not better than that, and text stays short."""

_Answer = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked about each descriptor.

    Attributes:
        fields: columns wanted, of `FIELDS`, `MORE_FIELDS` and `top_fields`.
        mode: how sure an answer must be; None is the classifier's own mode.
    """

    fields: tuple[str, ...] = FIELDS
    mode: Mode | None = None

    def __post_init__(self) -> None:
        unknown = set(self.fields) - set(FIELDS) - set(MORE_FIELDS) - set(top_fields(TOP_CANDIDATES))
        if unknown:
            raise ValueError(f"unknown answer fields: {', '.join(sorted(unknown))}")


def top_fields(count: int) -> tuple[str, ...]:
    """Names of the columns that hold the best `count` candidates."""
    return tuple(f"top{i}_{part}" for i in range(1, count + 1) for part in ("mcc", "label", "confidence"))


def answer_schema(request: Request) -> pa.Schema:
    """Names and types of the answers' columns: text, but for confidences (float64)."""
    return pa.schema([(name, pa.float64() if name.endswith("confidence") else pa.string()) for name in request.fields])


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers for a column of descriptors.

    Attributes:
        distinct: one row for every distinct descriptor.
        descriptors: those descriptors (at most 256 characters of each, as many as are ever read).
        rows: index into `distinct` of every row, int32 (rows,).
        classified: how many of the distinct ones the window did not know.
    """

    distinct: pa.RecordBatch
    descriptors: pa.Array
    rows: pa.Array
    classified: int

    def expand(self) -> pa.RecordBatch:
        """One answer for every row."""
        return pa.RecordBatch.from_arrays(
            [column.take(self.rows) for column in self.distinct.columns], schema=self.distinct.schema
        )


class Scorer:
    """Answers columns of descriptors; remembers the distinct ones it has seen last.

    Args:
        classifier: the model.
        request: what is asked.
        window: distinct descriptors to remember.
    """

    def __init__(self, classifier: MerchantClassifier, request: Request | None = None, *, window: int = WINDOW) -> None:
        self._classifier = classifier
        self._request = request or Request()
        self._schema = answer_schema(self._request)
        self._pick = _picker(self._request.fields)
        self._window = _Window(window)

    def answer(self, descriptors: Any) -> Answers:
        """Answer a column.

        Args:
            descriptors: Arrow array of text, of any length; null is an empty description.
        """
        encoded = _as_read(descriptors).dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        answers, classified = self._window.through(texts, self._classify)
        columns = zip(*answers, strict=True) if answers else [()] * len(self._schema)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, self._schema.types, strict=True)]
        distinct = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return Answers(distinct, encoded.dictionary, encoded.indices, classified)

    def _classify(self, texts: Sequence[str]) -> list[_Answer]:
        starts = range(0, len(texts), JUDGED_AT_ONCE)  # so that few predictions are in memory before they are picked
        parts = (texts[start : start + JUDGED_AT_ONCE] for start in starts)
        answered = (self._classifier.predict_many(part, mode=self._request.mode) for part in parts)
        return [self._pick(prediction) for part in answered for prediction in part]


def score(
    batches: Iterable[pa.RecordBatch],
    classifier: MerchantClassifier,
    column: str,
    *,
    request: Request | None = None,
    suffix: str = "",
    window: int = WINDOW,
) -> Iterator[pa.RecordBatch]:
    """Add answers to record batches; memory is bounded by the largest batch and the window.

    Args:
        batches: any number of batches of one schema.
        classifier: the model.
        column: name of the column with descriptions.
        request: what to answer; the default adds `FIELDS`.
        suffix: appended to the new columns' names, for tables that have one called `mcc` already.
        window: distinct descriptors to remember.

    Yields:
        One batch for each, with its columns and rows in their order and the new columns behind them.

    Raises:
        InputError: there is no such column, it holds no text, or a new column's name is taken.
    """
    scorer = Scorer(classifier, request, window=window)
    for batch in batches:
        index = text_column(batch.schema, column)
        answers = scorer.answer(batch.column(index)).expand()
        names = [*batch.schema.names, *(name + suffix for name in answers.schema.names)]
        taken = set(batch.schema.names) & set(names[batch.num_columns :])
        if taken:
            raise InputError(f"the table has a column {min(taken)!r} already: give a suffix for the new ones")
        yield pa.RecordBatch.from_arrays([*batch.columns, *answers.columns], names=names)


def text_column(schema: pa.Schema, name: str) -> int:
    """Index of the one column of this name.

    Raises:
        InputError: none or several have it, or it is not text.
    """
    found = schema.get_all_field_indices(name)
    if len(found) != 1:
        raise InputError(f"{'no' if not found else 'more than one'} column {name!r} among {', '.join(schema.names)}")
    kind = schema.field(found[0]).type
    if not _is_text(kind):
        raise InputError(f"column {name!r}: expected text, found {kind}")
    return int(found[0])


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    checks = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    return any(check(kind) for check in checks)


def _as_read(descriptors: Any) -> pa.Array:
    """The part of each description that is ever read, as plain text without nulls."""
    if isinstance(descriptors, pa.ChunkedArray):
        descriptors = descriptors.combine_chunks()
    if descriptors.type != pa.string():
        descriptors = descriptors.cast(pa.string())
    descriptors = pc.fill_null(descriptors, "")
    longest = pc.max(pc.binary_length(descriptors)).as_py() or 0
    return descriptors if longest <= MAX_CHARACTERS else pc.utf8_slice_codeunits(descriptors, 0, MAX_CHARACTERS)


def _picker(fields: Sequence[str]) -> Callable[[Prediction], _Answer]:
    """A function from a prediction to the values of these fields."""
    getters = [_getter(field) for field in fields]
    return lambda prediction: tuple([getter(prediction) for getter in getters])


def _getter(field: str) -> Callable[[Prediction], Any]:
    if field == "confidence":
        return lambda prediction: round(prediction.confidence, DECIMALS)
    if field == "reason":
        return lambda prediction: prediction.reason.value
    if field.startswith("top"):
        return _candidate_getter(int(field[3]) - 1, field.partition("_")[2])
    return lambda prediction: getattr(prediction, field)


def _candidate_getter(place: int, part: str) -> Callable[[Prediction], Any]:
    def get(prediction: Prediction) -> Any:
        if place >= len(prediction.candidates):
            return None
        value = getattr(prediction.candidates[place], part)
        return round(value, DECIMALS) if part == "confidence" else value

    return get


class _Window:
    """The answers of the last distinct descriptors.

    Two generations instead of an order of use: when the young one is full it
    becomes the old one, and what is asked for again is young again. So frequent
    descriptors stay, at the price of a dictionary.
    """

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self._young: dict[str, _Answer] = {}
        self._old: dict[str, _Answer] = {}

    def through(
        self, texts: Sequence[str], classify: Callable[[Sequence[str]], list[_Answer]]
    ) -> tuple[list[_Answer], int]:
        """Answers of distinct texts, remembered or classified, and how many were classified."""
        young, old = self._young, self._old
        known = [young.get(text) or old.get(text) for text in texts]
        missing = [text for text, answer in zip(texts, known, strict=True) if answer is None]
        fresh = iter(classify(missing))
        answers = [next(fresh) if answer is None else answer for answer in known]
        self._remember(texts, answers)
        return answers, len(missing)

    def _remember(self, texts: Sequence[str], answers: Sequence[_Answer]) -> None:
        self._young.update(zip(texts, answers, strict=True))
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
