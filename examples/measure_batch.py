"""Measures batch scoring: rows a second, peak memory, against a pandas loop. Run it on a quiet machine.

    python examples/measure_batch.py --rows 1000000 10000000 --jobs 1 2

Descriptors are real merchant names with store numbers. How often they repeat
follows a Zipf-Mandelbrot law, frequency ~ 1 / (rank + 43)^1.37, fitted to
377,173 card payments of a city over eight years: there the commonest hundred
descriptors are 36 % of all rows, and new ones appear as rows^0.73. A million
rows made here hold 94,205 distinct descriptors, where that city's growth would
give 53,000: the measurement is on the hard side. The loop is what one writes
first: `frame["description"].map(classifier.predict)`.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from merchant_classifier import MerchantClassifier

EXPONENT, OFFSET, RANKS = 1.37, 43, 5_000_000
CITIES = ("LONDON GB", "AUSTIN TX", "TORONTO ON", "BERLIN DE", "SYDNEY AU", "")
LOOP_ROWS = 20_000
_WRITE_ROWS = 200_000


@dataclass(frozen=True)
class Measured:
    """What one run took: wall-clock seconds, and the most memory of all its processes together in MB."""

    seconds: float
    megabytes: float
    said: str


def main() -> int:
    """Generate, measure, print; returns the exit code."""
    args = arguments()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{cpu()}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}", flush=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for rows in args.rows:
            source = Path(folder) / f"rows{rows}.csv"
            distinct = generate(source, rows, args.names)
            print(f"\n{rows:,} rows, {distinct:,} distinct, {source.stat().st_size / 1e6:,.0f} MB", flush=True)
            for jobs in args.jobs:
                print(line(rows, jobs, score(source, jobs, args.model)), flush=True)
        print(loop(source, args.model), flush=True)
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure batch scoring.")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--names", type=Path, default=Path("data/merchants.csv"), help="CSV with a column `text`")
    parser.add_argument("--folder", help="where the files go while it runs: 3 GB for ten million rows")
    return parser.parse_args()


def generate(path: Path, rows: int, names: Path) -> int:
    """Write a CSV of payments; returns the number of distinct descriptors."""
    with names.open(encoding="utf-8", newline="") as file:
        texts = sorted({row["text"].upper() for row in csv.DictReader(file)})
    chance = np.random.default_rng(7)
    order = chance.permutation(len(texts))
    ranks = draw(chance, rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "date", "description", "amount", "currency"])
        for start in range(0, rows, _WRITE_ROWS):
            part = ranks[start : start + _WRITE_ROWS]
            amounts = chance.lognormal(3, 1, len(part)).round(2).tolist()
            writer.writerows(payments(start, part.tolist(), amounts, texts, order))
    return len(np.unique(ranks))


def draw(chance: np.random.Generator, rows: int) -> NDArray[np.intp]:
    """Ranks of the descriptors of so many payments."""
    weights = (np.arange(1, RANKS + 1) + OFFSET) ** -EXPONENT
    cumulative = np.cumsum(weights)
    ranks: NDArray[np.intp] = np.searchsorted(cumulative, chance.random(rows) * cumulative[-1])
    return ranks


def payments(
    start: int, ranks: Sequence[int], amounts: Sequence[float], texts: Sequence[str], order: np.ndarray
) -> Iterable[list[object]]:
    """Rows of the file: the same rank is always the same descriptor."""
    for number, (rank, amount) in enumerate(zip(ranks, amounts, strict=True), start):
        branch, name = divmod(rank, len(texts))
        store = f" #{branch * 37 % 9000 + 100}" if branch else ""
        description = f"{texts[order[name]]}{store} {CITIES[rank % len(CITIES)]}".strip()
        yield [number, f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}", description, amount, "EUR"]


def score(source: Path, jobs: int, model: str | None) -> Measured:
    """Run the command and watch its memory."""
    output = source.with_suffix(".scored.csv")
    command = [sys.executable, "-m", "merchant_classifier.cli", "score", str(source), "-o", str(output)]
    options = ["--column", "description", "--jobs", str(jobs), *(["--model", model] if model else [])]
    started, most = time.perf_counter(), 0.0
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(0.2)
    seconds = time.perf_counter() - started
    said = process.stderr.read().strip() if process.stderr else ""
    if process.returncode:
        raise SystemExit(said)
    output.unlink()
    return Measured(seconds, most, said)


def resident(pid: int) -> float:
    """Memory of a process and its children in MB; a page that several share counts once (proportional set size)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("Pss:")), 0.0)
    return own + sum(resident(int(child)) for child in children)


def line(rows: int, jobs: int, found: Measured) -> str:
    """One measured run in words."""
    rate = rows / found.seconds
    measured = f"{found.seconds:.1f} s, {rate:,.0f} rows/s, at most {found.megabytes:.0f} MB"
    return f"  --jobs {jobs}: {measured}\n    {found.said}"


def loop(source: Path, model: str | None) -> str:
    """The pandas loop over the first rows of a file."""
    classifier = MerchantClassifier.load(model)
    frame = pd.read_csv(source, nrows=LOOP_ROWS)
    started = time.perf_counter()
    frame["mcc"] = frame["description"].map(lambda text: classifier.predict(text).mcc)
    seconds = time.perf_counter() - started
    return f"\npandas loop: {LOOP_ROWS:,} rows in {seconds:.1f} s, {LOOP_ROWS / seconds:,.0f} rows/s"


def cpu() -> str:
    """Name of the processor."""
    rows = Path("/proc/cpuinfo").read_text().splitlines()
    names = [row.partition(":")[2].strip() for row in rows if row.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    raise SystemExit(main())
