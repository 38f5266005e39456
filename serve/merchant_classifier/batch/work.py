"""One chunk in, its output out: what a worker does, in this process or in several."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from merchant_classifier.batch.chunks import Chunk, Counts, Outcome, Reject, Rows
from merchant_classifier.batch.formats import Compression
from merchant_classifier.batch.model import Model
from merchant_classifier.batch.statistics import measure
from merchant_classifier.batch.streams import compress
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.scoring import Request, Scorer

REJECTS_HEADER = b"line,reason,raw\n"


class Reader(Protocol):
    """Makes rows of a chunk."""

    def rows(self, chunk: Chunk) -> Rows:
        """The rows of a chunk, readable and rejected."""
        ...


class Writer(Protocol):
    """Makes bytes of rows and their answers."""

    def encode(self, rows: Any, distinct: pa.RecordBatch, indices: pa.Array) -> bytes:
        """The rows as they stand in the output."""
        ...

    def header(self, names: Sequence[str], written: bytes) -> bytes:
        """What stands above them."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a worker needs to know; can be sent to another process.

    Attributes:
        path: the input, for messages.
        reader, writer: of the formats at the ends.
        column: index of the input column with descriptions.
        request: what is asked.
        compression: of the output.
        strict: whether a row that cannot be read stops the run.
        statistics: whether to count for a summary.
        model: which answers.
        window: distinct descriptors that each process remembers.
    """

    path: str
    reader: Reader
    writer: Writer
    column: int
    request: Request
    compression: Compression
    strict: bool
    statistics: bool
    model: Model
    window: int


class Worker:
    """Scores chunks; remembers descriptors from one to the next."""

    def __init__(self, plan: Plan, classifier: MerchantClassifier) -> None:
        self._plan = plan
        self._scorer = Scorer(classifier, plan.request, window=plan.window)

    def __call__(self, chunk: Chunk) -> Outcome:
        """Score one chunk.

        Raises:
            InputError: a row cannot be read, and that stops the run.
        """
        plan = self._plan
        rows = plan.reader.rows(chunk)
        if plan.strict and rows.rejects:
            raise InputError(f"{plan.path}, line {rows.rejects[0].line}: {rows.rejects[0].reason}")
        try:
            answers = self._scorer.answer(rows.column(plan.column))
            output = plan.writer.encode(rows, answers.distinct, answers.rows)
        except pa.ArrowException as error:
            raise InputError(f"{plan.path}, line {chunk.start.line} or later: {error}") from error
        rejected = len(rows.rejects)
        return Outcome(
            end=chunk.end,
            output=compress(output, plan.compression) if output else b"",
            rejects=_reject_lines(rows.rejects),
            statistics=measure(answers).line() if plan.statistics else b"",
            counts=Counts(len(rows) + rejected, len(rows), rejected, rows.blank),
            classified=answers.classified,
            first_reject=rows.rejects[0] if rows.rejects else None,
        )


def outcomes(plan: Plan, classifier: MerchantClassifier, chunks: Iterable[Chunk]) -> Iterator[Outcome]:
    """Score chunks one after the other in this process."""
    return map(Worker(plan, classifier), chunks)


def _reject_lines(rejects: Iterable[Reject]) -> bytes:
    """Lines of the rejects file; bytes that are not UTF-8 stand there as `\\xe9`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for reject in rejects:
        writer.writerow([reject.line, reject.reason, reject.raw.decode("utf-8", "backslashreplace")])
    return text.getvalue().encode()
