"""`info`: what a model is, from its manifest and labels, after its hashes were checked."""

from __future__ import annotations

import argparse
import json
from typing import Any

from merchant_classifier import bundle as bundles


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--json", action="store_true", help="the whole manifest and a summary of the labels, as JSON")


def run(args: argparse.Namespace) -> int:
    """Read, verify, print."""
    bundle = bundles.read(bundles.locate(args.model))
    facts = _facts(bundle)
    if args.json:
        print(json.dumps({**facts, "manifest": bundle.manifest}, indent=1, ensure_ascii=False))
        return 0
    for name, value in facts.items():
        print(f"{name:<12} {value}")
    for name, value in _provenance(bundle.manifest).items():
        print(f"{name:<12} {value}")
    return 0


def _facts(bundle: bundles.Bundle) -> dict[str, Any]:
    labels = bundle.labels.get("labels", [])
    return {
        "model": str(bundle.directory),
        "version": bundle.version,
        "identity": bundle.identity,
        "signed": (bundle.directory / bundles.SIGNATURE).is_file(),
        "labels": len(labels),
        "categories": len({label.get("category") for label in labels}),
        "megabytes": round(sum(len(content) for content in bundle.files.values()) / 1e6, 1),
    }


def _provenance(manifest: Any) -> dict[str, Any]:
    """The plain values of the manifest's provenance."""
    provenance = manifest.get("provenance")
    if not isinstance(provenance, dict):
        return {}
    return {name: value for name, value in provenance.items() if isinstance(value, str | int | float)}
