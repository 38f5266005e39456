"""Stage release: put a run's bundle into `models/` with its evidence, and make it the current model.

Everything is checked and written before anything can be seen: the model is made
in a temporary sibling, its manifest last, and takes its name by one rename; then
the changelog; `CURRENT` is the last file to change. A version never changes once
it is there. Interrupted anywhere, the same command finishes the work.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from merchant_classifier import bundle as bundles
from merchant_classifier.bundle import Bundle
from merchant_classifier.errors import BundleNotFound, InputError
from train import card, changelog, evidence, publishable, report, runs
from train import config as configs

MODELS = Path("models")
POINTER = "CURRENT"

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, how signed, and a way past the gate that leaves its reason on record."""
    parser.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help="where models live (%(default)s)")
    parser.add_argument("--sign-key", type=Path, metavar="PEM", help="Ed25519 private key to sign the manifest with")
    parser.add_argument(
        "--override", metavar="REASON", help="release although the gate refused or was not run; goes into the changelog"
    )


def run(args: argparse.Namespace) -> int:
    """Release a run's bundle; 1 when the gate or the check of what is shown says no."""
    config = configs.load(args.config)
    bundle = bundles.read(config.build / runs.BUNDLE)
    allowed = publishable.of(config)
    facts = evidence.gather(config, bundle.identity, allowed)
    former = current_version(args.models)
    reasons = list(publishable.foreign_lines(bundle.directory, allowed))
    if not args.override:
        reasons += gate_objections(facts, current_identity(args.models), bundle.identity)
    for reason in reasons:
        print(f"release: refused: {reason}")
    if reasons:
        return 1
    place(args.models, bundle, content(bundle, facts, args.sign_key))
    make_current(args.models, bundle.version, card.changes(facts, former, args.override))
    print(f"release: {args.models / bundle.version} ({bundle.identity[:12]}) is the current model")
    return 0


def gate_objections(facts: Mapping[str, Any], champion: str | None, challenger: str) -> Iterator[str]:
    """Why the gate's answer does not allow this release."""
    gate = facts.get("gate")
    if gate is None:
        yield "the gate has not judged this model; run `python -m train gate` first"
    elif champion not in (gate["champion"], challenger):
        yield "the current model is not the one the gate compared with; run the gate again"
    elif not gate["accepted"]:
        yield from (f"gate: {reason}" for reason in gate["reasons"])


def current_version(models: Path) -> str | None:
    """What `CURRENT` names, if there is one."""
    try:
        return bundles.current(models).name
    except BundleNotFound:
        return None


def current_identity(models: Path) -> str | None:
    """Identity of the current model, if there is one."""
    version = current_version(models)
    return bundles.read(models / version).identity if version else None


def content(bundle: Bundle, facts: Mapping[str, Any], key: Path | None) -> dict[str, bytes]:
    """The files of a released model but for its manifest, name -> bytes."""
    files = dict(bundle.files)
    files[bundles.GOLDEN] = bundles.read_bytes(bundle.directory / bundles.GOLDEN)
    files[runs.METRICS] = runs.json_text(facts).encode()
    files["CARD.md"] = card.page(facts, bundle.manifest, bundle.labels).encode()
    files["report.html"] = report.page(facts).encode()
    if key is not None:
        files[bundles.SIGNATURE] = signature(key, bundles.read_bytes(bundle.directory / bundles.MANIFEST))
    return files


def signature(key: Path, message: bytes) -> bytes:
    """Detached Ed25519 signature, 64 bytes.

    Raises:
        InputError: the file is no unencrypted Ed25519 private key in PEM form.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{key}: expected an unencrypted private key in PEM form: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(f"{key}: expected an Ed25519 private key, found {type(private).__name__}")
    return private.sign(message)


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
    with runs.replacing(models / POINTER) as temporary:
        temporary.write_text(f"{version}\n", "utf-8")


def _remove_leftovers(models: Path) -> None:
    """Of releases that were killed: hidden, without a manifest or a name, never served."""
    for leftover in models.glob(".*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
