"""Stage pack: what serving needs beside the network, then the manifest, which is written last."""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.prediction import Mode
from train import config as configs
from train import neighbours, runs
from train.config import Config
from train.labels import OWN, LabelRow

_BRAND_CODES = Path("data/brand_codes.csv")
_GOLDEN_ROWS = 200
_RECORDED_PACKAGES = ("numpy", "torch", "transformers", "datasets", "onnx", "onnxruntime", "scikit-learn", "pyarrow")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Add neighbours and golden answers to the calibrated bundle and seal it."""
    config = configs.load(args.config)
    folder = config.build / runs.BUNDLE
    content = runs.read_json(folder / bundles.LABELS)
    content["brands"] = brands() if config.data.labels != OWN else {}
    content["calibration"] = runs.read_json(config.build / "calibration.json")
    write_unfinished(folder, config, content)
    classifier = MerchantClassifier.load(folder)
    neighbours.write_index(folder, classifier, config.build / runs.SPLIT)
    write_golden(folder, classifier, config.build)
    write_manifest(folder, config)
    identity = bundles.read(folder).identity
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"pack: {folder} {identity[:12]} {size / 1e6:.1f} MB")
    return 0


def labels_content(labels: Sequence[LabelRow], temperature: float, thresholds: Any) -> dict[str, Any]:
    """What `labels.json` holds at least."""
    return {
        "labels": [
            {"mcc": row.label.mcc, "text": row.label.text, "category": row.label.category, "family": row.family}
            for row in labels
        ],
        "temperature": temperature,
        "thresholds": thresholds,
    }


def write_unfinished(folder: Path, config: Config, content: dict[str, Any]) -> None:
    """Write `labels.json` and a manifest, so that the bundle under construction can be opened as the serving class does."""
    runs.write_json(folder / bundles.LABELS, content)
    if not (folder / bundles.NEIGHBOUR_VECTORS).exists():
        np.save(folder / bundles.NEIGHBOUR_VECTORS, np.zeros((0, config.student.representation), np.int8))
        (folder / bundles.NEIGHBOUR_NAMES).write_text("")
    write_manifest(folder, config)


def write_golden(folder: Path, classifier: MerchantClassifier, build: Path) -> None:
    """Answers of this very bundle to evenly drawn training descriptors: `verify` repeats them elsewhere."""
    texts = runs.read_table(build / runs.SPLIT, ["text"])["text"].to_pylist()
    step = max(1, len(texts) // _GOLDEN_ROWS)
    with runs.replacing(folder / bundles.GOLDEN) as temporary, temporary.open("w", encoding="utf-8") as file:
        for answer, text in zip(
            classifier.predict_many(texts[::step], mode=Mode.BEST_GUESS), texts[::step], strict=True
        ):
            row = {
                "text": text,
                "mcc": answer.mcc,
                "category": answer.category,
                "confidence": round(answer.confidence, 6),
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_manifest(folder: Path, config: Config) -> None:
    """Hash every deciding file and write the manifest."""
    split = config.build / runs.SPLIT
    manifest = {
        "version": config.version,
        "versions": {
            "format": bundles.FORMAT_VERSION,
            "normalizer": bundles.NORMALIZER_VERSION,
            "encoder": bundles.ENCODER_VERSION,
        },
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in bundles.DECIDING_FILES},
        "provenance": {
            "git": _git_revision(),
            "data_sha256": hashlib.sha256(split.read_bytes()).hexdigest() if split.exists() else None,
            "base_model": {"name": config.teacher.base, "licence": _licence(config.teacher.base)},
            "config": configs.to_dict(config),
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in _RECORDED_PACKAGES},
        },
    }
    runs.write_json(folder / bundles.MANIFEST, manifest)


def brands() -> dict[str, str]:
    """Normalised brand name -> network brand code (3000-3999)."""
    from merchant_classifier.text import normalize

    with _BRAND_CODES.open(encoding="utf-8", newline="") as file:
        rows = [(normalize(row["brand"]).text, row["mcc"]) for row in csv.DictReader(file)]
    return {name: code for name, code in sorted(rows, reverse=True) if name}


def _git_revision() -> str | None:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _licence(package: str) -> str | None:
    from importlib.metadata import metadata

    try:
        return metadata(package).get("License")
    except PackageNotFoundError:
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
