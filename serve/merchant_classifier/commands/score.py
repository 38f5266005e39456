"""`score`: classify a column of a file and write the file again with the answers."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from merchant_classifier.batch.formats import STANDARD, Format
from merchant_classifier.batch.presets import PRESETS, find
from merchant_classifier.errors import InputError
from merchant_classifier.prediction import Mode

if TYPE_CHECKING:
    from pathlib import Path

    from merchant_classifier.batch.job import Job, Report
    from merchant_classifier.batch.statistics import Statistics

MOST_CANDIDATES = 3
"""As many as a prediction has."""

ROWS_REJECTED = 2
"""Exit code when rows could not be read and nobody said that some may be."""

_FORMATS = [kind.value for kind in Format]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("input", help="CSV, TSV, JSON lines (also .gz or .zst), Parquet or Arrow file; - reads standard input")
    add("-o", "--output", required=True, help="file to write, of any of these formats; - writes standard output")
    _add_reading(parser.add_argument_group("reading"))
    _add_answering(parser.add_argument_group("answering"))
    _add_writing(parser.add_argument_group("writing"))


def _add_reading(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--column", help="column with descriptions: its name, or #3 for the third (default: looks for one)")
    add("--input-format", choices=_FORMATS, help="default: by the name; standard input: csv")
    add("--encoding", help="of a text file (default: UTF-8)")
    add("--delimiter", help="between fields (default: by the header)")
    add("--no-header", action="store_true", help="the first line is a row; columns are column_1, column_2, ...")
    add("--preset", metavar="BANK", help=f"a bank's export: {', '.join(PRESETS)}")


def _add_answering(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    modes = [mode.value for mode in Mode]
    add("--model", help="model directory (default: the one that ships with the package)")
    add("--memory", help="merchant memory file, whose rules overrule the model")
    add("--mode", choices=modes, default=Mode.BALANCED.value, help="how sure an answer must be (default: balanced)")
    add("--threshold", type=float, help="name whatever has at least this confidence (0 to 1), whatever the mode")
    add("--jobs", type=int, default=1, help="processes (default: 1)")


def _add_writing(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    candidates = range(1, MOST_CANDIDATES + 1)
    add("--output-format", choices=_FORMATS, help="default: by the name; standard output: as the input")
    add("--columns", metavar="A,B,...", help="columns of the output: the input's, the answers', and merchant, "
        "intermediary, brand_mcc, model_mcc, decided_by")  # fmt: skip
    add("--top", type=int, default=0, choices=candidates, help="add the best candidates with their confidences")
    add("--rejects", metavar="FILE", help="for rows that cannot be read (default: OUTPUT.rejects.csv, exit code 2)")
    add("--strict", action="store_true", help="stop at the first such row")
    add("--summary", action="store_true", help="print a summary and draw it into OUTPUT.summary.html")


def run(args: argparse.Namespace) -> int:
    """Score a file and say what came of it."""
    try:
        from merchant_classifier.batch.job import run as run_job
    except ModuleNotFoundError as error:
        raise InputError(f"score needs {error.name}: pip install 'merchant-classifier[batch]'") from error
    try:
        report = run_job(_job(args))
    except BrokenPipeError:  # whoever read standard output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return _say(args, report)


def _job(args: argparse.Namespace) -> Job:
    from merchant_classifier.batch.job import Job
    from merchant_classifier.batch.model import Model
    from merchant_classifier.batch.planning import Wishes
    from merchant_classifier.batch.sources import Opening

    return Job(
        source=args.input,
        output=args.output,
        opening=Opening(args.input_format, args.encoding, args.delimiter, not args.no_header, find(args.preset)),
        wishes=Wishes(args.column, _names(args.columns), args.top, args.rejects is not None, args.summary),
        model=Model(args.model, args.memory, args.mode, args.threshold),
        output_format=args.output_format,
        rejects=args.rejects,
        strict=args.strict,
        jobs=args.jobs,
    )


def _names(columns: str | None) -> tuple[str, ...] | None:
    return tuple(columns.split(",")) if columns is not None else None


def _say(args: argparse.Namespace, report: Report) -> int:
    """Report on standard error; returns the exit code."""
    from merchant_classifier.batch.job import say_to_user

    say_to_user(_figures(args.output, report))
    if report.statistics is not None:
        _show_summary(args.output, report.statistics, report.summary)
    if not report.counts.rejected:
        return 0
    say_to_user(_rejected(args.input, report))
    return 0 if args.rejects is not None else ROWS_REJECTED


def _show_summary(output: str, statistics: Statistics, page: Path | None) -> None:
    from merchant_classifier.batch.summary import table

    print(table(statistics), file=sys.stderr if output == STANDARD else sys.stdout)
    if page is not None:
        print(f"\npictures: {page}")


def _figures(output: str, report: Report) -> str:
    rows, seconds = report.counts.read - report.resumed, max(report.seconds, 1e-9)
    return (
        f"{output}: {report.counts.written:,} rows; in {seconds:.1f} s {rows:,} rows ({rows / seconds:,.0f}/s), "
        f"{report.classified:,} distinct descriptors classified ({report.classified / seconds:,.0f}/s)"
    )


def _rejected(source: str, report: Report) -> str:
    first, counts = report.first_reject, report.counts
    where = f"; the first: line {first.line}, {first.reason}" if first else ""
    kept = f", see {report.rejects}" if report.rejects else "; --rejects FILE keeps them"
    rows = f"{counts.rejected:,} {'row' if counts.rejected == 1 else 'rows'} of {counts.read:,}"
    return f"{source}: {rows} could not be read{where}{kept}"
