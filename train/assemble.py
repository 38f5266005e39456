"""Writing a bundle's `labels.json` and manifest: used while a bundle is under construction and when it is sealed."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any

import numpy as np

from merchant_classifier import bundle as bundles
from merchant_classifier.text import NORMALIZER_VERSION
from train import config as configs
from train import former, runs
from train.config import Config
from train.labels import LabelRow
from train.risk_words import Found

NO_RISK = Found([], {}, [])
_RECORDED_PACKAGES = ("numpy", "torch", "transformers", "datasets", "onnx", "onnxruntime", "scikit-learn", "pyarrow")


def labels_content(
    labels: Sequence[LabelRow], temperature: float, thresholds: Any, slope: float = 0.0, risk: Found = NO_RISK
) -> dict[str, Any]:
    """What `labels.json` holds at least."""
    return {
        "labels": [
            {"mcc": row.label.mcc, "text": row.label.text, "category": row.label.category, "family": row.family}
            for row in labels
        ],
        "temperature": temperature,
        "temperature_slope": slope,
        "thresholds": thresholds,
        "risk": dataclasses.asdict(risk),
    }


def write_unfinished(folder: Path, config: Config, content: dict[str, Any]) -> None:
    """Write `labels.json` and a manifest, so that the bundle under construction opens as a finished one does."""
    runs.write_json(folder / bundles.LABELS, content)
    if not (folder / bundles.NEIGHBOUR_VECTORS).exists():
        np.save(folder / bundles.NEIGHBOUR_VECTORS, np.zeros((0, config.student.representation), np.int8))
        (folder / bundles.NEIGHBOUR_NAMES).write_text("")
    write_manifest(folder, config)


def write_manifest(folder: Path, config: Config) -> None:
    """Hash every deciding file and write the manifest."""
    split = config.build / runs.SPLIT
    manifest = {
        "version": config.version,
        "versions": {
            "format": bundles.FORMAT_VERSION,
            "normalizer": NORMALIZER_VERSION,
            "encoder": bundles.ENCODER_VERSION,
        },
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in bundles.DECIDING_FILES},
        "provenance": {
            "git": _git_revision(),
            "start": _started_from(config),
            "data_sha256": hashlib.sha256(split.read_bytes()).hexdigest() if split.exists() else None,
            "base_model": {"name": config.pretrain.base, "licence": _licence(config.pretrain.base)},
            "config": configs.to_dict(config),
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in _RECORDED_PACKAGES},
        },
    }
    runs.write_json(folder / bundles.MANIFEST, manifest)


def _started_from(config: Config) -> dict[str, str] | None:
    """The model that training went on from."""
    if not config.student.start:
        return None
    started = bundles.read(former.directory(config))
    return {"version": started.version, "identity": started.identity}


def _git_revision() -> str | None:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _licence(package: str) -> str | None:
    try:
        licence = metadata(package).json.get("license")
    except PackageNotFoundError:
        return None
    return licence if isinstance(licence, str) else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
