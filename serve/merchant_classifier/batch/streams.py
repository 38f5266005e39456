"""Byte streams at the ends: files, standard input, gzip and zstd, text of another encoding made UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from merchant_classifier.batch.formats import STANDARD, Compression
from merchant_classifier.errors import InputError

_BLOCK = 1 << 20


class Stream(Protocol):
    """What is needed of an open file."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


def open_raw(path: str) -> Any:
    """Open a file, or standard input.

    Raises:
        InputError: no such file, or it may not be read.
    """
    if path == STANDARD:
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def as_text(path: str, raw: Any, compression: Compression, encoding: str) -> Stream:
    """A raw file as UTF-8 text.

    Raises:
        InputError: an unknown encoding.
    """
    stream = raw if compression is Compression.NONE else _Decompressed(path, raw, compression)
    return stream if _is_utf8(encoding) else _Transcoded(path, stream, encoding)


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    except LookupError as error:
        raise InputError(
            f"--encoding {encoding}: no encoding of that name; cp1252, latin-1 and utf-16 are common"
        ) from error


def read_fully(stream: Stream, size: int) -> bytes:
    """`size` bytes, less only at the end: pipes give what they have, and chunks must not depend on that."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Lookahead:
    """A stream whose next bytes can be looked at before they are taken."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting = b""

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, less only at the end."""
        if len(self._waiting) < size:
            self._waiting += read_fully(self._stream, size - len(self._waiting))
        return self._waiting[:size]

    def take(self, size: int) -> bytes:
        """The next `size` bytes, for good."""
        taken = self.peek(size)
        self._waiting = self._waiting[size:]
        return taken

    def skip(self, size: int) -> None:
        """Move `size` bytes on, by seeking where the stream can."""
        known = min(size, len(self._waiting))
        self._waiting = self._waiting[known:]
        size -= known
        if size and isinstance(self._stream, io.BufferedReader) and self._stream.seekable():
            self._stream.seek(size, io.SEEK_CUR)
            return
        while size > 0 and (part := self._stream.read(min(size, _BLOCK))):
            size -= len(part)


class _Decompressed:
    """The text inside a compressed file; several members one behind the other are one text."""

    def __init__(self, path: str, raw: Any, compression: Compression) -> None:
        self._path = path
        self._kind = compression.name.lower()
        self._text = pa.CompressedInputStream(pa.PythonFile(raw, "r"), self._kind)
        self._given = 0

    def read(self, size: int, /) -> bytes:
        try:
            data: bytes = self._text.read(size)
        except OSError as error:
            found = f"damaged or cut off after {self._given} bytes of text ({error})"
            raise InputError(f"{self._path}: expected whole {self._kind} data, found it {found}") from error
        self._given += len(data)
        return data


class _Transcoded:
    """Text of another encoding as UTF-8, without a byte order mark."""

    def __init__(self, path: str, raw: Stream, encoding: str) -> None:
        self._path, self._raw, self._encoding = path, raw, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._line = 1
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ready and not self._ended:
            block = self._raw.read(_BLOCK)
            self._ended = not block
            self._ready = self._decode(block)
            self._line += self._ready.count(b"\n")
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def _decode(self, block: bytes) -> bytes:
        try:
            return self._decoder.decode(block, final=self._ended).encode("utf-8", "replace")
        except UnicodeDecodeError as error:
            line = self._line + error.object[: error.start].decode(self._encoding, "replace").count("\n")
            raise InputError(f"{self._path}, line {line}: not {self._encoding} ({error.reason})") from error


def compress(data: bytes, compression: Compression) -> bytes:
    """One member of a compressed file: the same bytes for the same data, on every day."""
    if compression is Compression.GZIP:
        return gzip.compress(data, mtime=0)
    if compression is Compression.ZSTD:
        packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
        return packed
    return data


def fingerprint(path: str) -> str:
    """SHA-256 of a file's bytes, hexadecimal, as `sha256sum` prints it."""
    with Path(path).open("rb") as file:
        return file_digest(file, sha256).hexdigest()
