"""Text -> chunks of whole records, always cut at the same places."""

from __future__ import annotations

from collections.abc import Iterator

from merchant_classifier.batch.chunks import CHUNK_BYTES, Chunk, Position
from merchant_classifier.batch.lexing import Dialect, last_boundary
from merchant_classifier.batch.streams import Lookahead

MAX_RECORD = 64 << 20
"""Bytes of one record; a quoted field longer than that counts as never closed."""

NEVER_CLOSED = "a quote opens a field that is never closed"


TOO_LONG = f"longer than {MAX_RECORD >> 20} MiB"


def chunks(text: Lookahead, dialect: Dialect | None, start: Position, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Cut the rest of a text into chunks of whole records.

    Where a chunk ends depends only on where it begins, so a run that resumes
    there makes the same chunks.

    Args:
        text: UTF-8, standing at `start`.
        dialect: how it is written; None where every line is a record.
        start: where it stands.
        size: bytes of a chunk, more when one record is longer.
    """
    newline = dialect.newline if dialect else b"\n"
    while data := text.peek(size):
        length, broken = _cut(text, data, dialect, size)
        if broken:
            length = data.find(newline) + 1 or len(data)
        content = text.take(length)
        end = Position(start.offset + length, start.line + content.count(newline))
        yield Chunk(content, start, end, broken)
        start = end


def _cut(text: Lookahead, data: bytes, dialect: Dialect | None, size: int) -> tuple[int, bool]:
    """Bytes of the next chunk, and whether it is instead one line that begins a record without an end."""
    while True:
        length, is_open = last_boundary(data, dialect) if dialect else (data.rfind(b"\n") + 1, False)
        at_end = len(data) < size
        if at_end and not is_open:
            return len(data), False
        if length:
            return length, False
        if at_end or size >= MAX_RECORD:
            return 0, True
        size *= 2
        data = text.peek(size)
