"""`audit`: rank merchants by how little their declared MCC fits their name."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.audit import Finding, audit
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError

COLUMNS = (
    *("line", "name", "declared_mcc", "suspicion", "probability", "rank"),
    *("best_mcc", "best_label", "best_probability", "same_family", "risk", "remark", "neighbours"),
)
_NEIGHBOURS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, help="CSV file of merchants, UTF-8, with a header")
    parser.add_argument("--name", default="name", help="column of the names (default: %(default)s)")
    parser.add_argument("--mcc", default="mcc", help="column of the declared codes (default: %(default)s)")
    parser.add_argument("--top", type=int, default=20, help="how many to print, with evidence (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="write every merchant here as CSV, the most suspicious first")
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")


def run(args: argparse.Namespace) -> int:
    """Audit, print the top of the ranking and write all of it."""
    if args.top < 0:
        raise InputError(f"--top: expected 0 or more, found {args.top}")
    merchants = _read(args.file, args.name, args.mcc)
    classifier = MerchantClassifier.load(args.model)
    findings = audit(classifier, merchants.names, merchants.codes)
    evidence = [_neighbours(classifier, merchants, finding) for finding in findings[: args.top]]
    for finding, shown in zip(findings, evidence, strict=False):
        print(_line(merchants, finding, shown))
    if args.output:
        _write(args.output, (_fields(merchants, finding, evidence, place) for place, finding in enumerate(findings)))
    print(_summary(findings))
    return 0


@dataclass(frozen=True, slots=True)
class _Merchants:
    """Columns of the file, and the line each row begins on."""

    names: list[str]
    codes: list[str]
    lines: list[int]


def _read(path: Path, name: str, mcc: str) -> _Merchants:
    found = _Merchants([], [], [])
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for column in (name, mcc):
                if column not in (reader.fieldnames or ()):
                    raise InputError(
                        f"{path}:1: expected a column {column!r}, found {', '.join(reader.fieldnames or ())}"
                    )
            line = reader.line_num + 1
            for row in reader:
                if row[name] is None or row[mcc] is None:
                    raise InputError(f"{path}:{line}: expected {len(reader.fieldnames or ())} columns")
                found.names.append(row[name])
                found.codes.append(row[mcc].strip())
                found.lines.append(line)
                line = reader.line_num + 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    return found


def _neighbours(classifier: MerchantClassifier, merchants: _Merchants, finding: Finding) -> str:
    near = classifier.explain(merchants.names[finding.row], count=_NEIGHBOURS).neighbours
    return "; ".join(f"{neighbour.name} ({neighbour.label})" for neighbour in near)


def _line(merchants: _Merchants, finding: Finding, evidence: str) -> str:
    name, code = merchants.names[finding.row], merchants.codes[finding.row]
    said = finding.remark or (
        f"{finding.probability:6.1%} (rank {finding.rank}); looks like {finding.best_mcc} {finding.best_label}"
        f" {finding.best_probability:.0%}"
    )
    risk = f"; high risk: {finding.risk}" if finding.risk else ""
    return (
        f"{finding.suspicion:6.2f}  {name[:36]:<36}  {code:<4} {said}{risk}\n{'':8}like {evidence or 'nothing indexed'}"
    )


def _fields(merchants: _Merchants, finding: Finding, evidence: Sequence[str], place: int) -> tuple[object, ...]:
    return (
        *(merchants.lines[finding.row], merchants.names[finding.row], merchants.codes[finding.row]),
        *(f"{finding.suspicion:.4f}", f"{finding.probability:.6f}", finding.rank),
        *(finding.best_mcc, finding.best_label, f"{finding.best_probability:.6f}"),
        *("yes" if finding.same_family else "no", finding.risk, finding.remark),
        evidence[place] if place < len(evidence) else "",
    )


def _write(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _summary(findings: Sequence[Finding]) -> str:
    unclear = sum(bool(finding.remark) for finding in findings)
    risky = sum(bool(finding.risk) for finding in findings)
    return (
        f"{len(findings)} merchants: {risky} look like a high-risk trade under another code,"
        f" {unclear} with no readable name or no such code"
    )
