"""A model is a directory with a name; this module knows its files and refuses what does not fit.

`manifest.json` is written last and holds the SHA-256 of every file that decides
behaviour, so a half-copied model has no manifest and a changed one does not
hash. The SHA-256 of the manifest itself is the bundle's identity. `read`
returns the very bytes it hashed: what was verified is what is served.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from merchant_classifier.errors import BundleCorrupt, BundleIncompatible, BundleNotFound
from merchant_classifier.signing import verify_signature
from merchant_classifier.text import NORMALIZER_VERSION

FORMAT_VERSION = 3
"""What is written. Since 3 the temperature has a slope; models of format 2 are read as having none."""
ENCODER_VERSION = 1
"""Raised with any change of the features a word is made of (`encoding.word_features`)."""

CURRENT = "CURRENT"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
NETWORK = "model.onnx"
WORD_TABLE = "words.npy"
LABELS = "labels.json"
NEIGHBOUR_VECTORS = "neighbours.npy"
NEIGHBOUR_NAMES = "neighbours.tsv"
GOLDEN = "golden.jsonl"
DECIDING_FILES = (NETWORK, WORD_TABLE, LABELS, NEIGHBOUR_VECTORS, NEIGHBOUR_NAMES)
"""Files whose bytes decide answers; the manifest holds a hash of each."""

_READ = {"format": (2, FORMAT_VERSION), "normalizer": (NORMALIZER_VERSION,), "encoder": (ENCODER_VERSION,)}
"""Versions of each part that this package serves."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The verified content of a model directory."""

    directory: Path
    version: str
    identity: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def labels(self) -> dict[str, Any]:
        """The parsed `labels.json`."""
        return parse_json(self.directory / LABELS, self.files[LABELS])


def read(directory: str | Path, *, expected_sha256: str | None = None, public_key: bytes | None = None) -> Bundle:
    """Read and verify a model directory.

    Args:
        directory: the model.
        expected_sha256: identity (SHA-256 of the manifest, hexadecimal) that must match, to pin one model.
        public_key: raw Ed25519 public key (32 bytes); when given, an unsigned manifest is refused.

    Raises:
        BundleNotFound, BundleCorrupt, BundleIncompatible, SignatureInvalid: see `errors`.
    """
    directory = Path(directory)
    manifest_path = directory / MANIFEST
    if not directory.is_dir():
        raise BundleNotFound(directory, "a model directory", "no such directory")
    if not manifest_path.is_file():
        raise BundleNotFound(manifest_path, "the manifest of a finished model", "no such file")
    raw_manifest = read_bytes(manifest_path)
    identity = sha256(raw_manifest).hexdigest()
    if expected_sha256 is not None and identity != expected_sha256.lower():
        raise BundleCorrupt(manifest_path, f"sha256 {expected_sha256.lower()}", identity)
    if public_key is not None:
        verify_signature(directory / SIGNATURE, raw_manifest, public_key)
    manifest = parse_json(manifest_path, raw_manifest)
    _check_versions(manifest_path, manifest)
    hashes = manifest.get("files")
    if not isinstance(hashes, dict):
        raise BundleCorrupt(manifest_path, 'a "files" object of hashes', repr(hashes))
    files = {name: _read_hashed(directory / name, manifest_path, hashes.get(name)) for name in DECIDING_FILES}
    return Bundle(directory, str(manifest.get("version", directory.name)), identity, manifest, files)


def current(models: str | Path) -> Path:
    """The directory that `models/CURRENT` names.

    Raises:
        BundleNotFound: there is no `CURRENT`, or it names nothing that exists.
    """
    pointer = Path(models) / CURRENT
    if not pointer.is_file():
        raise BundleNotFound(pointer, "one line naming the model in use", "no such file")
    name = read_bytes(pointer).decode("utf-8", "replace").strip()
    directory = pointer.parent / name
    if Path(name).name != name or name in ("", "..") or not directory.is_dir():
        raise BundleNotFound(pointer, "the name of a model directory beside it", repr(name))
    return directory


def shipped() -> Path:
    """The models directory inside the installed package, or of the repository an editable installation points to."""
    packaged = Path(__file__).with_name("models")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "models"


def locate(path: str | Path | None) -> Path:
    """The directory of one model.

    Args:
        path: that directory, or one with a `CURRENT` file; None is the models shipped with this package.

    Raises:
        BundleNotFound: `CURRENT` names nothing that exists.
    """
    directory = Path(path) if path is not None else shipped()
    return current(directory) if (directory / CURRENT).is_file() else directory


def _check_versions(path: Path, manifest: Mapping[str, Any]) -> None:
    versions = manifest.get("versions")
    if not isinstance(versions, dict):
        raise BundleCorrupt(path, 'a "versions" object', repr(versions))
    for part, served in _READ.items():
        if versions.get(part) not in served:
            raise BundleIncompatible(path, f"{part} version {' or '.join(map(str, served))}", repr(versions.get(part)))


def _read_hashed(path: Path, manifest_path: Path, expected: Any) -> bytes:
    if not isinstance(expected, str):
        raise BundleCorrupt(manifest_path, f"a hash of {path.name}", repr(expected))
    if not path.is_file():
        raise BundleCorrupt(path, f"sha256 {expected}", "no such file")
    content = read_bytes(path)
    found = sha256(content).hexdigest()
    if found != expected:
        raise BundleCorrupt(path, f"sha256 {expected}", f"{found} ({len(content)} bytes)")
    return content


def read_bytes(path: Path) -> bytes:
    """The file's bytes; an unreadable file is a `BundleCorrupt`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleCorrupt(path, "a readable file", error.strerror or str(error)) from error


def parse_json(path: Path, content: bytes) -> dict[str, Any]:
    """A JSON object, or `BundleCorrupt`."""
    try:
        value = json.loads(content)
    except ValueError as error:
        raise BundleCorrupt(path, "a JSON object", str(error)) from error
    if not isinstance(value, dict):
        raise BundleCorrupt(path, "a JSON object", type(value).__name__)
    return value
