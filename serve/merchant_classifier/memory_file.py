"""Reads and writes merchant memory files. Standard library only.

A CSV file in UTF-8 with the columns of `rules.COLUMNS`, made to be edited by
hand and kept under version control. Lines that begin with `#` are comments.
Adding keeps every line that is there, so that a difference shows what was added.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import MemoryFileError
from merchant_classifier.rules import COLUMNS, NewRule, Rule, rule_of

try:
    import fcntl
except ModuleNotFoundError:  # not a POSIX system: writers are not kept apart there
    fcntl = None  # type: ignore[assignment]

TITLE = "# merchant memory, format 1"

_TITLE = re.compile(r"# merchant memory, format (\S+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule and where it stands: the line it begins on, counted from 1, and its columns as written."""

    line: int
    written: tuple[str, ...]
    rule: Rule


def read(path: Path, known: Mapping[tuple[str, ...], Rule] | None = None) -> list[Entry]:
    """The rules of a file, in its order.

    Args:
        path: the file.
        known: rules by their columns as written; a line found here is not understood again, which makes
            reading a large file with a few new lines quick.

    Raises:
        MemoryFileError: the file cannot be read, or a line is wrong; says which and why.
    """
    try:
        content = path.read_text("utf-8-sig")
    except OSError as error:
        raise MemoryFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise MemoryFileError(f"{path}:{line}: expected UTF-8 text") from error
    entries = list(_entries(path, content, known or {}))
    lines: dict[int, int] = {}
    for entry in entries:
        first = lines.setdefault(entry.rule.id, entry.line)
        if first != entry.line:
            raise MemoryFileError(f"{path}:{entry.line}: id {entry.rule.id} is taken by line {first}")
    return entries


def _entries(path: Path, content: str, known: Mapping[tuple[str, ...], Rule]) -> Iterator[Entry]:
    header = False
    for line, row in _rows(path, content):
        if not header:
            if tuple(row) != COLUMNS:
                raise MemoryFileError(f"{path}:{line}: expected the header {','.join(COLUMNS)}")
            header = True
            continue
        written = tuple(row)
        try:
            yield Entry(line, written, known.get(written) or rule_of(written))
        except ValueError as error:
            raise MemoryFileError(f"{path}:{line}: {error}") from error
    if not header:
        raise MemoryFileError(f"{path}:1: expected the header {','.join(COLUMNS)}, found an empty file")


def _rows(path: Path, content: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are neither empty nor comments, with the line each begins on."""
    title = _TITLE.match(content)
    if title and title.group(1) != "1":
        raise MemoryFileError(f"{path}:1: expected format 1, found format {title.group(1)}")
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if row and not row[0].startswith("#"):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise MemoryFileError(f"{path}:{line}: not CSV: {error}") from error


def append(path: Path, rules: Iterable[NewRule]) -> list[Rule]:
    """Add rules at the end of a file, which is made when it is not there; the file is replaced as a whole.

    Raises:
        MemoryFileError: the file is wrong already; it is left as it is.
        ValueError: nothing comparable is left of a rule's text.
    """
    with _alone_in(path.parent):
        old = [entry.rule for entry in read(path)] if path.exists() else []
        first = 1 + max((rule.id for rule in old), default=0)
        added = [rule.numbered(first + place) for place, rule in enumerate(rules)]
        content = path.read_text("utf-8-sig") if path.exists() else f"{TITLE}\n{','.join(COLUMNS)}\n"
        _replace(path, content + "\n" * (not content.endswith("\n")) + lines(added))
    return added


def lines(rules: Iterable[Rule]) -> str:
    """Rules as they stand in a file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rule.fields() for rule in rules)
    return out.getvalue()


def _replace(path: Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(content, "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other writers of this folder's memory files waiting."""
    handle = os.open(folder, os.O_RDONLY) if fcntl else -1
    try:
        if fcntl:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if fcntl:
            os.close(handle)
