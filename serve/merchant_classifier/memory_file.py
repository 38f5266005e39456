"""Reads and writes merchant memory files. Standard library only.

A CSV file in UTF-8 with the columns of `rules.COLUMNS`, one rule a line, made
to be edited by hand and kept under version control. Lines that begin with `#`
are comments. Adding keeps every line that is there, so that a difference shows
what was added.
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
class Content:
    """What a file says.

    Attributes:
        rules: in the file's order.
        lines: the line each stands on, counted from 1.
        written: rules by their line as written, for reading the next version of the file.
    """

    rules: tuple[Rule, ...]
    lines: tuple[int, ...]
    written: Mapping[str, Rule]

    def place(self, number: int) -> int:
        """The line of the rule with this number."""
        return next(line for rule, line in zip(self.rules, self.lines, strict=True) if rule.id == number)


def read(path: Path, known: Mapping[str, Rule] | None = None) -> Content:
    """The rules of a file.

    Args:
        path: the file.
        known: `written` of an earlier version: a line found there is not understood again, which makes reading a large
            file with a few new lines quick.

    Raises:
        MemoryFileError: the file cannot be read, or a line is wrong; says which and why.
    """
    known = known or {}
    written: dict[str, Rule] = {}
    rules: list[Rule] = []
    places: list[int] = []
    for place, line in _rule_lines(path):
        rule = known.get(line)
        if rule is None:
            try:
                rule = rule_of(_columns(line))
            except ValueError as error:
                raise MemoryFileError(f"{path}:{place}: {error}") from error
        written[line] = rule
        rules.append(rule)
        places.append(place)
    content = Content(tuple(rules), tuple(places), written)
    _refuse_repeated_ids(path, content)
    return content


def _rule_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that hold a rule, numbered from 1, after the header was checked."""
    header = False
    for place, ended in enumerate(_text(path).split("\n"), start=1):
        line = ended.rstrip("\r")
        if not line or line.isspace():
            continue
        if line[0] == "#":
            title = _TITLE.match(line)
            if title and title.group(1) != "1":
                raise MemoryFileError(f"{path}:{place}: expected format 1, found format {title.group(1)}")
        elif header:
            yield place, line
        elif tuple(line.split(",")) == COLUMNS:
            header = True
        else:
            raise MemoryFileError(f"{path}:{place}: expected the header {','.join(COLUMNS)}")
    if not header:
        raise MemoryFileError(f"{path}:1: expected the header {','.join(COLUMNS)}, found no line")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise MemoryFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        place = error.object[: error.start].count(b"\n") + 1
        raise MemoryFileError(f"{path}:{place}: expected UTF-8 text") from error


def _columns(line: str) -> list[str]:
    """The columns of one line; a rule never goes on in the next one."""
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error


def _refuse_repeated_ids(path: Path, content: Content) -> None:
    if len({rule.id for rule in content.rules}) == len(content.rules):
        return
    first: dict[int, int] = {}
    for rule, place in zip(content.rules, content.lines, strict=True):
        if rule.id in first:
            raise MemoryFileError(f"{path}:{place}: id {rule.id} is taken by line {first[rule.id]}")
        first[rule.id] = place


def append(path: Path, rules: Iterable[NewRule]) -> list[Rule]:
    """Add rules at the end of a file, which is made when it is not there; the file is replaced as a whole.

    Raises:
        MemoryFileError: the file is wrong already; it is left as it is.
        ValueError: nothing comparable is left of a rule's text.
    """
    with _alone_in(path.parent):
        old = read(path).rules if path.exists() else ()
        first = 1 + max((rule.id for rule in old), default=0)
        added = [rule.numbered(first + place) for place, rule in enumerate(rules)]
        content = _text(path) if path.exists() else f"{TITLE}\n{','.join(COLUMNS)}\n"
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
        temporary.write_bytes(content.encode())
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
