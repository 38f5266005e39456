"""Stage pack: what serving needs beside the network, then the manifest, which is written last."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.prediction import Mode
from merchant_classifier.text import normalize
from train import assemble, former, neighbours, publishable, runs, trained
from train import config as configs
from train.labels import OWN
from train.trained import Trained

_BRAND_CODES = Path("data/brand_codes.csv")
_GOLDEN_ROWS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Add neighbours and golden answers to the calibrated bundle and seal it."""
    config = configs.load(args.config)
    folder = config.build / runs.BUNDLE
    content = runs.read_json(folder / bundles.LABELS)
    content["brands"] = brands() if config.data.labels != OWN else {}
    content["calibration"] = runs.read_json(config.build / "calibration.json")
    assemble.write_unfinished(folder, config, content)
    classifier = MerchantClassifier.load(folder)
    shown = publishable.source_names(config)
    neighbours.write_index(folder, classifier, config.build / runs.SPLIT, shown & neighbours.SOURCES or shown)
    write_golden(folder, classifier, config.build / runs.SPLIT, shown)
    known = Trained.of_split(config.build, former.trained_before(config))
    known.write(folder / trained.FILE)
    print(f"pack: {trained.FILE} takes {known.mistaken:.1%} of other merchants for trained ones")
    assemble.write_manifest(folder, config)
    identity = bundles.read(folder).identity
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"pack: {folder} {identity[:12]} {size / 1e6:.1f} MB")
    return 0


def write_golden(folder: Path, classifier: MerchantClassifier, split: Path, shown: frozenset[str]) -> None:
    """Answers of this very bundle to evenly drawn descriptors that may be shown: `verify` repeats them elsewhere."""
    table = runs.read_table(split, ["text", "source"]).to_pylist()
    texts = [row["text"] for row in table if row["source"] in shown]
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


def brands() -> dict[str, str]:
    """Normalised brand name -> network brand code (3000-3999)."""
    with _BRAND_CODES.open(encoding="utf-8", newline="") as file:
        rows = [(normalize(row["brand"]).text, row["code"]) for row in csv.DictReader(file)]
    return {name: code for name, code in sorted(rows, reverse=True) if name}
