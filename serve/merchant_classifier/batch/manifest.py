"""What stands beside an output: what was scored, by which model, how, and that no row is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier import __version__
from merchant_classifier.batch.chunks import Counts
from merchant_classifier.batch.formats import STANDARD
from merchant_classifier.batch.model import Model
from merchant_classifier.batch.planning import Layout
from merchant_classifier.batch.sources import Source

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Answering:
    """The model that answered."""

    version: str
    identity: str


def describe(
    source: Source,
    hashes: Mapping[str, str | None],
    layout: Layout,
    model: Model,
    answering: Answering,
    counts: Counts,
) -> bytes:
    """The manifest's content; it holds no times, so equal work gives equal manifests.

    Args:
        source: what was read.
        hashes: SHA-256 of the `input` and the `memory` file; None for a pipe and for none.
        layout: columns of the output.
        model, answering: what answered.
        counts: rows in = out + rejected.
    """
    size = Path(source.path).stat().st_size if source.path != STANDARD else None
    name, column = Path(source.path).name, source.names[layout.column]
    content = {
        "format": FORMAT,
        "software": f"merchant-classifier {__version__}",
        "input": {"name": name, "bytes": size, "sha256": hashes["input"], "column": column},
        "rows": {"in": counts.read, "out": counts.written, "rejected": counts.rejected, "blank_lines": counts.blank},
        "model": {
            "version": answering.version,
            "sha256": answering.identity,
            "memory_sha256": hashes["memory"],
            "mode": model.mode,
            "threshold": model.threshold,
        },
        "columns": list(layout.names),
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"
