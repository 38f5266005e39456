"""Stage release: put a run's bundle into `models/` with its evidence, and make it the current model.

Everything is checked before anything can be seen: first the whole model appears by
one rename, then the changelog's entry; `CURRENT` is the last file to change.
Interrupted anywhere, the same command finishes the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from merchant_classifier import bundle as bundles
from merchant_classifier.bundle import Bundle
from train import card, evidence, publishable, report, runs, shelf, trained
from train import config as configs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, how signed, and a way past the gate that leaves its reason on record."""
    parser.add_argument(
        "--models", type=Path, default=shelf.MODELS, metavar="DIR", help="where models live (%(default)s)"
    )
    parser.add_argument(
        "--sign-key", type=Path, metavar="FILE", help="raw Ed25519 private key to sign the manifest with"
    )
    parser.add_argument(
        "--override", metavar="REASON", help="release although the gate refused or was not run; goes into the changelog"
    )


def run(args: argparse.Namespace) -> int:
    """Release a run's bundle; 1 when the gate or the check of what is shown says no."""
    config = configs.load(args.config)
    bundle = bundles.read(config.build / runs.BUNDLE)
    allowed = publishable.of(config)
    facts = evidence.gather(config, bundle.identity, allowed)
    former = shelf.current_version(args.models)
    reasons = list(publishable.foreign_lines(bundle.directory, allowed))
    if not args.override:
        reasons += gate_objections(facts, shelf.current_identity(args.models), bundle.identity)
    for reason in reasons:
        print(f"release: refused: {reason}")
    if reasons:
        return 1
    shelf.place(args.models, bundle, content(bundle, facts, args.sign_key))
    shelf.make_current(args.models, bundle.version, card.changes(facts, former, args.override))
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


def content(bundle: Bundle, facts: Mapping[str, Any], key: Path | None) -> dict[str, bytes]:
    """The files of a released model but for its manifest, name -> bytes."""
    files = dict(bundle.files)
    for name in (bundles.GOLDEN, trained.FILE):
        files[name] = bundles.read_bytes(bundle.directory / name)
    files[runs.METRICS] = runs.json_text(facts).encode()
    files |= {name: text.encode() for name, text in report.documents(facts, bundle).items()}
    if key is not None:
        from train.sign import sign_manifest

        sign_manifest(bundle.directory, key)
        files[bundles.SIGNATURE] = bundles.read_bytes(bundle.directory / bundles.SIGNATURE)
    return files
