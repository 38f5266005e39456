"""JSON lines: rows of a chunk, and rows written back as they were with the answers as further members."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from merchant_classifier.batch.chunks import Chunk, Reject
from merchant_classifier.batch.cutting import TOO_LONG
from merchant_classifier.batch.delimited import content, not_utf8
from merchant_classifier.errors import InputError


@dataclass(frozen=True, slots=True)
class JsonReader:
    """Makes rows of a chunk.

    Attributes:
        path: for messages.
        names: members that become columns, when the output has columns.
        column: index in `names` of the member with descriptions.
        closed: whether a line with a member that is not in `names` is rejected, since the output has no place for it.
        wrong_bytes: whether lines that are not UTF-8 are rejected; else they stop the run.
    """

    path: str
    names: tuple[str, ...]
    column: int
    closed: bool
    wrong_bytes: bool = False

    def rows(self, chunk: Chunk) -> JsonRows:
        """The rows of a chunk.

        Raises:
            InputError: not UTF-8, and that is no reason to reject only the row.
        """
        rows = JsonRows(self.names)
        if chunk.broken:
            rows.rejects.append(Reject(chunk.start.line, TOO_LONG, chunk.content))
            return rows
        lines = chunk.content.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for number, line in enumerate(lines, start=chunk.start.line):
            self._add(rows, number, line.strip())
        return rows

    def _add(self, rows: JsonRows, number: int, line: bytes) -> None:
        if not line:
            rows.blank += 1
            return
        found = self._object(number, line)
        if isinstance(found, str):
            rows.rejects.append(Reject(number, found, line))
        else:
            rows.objects.append(found)
            rows.lines.append(line)

    def _object(self, number: int, line: bytes) -> dict[str, Any] | str:
        """The object of a line, or why there is none."""
        try:
            value = json.loads(line.decode())
        except UnicodeDecodeError as error:
            if not self.wrong_bytes:
                raise InputError(not_utf8(self.path, number, line[error.start])) from None
            return f"not UTF-8 (byte 0x{line[error.start]:02X})"
        except ValueError as error:
            return f"not JSON ({error})"
        except RecursionError:
            return "JSON nested too deep"
        if not isinstance(value, dict):
            return f"expected a JSON object, found {type(value).__name__}"
        return self._fault(value) or value

    def _fault(self, value: dict[str, Any]) -> str | None:
        name = self.names[self.column]
        if not isinstance(value.get(name), str | None):
            return f"member {name!r}: expected text, found {type(value[name]).__name__}"
        unknown = value.keys() - set(self.names) if self.closed else ()
        return f"member {min(unknown)!r} stands in none of the first lines" if unknown else None


class JsonRows:
    """Readable lines of a chunk.

    Attributes:
        objects: what they say.
        lines: how they are written.
        rejects, blank: what is no row.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.objects: list[dict[str, Any]] = []
        self.lines: list[bytes] = []
        self.rejects: list[Reject] = []
        self.blank = 0

    def __len__(self) -> int:
        return len(self.objects)

    def column(self, index: int) -> pa.Array:
        """One member as text: numbers, lists and so on as JSON, null and nothing as null."""
        name = self._names[index]
        return pa.array([_text(value.get(name)) for value in self.objects], pa.string())


def _text(value: Any) -> str | None:
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class JsonWriter:
    """Writes rows as JSON lines; lines of a JSON lines file keep their very bytes.

    Attributes:
        names: of the output's members.
        selected: output members: the index of an input column, or the name of an answer.
        width: columns of the input.
        same: whether the input is JSON lines.
    """

    names: tuple[str, ...]
    selected: tuple[int | str, ...]
    width: int
    same: bool

    def encode(self, rows: Any, distinct: pa.RecordBatch, indices: pa.Array) -> bytes:
        """Lines of the rows; see `DelimitedWriter.encode`."""
        if not len(rows):
            return b""
        if self.same and self.selected[: self.width] == tuple(range(self.width)):
            return self._extended(rows.lines, distinct, indices)
        own = {c: self._values(rows, c) for c in self.selected if isinstance(c, int)}
        answers = {c: distinct.column(c).take(indices).to_pylist() for c in self.selected if isinstance(c, str)}
        columns = [own[c] if isinstance(c, int) else answers[c] for c in self.selected]
        lines = [_dump(dict(zip(self.names, row, strict=True))) for row in zip(*columns, strict=True)]
        return "".join(line + "\n" for line in lines).encode()

    def _values(self, rows: Any, column: int) -> list[Any]:
        if self.same:
            name = self.names[self.selected.index(column)]
            return [value.get(name) for value in rows.objects]
        values: list[Any] = rows.column(column).to_pylist()
        return values

    def _extended(self, lines: Sequence[bytes], distinct: pa.RecordBatch, indices: pa.Array) -> bytes:
        """Each line with its answers before the closing brace; they are written once for each distinct descriptor."""
        fields = [str(column) for column in self.selected[self.width :]]
        names = self.names[self.width :]
        columns = [distinct.column(field).to_pylist() for field in fields]
        members = [_dump(dict(zip(names, row, strict=True)))[1:].encode() for row in zip(*columns, strict=True)]
        behind = pa.array(members, pa.binary()).take(indices)
        open_lines = pa.array([_opened(line) for line in lines], pa.binary())
        return content(pc.binary_join_element_wise(open_lines, behind, b"\n", b""))

    def header(self, names: Sequence[str], written: bytes) -> bytes:
        """JSON lines have none."""
        del names, written
        return b""


def _opened(line: bytes) -> bytes:
    """An object without its closing brace, ready for a further member."""
    body = line[:-1].rstrip()
    return body if body == b"{" else body + b", "


def _dump(row: dict[str, Any]) -> str:
    return json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
