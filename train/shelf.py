"""The shelf of released models, `models/<version>/` and `models/CURRENT`, and how either changes: never by halves.

A model is made in a temporary sibling, its manifest last, and takes its name by
one rename; `CURRENT` is replaced as a whole. A version never changes once it is there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from merchant_classifier import bundle as bundles
from merchant_classifier.bundle import Bundle
from merchant_classifier.errors import InputError
from train import changelog, runs

MODELS = Path("models")

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


def current_version(models: Path) -> str | None:
    """What `CURRENT` names; None before the first release.

    Raises:
        BundleNotFound: it names nothing that exists.
    """
    return bundles.current(models).name if (models / bundles.CURRENT).exists() else None


def current_identity(models: Path) -> str | None:
    """Identity of the current model, if there is one."""
    version = current_version(models)
    return bundles.read(models / version).identity if version else None


def place(models: Path, bundle: Bundle, files: Mapping[str, bytes]) -> Path:
    """Write `models/<version>` in one step; the same model already there is left as it is.

    Raises:
        InputError: the version's name cannot be a directory's, or another model has it.
    """
    if not _VERSION.fullmatch(bundle.version):
        raise InputError(f"version {bundle.version!r}: expected letters, digits, dots and dashes, such as 2026.4")
    target = models / bundle.version
    if target.exists():
        if bundles.read(target).identity != bundle.identity:
            raise InputError(f"{target}: another model has this version; raise `version` in the configuration")
        return target
    _remove_leftovers(models)
    temporary = models / f".{bundle.version}.{os.getpid()}.tmp"
    temporary.mkdir(parents=True)
    try:
        for name, data in files.items():
            _write(temporary / name, data)
        _write(temporary / bundles.MANIFEST, bundles.read_bytes(bundle.directory / bundles.MANIFEST))
        bundles.read(temporary, expected_sha256=bundle.identity)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def make_current(models: Path, version: str, lines: list[str], *, again: bool = False) -> None:
    """Enter a model into the changelog, unless it is on top already, and point `CURRENT` at it."""
    if changelog.stack(models)[-1:] != [version]:
        changelog.add(models, version, lines, again=again)
    with runs.replacing(models / bundles.CURRENT) as temporary:
        temporary.write_text(f"{version}\n", "utf-8")


def _remove_leftovers(models: Path) -> None:
    """Of releases that were killed: hidden, without a manifest or a name, never served."""
    for leftover in models.glob(".*.tmp"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
