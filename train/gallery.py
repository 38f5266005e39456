"""Stage `gallery`: 200 disguised names beside what the network reads of them, for a reviewer's eye."""

from __future__ import annotations

import argparse
import csv
import random
from pathlib import Path

from merchant_classifier.errors import InputError
from merchant_classifier.text import normalize
from train.augment import disguise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's options."""
    parser.add_argument("--names", type=Path, default=Path("data/curated_merchants.csv"), help="text,mcc,kind,country")
    parser.add_argument("--out", type=Path, default=Path("data/augmentation_gallery.md"))
    parser.add_argument("--samples", type=int, default=200)


def run(args: argparse.Namespace) -> int:
    """Write the gallery; the same names give the same bytes."""
    args.out.write_text("\n".join(_lines(_names(args.names), args.samples)) + "\n", "utf-8")
    print(f"{args.out}: {args.samples} samples")
    return 0


def _names(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _lines(names: list[dict[str, str]], samples: int) -> list[str]:
    rng = random.Random(200)
    lines = [
        "# Gallery of disguises",
        "",
        f"{samples} draws of `train.augment.disguise` (seed 200), written by `python -m train gallery`."
        " Names are curated ones; towns, codes and numbers are invented.",
        "",
        "| country | MCC | name | disguise | words the network reads |",
        "|---|---|---|---|---|",
    ]
    for row in rng.sample(names, samples):
        line = disguise(row["text"], row["country"], rng, row["mcc"])
        lines.append(_row(row["country"], row["mcc"], row["text"], line))
    return lines


def _row(*cells: str) -> str:
    read = normalize(cells[-1]).text
    return "| " + " | ".join(cell.replace("|", "\\|").strip() for cell in (*cells, read)) + " |"
