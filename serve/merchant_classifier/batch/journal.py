"""Output that survives `kill -9`: work files beside the output, a journal of what is safe in them, renames at the end.

Each finished chunk appends to up to three streams (output, rejects,
statistics); from time to time they are forced to disk and a line of the journal
says how long each was and how far the input had been read. A run that finds a
journal of the very same work cuts the streams back to those lengths and goes on
from there. Since chunks are always cut at the same places and answers depend on
their descriptor alone, the result has the same bytes as that of a run that was
never interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from merchant_classifier.batch.chunks import Counts, Interrupted, Outcome, Position
from merchant_classifier.batch.columnar import streams_in, table_writer
from merchant_classifier.errors import InputError

SAFE_EVERY = 1.0
"""Seconds between two lines of the journal: no more work than that is done twice."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the large files go: scored rows, and rows that could not be read."""

    output: Path
    rejects: Path


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: the input's next position, and counts so far."""

    position: Position
    counts: Counts


def part_of(path: Path) -> Path:
    """The hidden name a file has while it grows."""
    return path.with_name(f".{path.name}.part")


class Journal:
    """The work files of one output. Use as a context manager: leaving it by an error removes them.

    Args:
        targets: the finished files.
        work: everything that decides the output's bytes; a journal of other work is not resumed.
        start: where the input begins.
        resumable: whether the input can be read again from the middle.

    Attributes:
        progress: where to go on.
        resumed: whether there was something to go on from.
        finished: the earlier run had finished but for the renaming; only `publish` is left.

    Raises:
        InputError: the output cannot be written, or another run is writing it.
    """

    def __init__(self, targets: Targets, work: Mapping[str, Any], start: Position, *, resumable: bool = True) -> None:
        self._targets = targets
        self._path = targets.output.with_name(f".{targets.output.name}.journal")
        self._statistics = targets.output.with_name(f".{targets.output.name}.statistics")
        self._parts = (part_of(targets.output), part_of(targets.rejects), self._statistics)
        self._whole = part_of(targets.output.with_name(f"{targets.output.name}.whole"))
        self._renames: list[tuple[str, str]] = []
        self.progress = Progress(start, Counts())
        self._streams: list[BinaryIO] = []
        self._sizes: list[int] = []
        self._journal = self._lock()
        entries = self._entries(work) if resumable else []
        self.resumed = bool(entries)
        self.finished = self.resumed and "finished" in entries[-1]
        try:
            self._open(entries, work)
        except OSError:
            self.discard()
            raise
        self._safe_at = monotonic()

    def _lock(self) -> BinaryIO:
        output = self._targets.output
        if output.is_dir():
            raise InputError(f"{output}: expected a file to write, found a directory")
        try:
            journal = self._path.open("a+b")
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{output}: another run is writing it") from error
        except OSError as error:
            raise InputError(f"{output}: cannot be written ({error.strerror})") from error
        return journal

    def _entries(self, work: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Lines of a journal of the same work whose streams are all there; a torn last line counts as none."""
        self._journal.seek(0)
        lines = self._journal.read().split(b"\n")[:-1]
        if not lines or lines[0] != _line(work):
            return []
        try:
            entries: list[dict[str, Any]] = [json.loads(line) for line in lines[1:]]
        except ValueError:  # a machine that lost power may have written anything
            return []
        if entries and "finished" not in entries[-1]:
            sizes = [part.stat().st_size if part.exists() else -1 for part in self._parts]
            if any(size < needed for size, needed in zip(sizes, entries[-1]["sizes"], strict=True)):
                return []
        return entries

    def _open(self, entries: list[dict[str, Any]], work: Mapping[str, Any]) -> None:
        """Go on from the last entry, or begin anew."""
        if entries:
            self.progress = Progress(Position(*entries[-1]["position"]), Counts(*entries[-1]["counts"]))
        else:
            self._journal.truncate(0)
            self._write(work)
        if self.finished:
            self._renames = entries[-1]["finished"]
            return
        sizes = entries[-1]["sizes"] if entries else [0] * len(self._parts)
        for part, size in zip(self._parts, sizes, strict=True):
            self._streams.append(part.open("ab"))
            self._streams[-1].truncate(size)

    def append(self, outcome: Outcome) -> None:
        """Add what came of the next chunk."""
        for stream, data in zip(self._streams, (outcome.output, outcome.rejects, outcome.statistics), strict=True):
            stream.write(data)
        self.progress = Progress(outcome.end, self.progress.counts.plus(outcome.counts))
        if monotonic() - self._safe_at >= SAFE_EVERY:
            self.make_safe()

    def begin(self, output: bytes, rejects: bytes) -> None:
        """Write what stands before the first row, unless an earlier run has."""
        if not self.resumed:
            self._streams[0].write(output)
            self._streams[1].write(rejects)
            self.make_safe()

    def make_safe(self) -> None:
        """Force the streams to disk, then say so in the journal."""
        for stream in self._streams:
            stream.flush()
            os.fsync(stream.fileno())
        self._sizes = [stream.tell() for stream in self._streams]
        self._write(self._entry())
        self._safe_at = monotonic()

    def _entry(self) -> dict[str, Any]:
        return {"position": self.progress.position, "counts": self.progress.counts, "sizes": self._sizes}

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._journal.write(_line(entry) + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def seal(self) -> None:
        """End the streams: nothing is appended any more, their files can be read."""
        self.make_safe()
        for stream in self._streams:
            stream.close()

    def statistics_lines(self) -> Iterator[bytes]:
        """What the chunks' statistics say; after `seal`."""
        with self._statistics.open("rb") as file:
            yield from file

    def assemble(self, schema: Any, parquet: bool) -> None:
        """Make one Parquet or Arrow file of the streams that the chunks are; after `seal`."""
        part = part_of(self._targets.output)
        with part.open("rb") as file, table_writer(str(self._whole), schema, parquet, in_place=True) as table:
            for batch in streams_in(file):
                table.write_batch(batch)

    def publish(self, small: Mapping[Path, bytes], *, keep_rejects: bool) -> None:
        """Give all files their names; each appears whole or not at all.

        Args:
            small: content of further files.
            keep_rejects: whether there shall be a rejects file.
        """
        if not self.finished:
            for path, content in small.items():
                part_of(path).write_bytes(content)
            self._write_finished([*self._large(keep_rejects), *small])
        for source, target in self._renames:
            if Path(source).exists():
                Path(source).replace(target)
        if not keep_rejects:
            self._targets.rejects.unlink(missing_ok=True)  # of an earlier run
        self.discard()

    def _large(self, keep_rejects: bool) -> list[Path]:
        return [self._targets.output, *([self._targets.rejects] if keep_rejects else [])]

    def _write_finished(self, targets: list[Path]) -> None:
        """Say in the journal which renames are left, so that they can be done whenever this run ends."""
        sources = {self._targets.output: self._whole if self._whole.exists() else part_of(self._targets.output)}
        self._renames = [(str(sources.get(target, part_of(target))), str(target)) for target in targets]
        self._write(self._entry() | {"finished": self._renames})

    def discard(self) -> None:
        """Remove the work files."""
        self._close()
        for source, _ in self._renames:
            Path(source).unlink(missing_ok=True)
        # The journal first: a run killed in here must not leave one that speaks of files which are gone.
        for path in (self._path, *self._parts, self._whole):
            path.unlink(missing_ok=True)

    def _close(self) -> None:
        for file in (*self._streams, self._journal):
            with contextlib.suppress(OSError):  # a full disk fails again on closing
                file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # An interrupted run is gone on with; after an error nothing half-written may stay.
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, Interrupted):
            self.discard()
        self._close()


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True).encode()
