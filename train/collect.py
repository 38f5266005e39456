"""Stage collect: read every source of the configuration into `rows.parquet`, and account for each row.

A row is taken or it is dropped for a reason that `collect.json` counts; the
counts of a source add up to the rows of its file. Caps choose rows by the hash of their text, so
that the choice does not depend on the order of a file.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from merchant_classifier.errors import InputError
from train import config as configs
from train import runs
from train.config import Config, Source
from train.labels import OWN
from train.sources import adapter
from train.sources.memory import ADAPTER as MEMORY
from train.sources.memory import Decided
from train.sources.rows import Dropped, Entry, Row, folded

ACCOUNT = "collect.json"
SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "label": pa.string(),
        "source": pa.string(),
        "country": pa.string(),
        "brand_id": pa.string(),
        "weight": pa.float32(),
        "year": pa.int16(),
        "repeat": pa.int16(),
        "distill": pa.float32(),
    }
)
_FEWEST_EXAMPLES = 2


@dataclass(slots=True)
class Account:
    """What became of the rows of one source: `read` = `taken` + sum of `dropped`."""

    read: int = 0
    taken: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Collect the rows of a run."""
    config = configs.load(args.config)
    rows, accounts = collect(config)
    with runs.replacing(config.build / runs.ROWS) as temporary:
        pq.write_table(_table(rows), temporary)
    runs.write_json(config.build / ACCOUNT, _as_json(rows, accounts))
    for name, account in accounts.items():
        print(f"{name}: {account.read} read, {account.taken} taken, {account.dropped.total()} dropped")
    return 0


def collect(config: Config) -> tuple[list[Row], dict[str, Account]]:
    """Every row of every source, and an account for each source.

    Raises:
        InputError: a source cannot be read, holds a label that is not known, or no row is left; with labels
            of the user's own, a label with a single example.
    """
    known = None if config.data.labels == OWN else _taxonomy(Path(config.data.labels))
    decided = Decided(Path(source.path) for source in config.data.sources if source.adapter == MEMORY)
    rows: list[Row] = []
    accounts: dict[str, Account] = {}
    for source in config.data.sources:
        taken, account = _from_source(source, known, decided)
        rows.extend(taken)
        accounts[source.path] = account
    if not rows:
        raise InputError("the sources of this configuration hold no usable row")
    if known is None:
        _refuse_single_examples(rows)
    return rows, accounts


def _taxonomy(path: Path) -> frozenset[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return frozenset(row["mcc"] for row in csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except KeyError:
        raise InputError(f"{path}:1: expected a column 'mcc'") from None


def _from_source(source: Source, known: frozenset[str] | None, decided: Decided) -> tuple[list[Row], Account]:
    path, account = Path(source.path), Account()
    kind = adapter(source.adapter)
    if not path.exists() and source.optional:
        account.dropped["optional file is not there"] = 0
        print(f"{path}: not there, skipped (optional)")
        return [], account
    rows: list[Row] = []
    for entry in _read(kind.reader()(path), fold=known is not None):
        account.read += 1
        reason = _reason_to_drop(entry, source, known, kind.foreign)
        if isinstance(entry, Row) and not reason and source.adapter != MEMORY:
            reason = "overruled by the merchant memory" if decided.overrules(entry.text, entry.label) else ""
        if reason or isinstance(entry, Dropped):
            account.dropped[reason] += 1
        else:
            rows.append(entry)
    rows = _capped(rows, source.cap_per_label, account)
    account.taken = len(rows)
    return [_finished(row, source) for row in rows], account


def _read(entries: Iterable[Entry], *, fold: bool) -> Iterator[Entry]:
    """The entries; codes of single brands become generic ones when labels are MCCs."""
    for entry in entries:
        if fold and isinstance(entry, Row) and entry.label.startswith("3"):
            yield replace(entry, label=folded(entry.label))
        else:
            yield entry


def _reason_to_drop(entry: Entry, source: Source, known: frozenset[str] | None, foreign: bool) -> str:
    if isinstance(entry, Dropped):
        return entry.reason
    if entry.year and source.until_year and entry.year > source.until_year:
        return f"after {source.until_year}"
    if entry.year and source.since_year and entry.year < source.since_year:
        return f"before {source.since_year}"
    if known is not None and entry.label not in known:
        if foreign:
            return "code is not in the taxonomy"
        raise InputError(
            f"{source.path}:{entry.line}: unknown label {entry.label!r}; expected one of the {len(known)} in the"
            ' taxonomy, or `labels = "own"` in the configuration\'s [data] section'
        )
    return ""


def _capped(rows: list[Row], cap: int, account: Account) -> list[Row]:
    if not cap:
        return rows
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    kept: list[Row] = []
    for group in by_label.values():
        if len(group) > cap:
            account.dropped["over the cap of its label"] += len(group) - cap
            group.sort(key=lambda row: crc32(row.text.encode("utf-8", "surrogatepass")))
        kept.extend(group[:cap])
    return kept


def _finished(row: Row, source: Source) -> Row:
    return Row(
        row.text,
        row.label,
        row.country,
        row.brand_id,
        row.weight * source.weight,
        row.year,
        row.source or source.adapter,
        repeat=row.repeat * source.repeat,
        distill=row.distill * source.distill,
    )


def _refuse_single_examples(rows: Iterable[Row]) -> None:
    counts = Counter(row.label for row in rows)
    single = sorted(label for label, count in counts.items() if count < _FEWEST_EXAMPLES)
    if single:
        raise InputError(
            f"{len(single)} label(s) have a single example, for instance {single[0]!r}; expected at least"
            f" {_FEWEST_EXAMPLES} rows of every label: add rows or merge the label into another"
        )


def _table(rows: list[Row]) -> pa.Table:
    return pa.table({name: [getattr(row, name) for row in rows] for name in SCHEMA.names}, SCHEMA)


def _as_json(rows: list[Row], accounts: dict[str, Account]) -> dict[str, object]:
    return {
        "rows": len(rows),
        "labels": len({row.label for row in rows}),
        "rows_by_source": dict(Counter(row.source for row in rows)),
        "files": {name: {"read": a.read, "taken": a.taken, "dropped": dict(a.dropped)} for name, a in accounts.items()},
    }
