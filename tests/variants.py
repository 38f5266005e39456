"""Further versions of the tiny bundle: other version and temperature, so that confidences tell them apart."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

from merchant_classifier import bundle

TINY = Path(__file__).with_name("tiny_bundle")


def variant(folder: Path, version: str, temperature: float) -> Path:
    """A whole, valid model at `folder`, which appears there at once and complete."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.copytree(TINY, temporary)
    labels = json.loads((temporary / bundle.LABELS).read_text("utf-8"))
    labels["temperature"] = temperature
    (temporary / bundle.LABELS).write_text(json.dumps(labels), "utf-8")
    manifest = json.loads((temporary / bundle.MANIFEST).read_text("utf-8"))
    manifest["version"] = version
    manifest["files"][bundle.LABELS] = sha256((temporary / bundle.LABELS).read_bytes()).hexdigest()
    (temporary / bundle.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    temporary.rename(folder)
    return folder


def point(models: Path, name: str) -> None:
    """Make `name` the current model, in one step."""
    temporary = models / ".CURRENT.tmp"
    temporary.write_text(f"{name}\n", "ascii")
    temporary.replace(models / bundle.CURRENT)
