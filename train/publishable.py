"""Which descriptions may be shown: those of sources that lie inside the repository.

Rows of a workplace's other files may teach a model, but a released model's pages
and lists must not contain them. A file of a source counts as the repository's
when its path does not leave the working directory. A model of one's own labels
is made of one's own rows and stays with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from merchant_classifier import bundle as bundles
from train import runs
from train.config import Config, Source
from train.labels import OWN
from train.sources import adapter
from train.sources.rows import Row

GOLDEN_FOLDER = Path("tests/golden")


@dataclass(frozen=True, slots=True)
class Publishable:
    """Attributes:
    sources: names (column `source` of the rows) that only files of the repository use.
    texts: their texts as written and as normalised words.
    """

    sources: frozenset[str]
    texts: frozenset[str]


def of(config: Config) -> Publishable:
    """What a run's repository sources hold.

    Raises:
        InputError: a source or the run's `split.parquet` cannot be read.
    """
    sources = source_names(config)
    table = runs.read_table(config.build / runs.SPLIT, ["text", "words", "source"])
    table = table.filter(pc.is_in(table["source"], value_set=pa.array(sorted(sources), pa.string())))
    return Publishable(sources, frozenset(table["text"].to_pylist()) | frozenset(table["words"].to_pylist()))


def source_names(config: Config) -> frozenset[str]:
    """Names of sources that come from the repository alone; every source in a model of one's own labels."""
    if config.data.labels == OWN:
        return frozenset(runs.read_table(config.build / runs.SPLIT, ["source"])["source"].to_pylist())
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for source in config.data.sources:
        if Path(source.path).exists():
            names[inside(source.path)] |= _names(source)
    # A file from outside may call its rows by any name, those of the repository's sources too.
    return frozenset(names[True] - names[False])


def _names(source: Source) -> set[str]:
    entries = adapter(source.adapter).reader()(Path(source.path))
    return {entry.source or source.adapter for entry in entries if isinstance(entry, Row)}


def inside(path: str) -> bool:
    """The path does not leave the working directory."""
    return Path(path).resolve().is_relative_to(Path.cwd().resolve())


def foreign_lines(folder: Path, allowed: Publishable) -> Iterator[str]:
    """What a bundle shows that does not come from the repository: one line a file."""
    shown = {
        bundles.GOLDEN: [json.loads(line)["text"] for line in _lines(folder / bundles.GOLDEN)],
        bundles.NEIGHBOUR_NAMES: [line.split("\t")[0] for line in _lines(folder / bundles.NEIGHBOUR_NAMES)],
    }
    own = allowed.texts | _hand_written()
    for name, texts in shown.items():
        foreign = sum(text not in own for text in texts)
        if foreign:
            yield f"{name} shows {foreign} of {len(texts)} descriptions that are not from the repository's own sources"


def _hand_written() -> frozenset[str]:
    lines: Iterable[str] = (line for path in GOLDEN_FOLDER.glob("*.jsonl") for line in _lines(path))
    return frozenset(str(json.loads(line).get("text", "")) for line in lines)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []
