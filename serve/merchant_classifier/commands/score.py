"""`score`: classify a column of a file and write the file again with the answers."""

from __future__ import annotations

import argparse
import sys

from merchant_classifier.batch.job import Job, run as run_job
from merchant_classifier.prediction import Mode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("input", help="CSV file")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--column", help="column with descriptions")
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.BALANCED.value)
    parser.add_argument("--rejects")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--encoding", default="utf-8")
    parser.add_argument("--delimiter")


def run(args: argparse.Namespace) -> int:
    """Score and report."""
    options = {name: value for name, value in vars(args).items() if name not in ("command", "run", "input")}
    report = run_job(Job(source=args.input, **options))
    counts = report.counts
    print(
        f"{args.output}: {counts.written} rows scored in {report.seconds:.1f} s, {report.classified} distinct",
        file=sys.stderr,
    )
    return 0
