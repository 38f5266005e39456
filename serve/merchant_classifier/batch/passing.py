"""Output to standard output: passed on chunk by chunk, with nothing to resume."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from merchant_classifier.batch.chunks import Counts, Outcome, Position
from merchant_classifier.batch.columnar import streams_in, table_writer
from merchant_classifier.batch.journal import Progress, part_of


class Passing:
    """What `Journal` is for files. Use as a context manager.

    Args:
        start: where the input begins.
        rejects: file for rows that could not be read; None drops them.
        schema: of a Parquet or Arrow output; None passes text on.
        parquet: which of the two.
    """

    finished = resumed = False

    def __init__(self, start: Position, rejects: Path | None, schema: Any, parquet: bool) -> None:
        self.progress = Progress(start, Counts())
        self._lines: list[bytes] = []
        self._rejects = rejects
        self._rejects_file: BinaryIO | None = part_of(rejects).open("wb") if rejects else None
        self._out = sys.stdout.buffer
        self._table: Any = table_writer(self._out, schema, parquet, in_place=False) if schema is not None else None

    def begin(self, output: bytes, rejects: bytes) -> None:
        """Write what stands before the first row."""
        self._out.write(output)
        self._reject(rejects)

    def append(self, outcome: Outcome) -> None:
        """Pass on what came of the next chunk."""
        if self._table is None:
            self._out.write(outcome.output)
        elif outcome.output:
            for batch in streams_in(io.BufferedReader(io.BytesIO(outcome.output))):
                self._table.write_batch(batch)
        self._out.flush()
        self._reject(outcome.rejects)
        self._lines.append(outcome.statistics)
        self.progress = Progress(outcome.end, self.progress.counts.plus(outcome.counts))

    def _reject(self, lines: bytes) -> None:
        if self._rejects_file:
            self._rejects_file.write(lines)

    def seal(self) -> None:
        """End the output."""
        if self._table is not None:
            self._table.close()
        self._out.flush()

    def statistics_lines(self) -> Iterator[bytes]:
        """What the chunks' statistics say."""
        return iter([line for line in self._lines if line])

    def assemble(self, schema: Any, parquet: bool) -> None:
        """Nothing is left to be done: `append` writes in the final format."""

    def publish(self, small: Mapping[Path, bytes], *, keep_rejects: bool) -> None:
        """Give the rejects file its name; there is nothing that further files could stand beside."""
        del small, keep_rejects
        if self._rejects and self._rejects_file:
            self._rejects_file.close()
            part_of(self._rejects).replace(self._rejects)

    def __enter__(self) -> Passing:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._rejects and self._rejects_file:
            self._rejects_file.close()
            part_of(self._rejects).unlink(missing_ok=True)
