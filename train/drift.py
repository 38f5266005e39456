"""Stage drift: are recent descriptors still like those the model was made for? Says in words what to do.

Nothing needs labels. Figures, chance and limits are those of `train/shifts.py`; false
alarms and detections that were measured stand in `models/README.md`.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from train import runs, traffic
from train.shifts import Reference, Shift, expected_error
from train.traffic import Traffic

FEWEST_LINES = 200
_SEED = 7
_UNKNOWN_SHOWN = 20
_ERROR_MATTERS = 0.02

_HARM = {"lower confidence", "fewer answers"}
_NEWS = {"new merchants", "unknown words", "scripts"}

NOT_YET, INVESTIGATE, RETRAIN = "not yet", "investigate", "retrain now"


@dataclass(frozen=True, slots=True)
class Finding:
    """Attributes:
    errors: expected error before and now if only the mix of categories changed; None without measured errors.
    risen: beginnings of lines whose share rose most: (beginning, before, now).
    unknown: frequent lines of new merchants that the model is unsure of: (line, how often, confidence).
    """

    shifts: list[Shift]
    errors: tuple[float, float] | None
    risen: list[tuple[str, float, float]]
    unknown: list[tuple[str, int, float]]

    @property
    def verdict(self) -> str:
        """`RETRAIN` when the model is less sure and sees what it has not seen; `INVESTIGATE` for any other alarm."""
        alarms = {shift.name for shift in self.shifts if shift.alarmed}
        worse = self.errors is not None and self.errors[1] - self.errors[0] > _ERROR_MATTERS and "categories" in alarms
        if alarms & _HARM and alarms & _NEWS:
            return RETRAIN
        return INVESTIGATE if alarms or worse else NOT_YET


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is compared with what."""
    parser.add_argument("recent", type=Path, help="CSV or Parquet of recent descriptors; a column `count` is honoured")
    parser.add_argument("--column", default="description", help="its column of descriptors (%(default)s)")
    parser.add_argument(
        "--reference",
        type=Path,
        required=True,
        metavar="FILE",
        help="descriptors of a quiet period, same column; not the model's training rows, which hold no new merchant",
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="default: the current model")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")


def run(args: argparse.Namespace) -> int:
    """Print figures and verdict; 0 for not yet, 1 for investigate or retrain now."""
    model = MerchantClassifier.load(args.model)
    recent = traffic.sampled(traffic.read_lines(args.recent, args.column), _SEED)
    quiet = traffic.sampled(traffic.read_lines(args.reference, args.column), _SEED)
    for name, lines in (("recent", recent), ("reference", quiet)):
        if len(lines) < FEWEST_LINES:
            raise InputError(f"the {name} file has {len(lines)} descriptors; expected at least {FEWEST_LINES}")
    errors = category_errors(bundles.locate(args.model), model.decider.categories)
    finding = compare(Reference(traffic.look_at(model, quiet), _SEED), traffic.look_at(model, recent), errors)
    for line in in_words(finding):
        print(line)
    if args.json:
        runs.write_json(args.json, as_json(finding))
    return 0 if finding.verdict == NOT_YET else 1


def category_errors(folder: Path, categories: Sequence[str]) -> NDArray[np.float64] | None:
    """Error on unseen merchants by category, from the model's `metrics.json`; the overall error where it has none."""
    path = folder / runs.METRICS
    if not path.exists():
        return None
    rows: dict[str, int] = defaultdict(int)
    right: dict[str, float] = defaultdict(float)
    for part in runs.read_json(path)["sets"].values():
        for name, found in {} if part["seen"] else part["per_category"].items():
            rows[name] += found["rows"]
            right[name] += found["rows"] * found["top1"]
    overall = 1 - sum(right.values()) / max(1, sum(rows.values()))
    return np.array([1 - right[name] / rows[name] if rows[name] else overall for name in categories])


def compare(reference: Reference, recent: Traffic, errors: NDArray[np.float64] | None) -> Finding:
    """Everything there is to say about recent lines."""
    expected = expected_error(reference.known.categories, recent.categories, errors) if errors is not None else None
    return Finding(
        reference.shifts(recent), expected, reference.risen_leads(recent), list(unknown_lines(reference, recent))
    )


def unknown_lines(reference: Reference, recent: Traffic) -> Iterator[tuple[str, int, float]]:
    """Lines of new merchants that the model does not answer, most frequent first, one a merchant."""
    new = reference.is_new(recent) & ~recent.answered
    counts = Counter(recent.merchants[i] for i in np.flatnonzero(new) if recent.merchants[i])
    first = {recent.merchants[i]: i for i in np.flatnonzero(new)[::-1]}
    for name, count in counts.most_common(_UNKNOWN_SHOWN):
        yield recent.texts[first[name]], count, float(recent.confidence[first[name]])


_ADVICE = {
    NOT_YET: "Recent lines are like the reference. Nothing needs to be done.",
    INVESTIGATE: "Something changed, but the model is about as sure as before, or sees little that is new. Look at the"
    " figures marked ALARM; a new facilitator belongs into the normaliser's table, a seasonal mix needs nothing.",
    RETRAIN: "The model is less sure than it was, on lines unlike those it knows. Label a sample (`python -m train"
    " label_next`) and train again with it.",
}


def in_words(finding: Finding) -> Iterator[str]:
    """The figures, then the verdict."""
    yield f"{'figure':<18} {'now':>7} {'usual':>7} {'limit':>7}"
    for shift in finding.shifts:
        alarm = "  ALARM" if shift.alarmed else ""
        yield f"{shift.name:<18} {shift.measured:7.1%} {shift.usual:7.1%} {shift.limit:7.1%}{alarm}"
    if finding.errors:
        before, now = finding.errors
        yield f"expected error of the MCC if only the mix of categories had changed: {now:.1%}, before {before:.1%}"
    for name, before, now in finding.risen:
        yield f"lines that begin with {name or 'no letter'}: {now:.1%}, before {before:.1%}"
    if finding.unknown:
        yield "frequent lines of new merchants without an answer:"
        yield from (f"  {count:>6} x {line[:60]}" for line, count, _ in finding.unknown)
    yield f"verdict: {finding.verdict}. {_ADVICE[finding.verdict]}"


def as_json(finding: Finding) -> Mapping[str, Any]:
    """The same for programs."""
    return {
        "verdict": finding.verdict,
        "shifts": [asdict(shift) | {"alarmed": shift.alarmed} for shift in finding.shifts],
        "expected_error": finding.errors,
        "risen": finding.risen,
        "unknown": finding.unknown,
    }
