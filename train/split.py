"""Stage split: divide the rows by base merchant, never by row, so that validation and test merchants are unseen.

Random row splits flatter: a public set of 3.6 million rows holds 847 merchants,
and models at 98 % on it fall to a quarter of that on real lines. So a key
(`train.keys`) goes to one part as a whole, by its hash; where rows have years,
merchants first seen in the last year are a validation set of their own; and a
data set of few merchants in many disguises is refused.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from merchant_classifier.errors import InputError
from merchant_classifier.text import normalize
from train import config as configs
from train import runs
from train.config import Data
from train.evaluation import golden_lines
from train.keys import BRAND, base_keys, letters
from train.runs import LATER, TEST, TRAIN, VALIDATION
from train.sources.curated import FREQUENT

PARTS = (TRAIN, VALIDATION, TEST, LATER)
ACCOUNT = "split.json"

_NO_WORDS = "dropped: no readable word"
_MOST_LINES_OF_A_START = 20
_GOLDEN = "dropped: a line of the golden set"
_REPEATED = "dropped: same words and label as an earlier row of its source"
_OTHER_YEAR = "dropped: of the split year or later, merchant known before"
_LATER_ELSEWHERE = "dropped: merchant of the later set"
_SPELT_OTHERWISE = "dropped: held-out row with the letters of a training row"


@dataclass(frozen=True, slots=True)
class Rows:
    """What the division looks at, column by column."""

    words: Sequence[str]
    keys: Sequence[str]
    labels: Sequence[str]
    sources: Sequence[str]
    years: Sequence[int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Write `split.parquet` and the account of every row, `split.json`."""
    config = configs.load(args.config)
    table = runs.read_table(config.build / runs.ROWS)
    words = normalized(table["text"].to_pylist())
    rows = Rows(
        words,
        base_keys(words, table["brand_id"].to_pylist()),
        table["label"].to_pylist(),
        table["source"].to_pylist(),
        table["year"].to_pylist(),
    )
    refuse_template_collapse(rows.words, rows.keys, config.data.max_lines_per_merchant)
    parts = divide(rows, config.data)
    _drop_golden(table["text"].to_pylist(), parts, golden_lines(config.data.labels))
    _write(config.build, table, rows, parts)
    counts = Counter(parts)
    for name in sorted(counts, key=lambda name: (name not in PARTS, name)):
        print(f"{name}: {counts[name]}")
    return 0


def normalized(texts: Sequence[str]) -> list[str]:
    """Space-joined normalised words of every text; equal texts are normalised once."""
    lines = {
        text: normalize(text).text for text in tqdm(dict.fromkeys(texts), desc="normalize", unit="text", disable=None)
    }
    return [lines[text] for text in texts]


def refuse_template_collapse(words: Sequence[str], keys: Sequence[str], most: float) -> None:
    """Check that the rows are many merchants.

    Args:
        most: how many different lines one merchant may have on average.

    Raises:
        InputError: they have more: the rows are few merchants in many disguises, and no split of them
            says anything about merchants that are not among them.
    """
    per_merchant = Counter(key for _, key in set(zip(words, keys, strict=True)) if key)
    lines, merchants = per_merchant.total(), len(per_merchant)
    if lines > most * merchants:
        name, count = per_merchant.most_common(1)[0]
        raise InputError(
            f"{lines} different lines are only {merchants} merchants, {lines / merchants:.0f} lines each"
            f" ({name!r} alone has {count}): expected at most {most:g} lines a merchant. Such rows teach disguises, not"
            " merchants; collect more merchants, or raise data.max_lines_per_merchant"
        )


def divide(rows: Rows, data: Data) -> list[str]:
    """The part of every row, or the reason why it is in none.

    Raises:
        InputError: no row is left for training or validation.
    """
    known = _well_known(rows, data.held_out_rows)
    parts = [TRAIN if key in known else _part(key, data) for key in rows.keys]
    if data.time_split_year:
        _divide_by_time(rows, data.time_split_year, parts, known)
    _give_every_label_to_training(rows, parts)
    _drop_spelt_otherwise(rows, parts)
    _drop_repeated(rows, parts)
    for part in (TRAIN, VALIDATION):
        if part not in parts:
            raise InputError(
                f"no merchant fell into the part {part!r}: {len(set(rows.keys))} merchants in {len(parts)} rows,"
                f" {data.validation_percent} % for validation and {data.test_percent} % for test"
            )
    return parts


def _well_known(rows: Rows, most: int) -> set[str]:
    """Frequent merchants, and those with more than `most` rows where that is not 0.

    A model that does not know them is of little use, so they are always trained on. What is left for
    validation and test are lesser-known merchants: harder ones.
    """
    frequent = {key for key, source in zip(rows.keys, rows.sources, strict=True) if source == FREQUENT and key}
    return frequent | ({key for key, count in Counter(rows.keys).items() if key and count > most} if most else set())


def _part(key: str, data: Data) -> str:
    if not key:
        return _NO_WORDS
    bucket = crc32(key.encode("utf-8")) % 100
    if bucket < data.validation_percent:
        return VALIDATION
    return TEST if bucket < data.validation_percent + data.test_percent else TRAIN


def _divide_by_time(rows: Rows, year: int, parts: list[str], well_known: set[str]) -> None:
    """Merchants first seen in `year` become the later part, in every source; other rows from `year` on are dropped.

    First seen means: neither the letters of the name nor the base merchant
    occur before, and no list of brands knows it. A chain's new branch is a new
    name too, but taking it for unseen would take the whole chain out of training.
    """
    earlier = {letters(_name(line)) for line, seen in zip(rows.words, rows.years, strict=True) if 0 < seen < year}
    known = well_known | {key for key, seen in zip(rows.keys, rows.years, strict=True) if 0 < seen < year}
    # `uber trip <reference>` is no new merchant each time: many lines with one start are one merchant's.
    starts = Counter(_start(line) for line in rows.words)
    for place, line in enumerate(rows.words):
        key = rows.keys[place]
        if rows.years[place] < year or parts[place] == _NO_WORDS:
            continue
        first_seen = (
            letters(_name(line)) not in earlier
            and key not in known
            and not key.startswith(BRAND)
            and (not _start(line) or starts[_start(line)] <= _MOST_LINES_OF_A_START)
        )
        parts[place] = LATER if first_seen and rows.years[place] == year else _OTHER_YEAR
    keys = {key for key, part in zip(rows.keys, parts, strict=True) if part == LATER}
    for place, key in enumerate(rows.keys):
        if key in keys and parts[place] in (TRAIN, VALIDATION, TEST):
            parts[place] = _LATER_ELSEWHERE


def _name(line: str) -> str:
    """The words without digits, for those with digits are mostly references; all words where nothing else is left."""
    return " ".join(word for word in line.split(" ") if word.isalpha()) or line


def _start(line: str) -> str:
    """The first two of three or more words."""
    words = line.split(" ")
    return " ".join(words[:2]) if len(words) > 2 else ""


def _give_every_label_to_training(rows: Rows, parts: list[str]) -> None:
    """Move all merchants of a label that training would lack into training: few merchants, all hashed away."""
    learnt = {label for label, part in zip(rows.labels, parts, strict=True) if part == TRAIN}
    keys = {
        key
        for key, label, part in zip(rows.keys, rows.labels, parts, strict=True)
        if label not in learnt and part in (VALIDATION, TEST)
    }
    for place, key in enumerate(rows.keys):
        if key in keys and parts[place] in (VALIDATION, TEST):
            parts[place] = TRAIN


def _drop_spelt_otherwise(rows: Rows, parts: list[str]) -> None:
    """Base merchants are told apart by words: `citybus` is held out where `city bus` is trained on."""
    learnt = {letters(line) for line, part in zip(rows.words, parts, strict=True) if part == TRAIN}
    for place, line in enumerate(rows.words):
        if parts[place] in (VALIDATION, TEST, LATER) and letters(line) in learnt:
            parts[place] = _SPELT_OTHERWISE


def _drop_repeated(rows: Rows, parts: list[str]) -> None:
    """Reference codes gone, 1,500 lines of one advertiser are one line."""
    seen: set[tuple[str, str, str]] = set()
    for place, row in enumerate(zip(rows.words, rows.labels, rows.sources, strict=True)):
        if parts[place] not in PARTS:
            continue
        if row in seen:
            parts[place] = _REPEATED
        seen.add(row)


def _drop_golden(texts: Sequence[str], parts: list[str], golden: frozenset[str]) -> None:
    """Lines that are asked about for good are read by no training, whatever source they stand in."""
    for place, text in enumerate(texts):
        if text.casefold() in golden and parts[place] in PARTS:
            parts[place] = _GOLDEN


def _write(folder: Path, table: pa.Table, rows: Rows, parts: list[str]) -> None:
    table = table.append_column("words", pa.array(rows.words)).append_column("key", pa.array(rows.keys))
    table = table.append_column("part", pa.array(parts))
    with runs.replacing(folder / runs.SPLIT) as temporary:
        pq.write_table(table.filter([part in PARTS for part in parts]), temporary)
    runs.write_json(folder / ACCOUNT, dict(_account(rows, parts)))


def _account(rows: Rows, parts: list[str]) -> Iterator[tuple[str, object]]:
    yield "rows", dict(Counter(parts))
    yield (
        "merchants",
        {part: len({key for key, p in zip(rows.keys, parts, strict=True) if p == part}) for part in PARTS},
    )
    by_source: Counter[str] = Counter(f"{s}: {p}" for s, p in zip(rows.sources, parts, strict=True) if p in PARTS)
    yield "rows_by_source", dict(by_source)
    yield "largest_merchants", dict(Counter(rows.keys).most_common(20))
