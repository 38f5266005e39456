"""Stage own: train on one's own CSV or Parquet file of `text,label`, whatever the labels are, with one command.

It writes a configuration fit for the file's size beside the results and runs
every stage with it. The word table starts from the model that ships with the
repository, so that a few dozen examples a label go a long way.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from merchant_classifier.errors import InputError
from train import pipeline, runs
from train.config import SHIPPED

_CONFIGURATION = """\
# Written by `python -m train own {path}`; edit and run again with `python -m train run --config {target}`.
name = {name}
version = {version}

[data]
labels = "own"
validation_percent = 10
test_percent = 10
sources = [{{ adapter = "labelled", path = {quoted} }}]

[pretrain]
base = "{shipped}"

[teacher]
epochs = 0.0

[student]
batch = {batch}
epochs = {epochs}
"""
_STEPS = 600
"""Training steps aimed at: enough for a small file, and a large one gets a single pass at least."""
_SMALL_BATCH, _LARGE_BATCH = 64, 1024
_MOST_EPOCHS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the name of the result."""
    parser.add_argument("file", type=Path, help="CSV or Parquet with the columns text and label")
    parser.add_argument("--name", help="name of the run and of its folder under build/ (default: the file's name)")


def run(args: argparse.Namespace) -> int:
    """Write the configuration and run it."""
    if not args.file.is_file():
        raise InputError(f"{args.file}: no such file; expected a CSV or Parquet file with the columns text and label")
    name = args.name or args.file.stem
    target = Path("build") / f"{name}.toml"
    with runs.replacing(target) as temporary:
        temporary.write_text(configuration(args.file, name, target, _count_rows(args.file)), "utf-8")
    code = pipeline.run(argparse.Namespace(config=str(target), start=None))
    if code == 0:
        print(f'own: the model is build/{name}/bundle; open it with MerchantClassifier.load("build/{name}/bundle")')
        if not _certified(Path("build") / name):
            print(
                "own: too few held-out rows to certify an error bound, so the default mode names no label;"
                ' ask with mode="best_guess" (on the command line: --mode best_guess)'
            )
    return code


def _certified(build: Path) -> bool:
    """Whether mode `balanced` answers anything."""
    modes = runs.read_json(build / "calibration.json")["modes"]
    return bool(modes["balanced"]["label"]["answered"])


def configuration(path: Path, name: str, target: Path, rows: int) -> str:
    """The configuration as TOML, its batch and epochs fit for the number of rows."""
    batch = _SMALL_BATCH if rows < _SMALL_BATCH * 100 else _LARGE_BATCH
    epochs = min(_MOST_EPOCHS, max(3, _STEPS * batch // max(rows, 1)))
    return _CONFIGURATION.format(
        path=path, target=target, name=json.dumps(name), version=json.dumps(f"own.{name}"), shipped=SHIPPED,
        quoted=json.dumps(str(path), ensure_ascii=False), batch=batch, epochs=epochs,
    )  # fmt: skip


def _count_rows(path: Path) -> int:
    """About how many rows a file holds: its lines, or for Parquet a guess from its size."""
    if path.suffix == ".parquet":
        return path.stat().st_size // 20
    with path.open("rb") as file:
        return sum(1 for _ in file)
