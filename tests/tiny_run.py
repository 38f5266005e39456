"""A finished run around the tiny bundle, in a folder of its own, for tests of what comes after training."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from merchant_classifier import bundle as bundles
from merchant_classifier.text import normalize
from tests.tiny_bundle import PATH, keywords
from train import evaluate, trained
from train.trained import Trained

CONFIG = "run.toml"
_OWNERS = "ZORBLIN QUAVEX MIRTOLA DUNKRAY OSTREBO PELLWIN GRIMDAX VULTAN".split()
_PARTS = "train train train train validation test test test".split()

Rows = list[dict[str, str]]


def rows() -> Rows:
    """Known words with eight owners each; every pair is a merchant."""
    return [
        {
            "text": f"{word.upper()} {owner}",
            "label": mcc or "not_a_merchant",
            "key": f"{word} {owner.lower()}",
            "part": part,
        }
        for word, mcc in keywords().items()
        for owner, part in zip(_OWNERS, _PARTS, strict=True)
    ]


def make(folder: Path, *, version: str = "1.0", name: str = "run") -> Path:
    """Write configuration, source, bundle and every file that the stages to `evaluate` leave; returns the build folder.

    The working directory must be `folder`.
    """
    chosen = rows()
    (folder / "data").mkdir(exist_ok=True)
    with (folder / "data/mine.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "mcc", "kind", "country"])
        writer.writerows([row["text"], row["label"], "real", "DE"] for row in chosen)
    source = '[[data.sources]]\nadapter = "curated"\npath = "data/mine.csv"\n'
    (folder / CONFIG).write_text(f'name = "{name}"\nversion = "{version}"\n{source}', "utf-8")
    build = folder / "build" / name
    shutil.copytree(PATH, build / "bundle", dirs_exist_ok=True)
    set_version(build / "bundle", version)
    golden = [{"text": row["text"], "mcc": row["label"]} for row in chosen[:20]]
    (build / "bundle" / bundles.GOLDEN).write_text("".join(json.dumps(row) + "\n" for row in golden), "utf-8")
    (build / "bundle" / bundles.NEIGHBOUR_NAMES).write_text("".join(_neighbours(chosen)), "utf-8")
    seal(build / "bundle")
    write_split(build, chosen)
    Trained.of_split(build).write(build / "bundle" / trained.FILE)
    (build / "parity.json").write_text("{}")
    (build / "collect.json").write_text(
        json.dumps({"rows": len(chosen), "rows_by_source": {"curated-real": len(chosen)}})
    )
    (build / "split.json").write_text(json.dumps({"rows": {"train": 1}, "merchants": {"train": 1}}))
    return build


def evaluated(folder: Path, *, version: str = "1.0", name: str = "run") -> Path:
    """`make`, and the real evaluation of the tiny bundle."""
    import argparse

    build = make(folder, version=version, name=name)
    assert evaluate.run(argparse.Namespace(config=CONFIG)) == 0
    return build


def write_split(build: Path, chosen: Rows) -> None:
    """`split.parquet` of these rows."""
    full = [
        row | {"source": "curated-real", "country": "DE", "brand_id": "", "words": normalize(row["text"]).text}
        for row in chosen
    ]
    pq.write_table(pa.Table.from_pylist(full), build / "split.parquet")


def set_version(bundle: Path, version: str) -> None:
    """Change the version a bundle's manifest names."""
    manifest = json.loads((bundle / bundles.MANIFEST).read_text("utf-8"))
    (bundle / bundles.MANIFEST).write_text(json.dumps(manifest | {"version": version}), "utf-8")


def seal(bundle: Path) -> None:
    """Hash a changed bundle's files again."""
    import hashlib

    manifest = json.loads((bundle / bundles.MANIFEST).read_text("utf-8"))
    manifest["files"] = {n: hashlib.sha256((bundle / n).read_bytes()).hexdigest() for n in bundles.DECIDING_FILES}
    (bundle / bundles.MANIFEST).write_text(json.dumps(manifest), "utf-8")


def _neighbours(chosen: Rows) -> Iterator[str]:
    """As many lines as the tiny bundle's index has vectors."""
    chosen = sorted(chosen, key=lambda row: crc32(row["text"].encode()))
    return (f"{row['text']}\t{row['label']}\tcurated-real\n" for row in chosen[: len(keywords())])
