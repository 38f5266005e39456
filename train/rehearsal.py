"""Stage rehearsal: what a quarter's retraining is worth, on real lines with years.

Two models are trained, one on the years up to 2016, one on a year more; the gate
judges the second against the first, and both are then asked about the lines of
the year after, which neither knows, apart by the year in which the merchant was
first met. A merchant is the letters of its normalised line; 8 % of the merchants
met before are kept from training, as in any run. All of it stays in `build/`; the
gain is written to `build/rehearsal/gain.md`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from merchant_classifier import MerchantClassifier
from merchant_classifier.text import normalize
from train import compare, gate, pipeline, release, runs
from train import config as configs
from train.config import Source
from train.judged import Frozen, judge, taxonomy_of
from train.keys import letters
from train.sources import adapter
from train.sources.rows import Row, folded

_MODELS = Path("build/rehearsal")
_CONFIGS = ("train/configs/rehearsal_2016.toml", "train/configs/rehearsal_2017.toml")


@dataclass(frozen=True, slots=True)
class Line:
    """One distinct line of the year after, and what the models know of its merchant."""

    text: str
    label: str
    merchant: str
    group: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Train, judge and compare; 1 when the gate refuses the second model, and a run's own code where one fails."""
    del args
    if _MODELS.exists():
        shutil.rmtree(_MODELS)  # of an earlier rehearsal, perhaps on other rows
    accepted = 0
    for path in _CONFIGS:
        if code := pipeline.run(argparse.Namespace(config=path, start=None)):
            return code
        accepted = gate.run(_arguments(gate, config=path, models=_MODELS))
        if code := release.run(_arguments(release, config=path, models=_MODELS, override="rehearsal")):
            return code
    table = "\n".join(gain(*(configs.load(path) for path in _CONFIGS)))
    with runs.replacing(_MODELS / "gain.md") as temporary:
        temporary.write_text(table + "\n", "utf-8")
    print(table)
    return accepted


def _arguments(stage: Any, **given: Any) -> argparse.Namespace:
    """A stage's default options, but for the given ones."""
    parser = argparse.ArgumentParser()
    stage.add_arguments(parser)
    return parser.parse_args([], argparse.Namespace(**given))


def gain(old: configs.Config, new: configs.Config) -> Iterator[str]:
    """A table of both models on the year after the second one's, by what they know of the merchant."""
    (source,) = (source for source in new.data.sources if source.until_year)
    year = new.data.time_split_year
    models = [MerchantClassifier.load(config.build / runs.BUNDLE) for config in (old, new)]
    names = set(taxonomy_of(models[1]).category)
    lines = [line for line in year_after(source, year) if line.label in names]
    rows = Frozen.of(
        {"set": line.group, "text": line.text, "label": line.label, "merchant": line.merchant} for line in lines
    )
    answers = [judge(model, rows, taxonomy_of(model)) for model in models]
    yield f"Lines of {year}; {models[0].version} and {models[1].version}; 95 % intervals by merchant."
    yield ""
    yield "| merchants | lines | old right % | new right % | difference |"
    yield "|---|---|---|---|---|"
    for group in ("all", *sorted(set(rows.sets.tolist()))):
        at = np.flatnonzero((rows.sets == group) | (group == "all"))
        before, after = (answer.right[at] for answer in answers)
        found = compare.difference(before, after, [rows.merchants[i] for i in at], 0.025)
        yield (
            f"| {group} | {found.rows} | {100 * found.champion:.1f} | {100 * found.challenger:.1f} |"
            f" {100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f}) |"
        )
    flips = compare.flips(rows, *answers)
    yield ""
    yield f"Flips: {flips['broken']} of {flips['rows']} lines broken, {flips['mended']} mended."


def year_after(source: Source, year: int) -> Iterator[Line]:
    """Distinct lines of a year, each in the group of its merchant."""
    read = adapter(source.adapter).reader()(Path(source.path))
    entries = [row for row in read if isinstance(row, Row)]
    first = _first_years(entries)
    for text, label in dict.fromkeys((row.text, folded(row.label)) for row in entries if row.year == year):
        if merchant := _letters(text):
            yield Line(text, label, merchant, _group(first[merchant], year))


def _group(first: int, year: int) -> str:
    if first >= year:
        return f"first met in {year}"
    return f"first met in {year - 1}" if first == year - 1 else "met before"


def _first_years(rows: Sequence[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        merchant = _letters(row.text)
        found[merchant] = min(row.year, found.get(merchant, row.year))
    return found


def _letters(line: str) -> str:
    return letters(normalize(line).text)
