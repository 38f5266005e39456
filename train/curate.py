"""Stage curate: merge hand-written merchant files into `data/curated_merchants.csv`.

A compact file has a header line `@MCC KIND COUNTRY` and below it one merchant a
line. Everything is checked before anything is written. A text under several
codes keeps one, by rule: codes given to frequent merchants (the few thousand that
make up most payments) win over those of other real ones, and those over invented
independents; then the code with most rows (spellings, countries);
then the one that `data/preferences.csv` prefers; then the generic code of the
family that they share; else the text is left out.
Rows that lose are kept in `data/curated_conflicts.csv`, where a reader can
review them and from where they vote again in the next merge. So the result
depends only on the set of all rows ever given, not on the order of merges.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import InputError
from train import runs
from train.resolve import CURATED, DATA, Taxonomy, read_taxonomy, text_key
from train.sources.countries import COUNTRIES
from train.sources.tables import records

CONFLICTS = DATA / "curated_conflicts.csv"
KINDS = ("frequent", "real", "independent")
"""From the surest to the least sure: codes of the first kind present decide a text."""

_HEADER = re.compile(r"@(\d{4}|not_a_merchant) (\w+) ([A-Z]{2})")
_COLUMNS = ("text", "mcc", "kind", "country")
_LONGEST = 80
_ONE_OF = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"


@dataclass(frozen=True, slots=True)
class Merchant:
    """One hand-written row."""

    text: str
    mcc: str
    kind: str
    country: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge keeps, and the rows that lost, each with the code that won ("" when none did)."""

    kept: list[Merchant]
    lost: list[tuple[Merchant, str]]
    duplicates: int

    @property
    def undecided(self) -> int:
        """Texts left out because no rule decides between their codes."""
        return len({text_key(row.text) for row, winner in self.lost if not winner})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files to merge, and where to."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="compact files (@MCC KIND COUNTRY, names)")
    parser.add_argument("--into", type=Path, default=CURATED, metavar="CSV", help="default: %(default)s")
    parser.add_argument("--conflicts", type=Path, default=CONFLICTS, metavar="CSV", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Merge; nothing is written when a line is wrong."""
    taxonomy = read_taxonomy()
    problems: list[str] = []
    new = [row for path in args.files for row in read_compact(path, taxonomy.family, problems)]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        raise InputError(f"{len(problems)} wrong lines in the files above; nothing was merged")
    old = [*_read_csv(args.into), *_read_csv(args.conflicts)]
    merged = merge([*old, *new], taxonomy)
    _write(args.into, args.conflicts, merged)
    kinds = Counter(row.kind for row in merged.kept)
    print(
        f"{len(old)} rows before, {len(new)} given, {merged.duplicates} duplicates, {len(merged.lost)} lost a conflict"
        f" ({merged.undecided} texts undecided), {len(merged.kept)} kept:"
        f" {', '.join(f'{kinds[kind]} {kind}' for kind in KINDS)}"
    )
    return 0


def read_compact(path: Path, codes: Mapping[str, str], problems: list[str]) -> Iterator[Merchant]:
    """The merchants of a compact file.

    Args:
        codes: the taxonomy's labels.
        problems: receives one line for every wrong line: file, number, what was expected.

    Raises:
        InputError: the file cannot be read or is not UTF-8.
    """
    header: tuple[str, str, str] | None = None
    for number, line in enumerate(_text(path).split("\n"), start=1):
        text = " ".join(line.split())
        problem = ""
        if text.startswith("@"):
            header, problem = _header(text, codes)
        elif text:
            problem = _wrong(text) if header else "expected a header line `@MCC KIND COUNTRY` before it"
            if header and not problem:
                yield Merchant(text, *header)
        if problem:
            problems.append(f"{path}:{number}: {problem}, found {text[:60]!r}")


def merge(rows: Iterable[Merchant], taxonomy: Taxonomy) -> Merged:
    """Drop duplicates, decide conflicts, sort."""
    rows = list(rows)
    unique = _without_duplicates(rows)
    by_text: dict[str, list[Merchant]] = defaultdict(list)
    for row in unique:
        by_text[text_key(row.text)].append(row)
    kept: list[Merchant] = []
    lost: list[tuple[Merchant, str]] = []
    for group in by_text.values():
        winner = _winner(group, taxonomy)
        kept.extend(row for row in group if row.mcc == winner)
        lost.extend((row, winner) for row in group if row.mcc != winner)
    return Merged(sorted(kept, key=_order), sorted(lost, key=lambda pair: _order(pair[0])), len(rows) - len(unique))


def _without_duplicates(rows: Iterable[Merchant]) -> list[Merchant]:
    """One row for a text, code and country; of the surest kind it is given as."""
    best: dict[tuple[str, str, str], Merchant] = {}
    for row in rows:
        key = (row.text, row.mcc, row.country)
        if key not in best or KINDS.index(row.kind) < KINDS.index(best[key].kind):
            best[key] = row
    return list(best.values())


def _winner(group: list[Merchant], taxonomy: Taxonomy) -> str:
    """The code that a text keeps, or ""."""
    surest = min((row.kind for row in group), key=KINDS.index)
    voters = [row for row in group if row.kind == surest]
    return taxonomy.decide(Counter(row.mcc for row in voters)) or ""


def _order(row: Merchant) -> tuple[str, ...]:
    return (row.mcc, row.kind, row.country, row.text)


def _header(text: str, codes: Mapping[str, str]) -> tuple[tuple[str, str, str] | None, str]:
    match = _HEADER.fullmatch(text)
    if not match:
        return None, "expected `@MCC KIND COUNTRY`, for example `@5814 real GB`"
    mcc, kind, country = match.groups()
    if mcc not in codes:
        return None, "expected a generic code of data/labels.csv (airlines 4511, car rental 7512, hotels 7011)"
    if kind not in KINDS:
        return None, f"expected the kind to be {_ONE_OF}"
    if country not in COUNTRIES:
        return None, "expected a country of ISO 3166 (the United Kingdom is GB)"
    return (mcc, kind, country), ""


def _wrong(text: str) -> str:
    if len(text) > _LONGEST:
        return f"expected a name of at most {_LONGEST} characters"
    if not any(character.isalnum() for character in text):
        return "expected a name with a letter or digit"
    if not text.isprintable() or text[0] == text[-1] == '"':
        return "expected printable characters and no quotes around the name"
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: expected UTF-8, found byte 0x{error.object[error.start]:02x}") from error


def _read_csv(path: Path) -> Iterator[Merchant]:
    if not path.exists():
        return
    for line, row in records(path, _COLUMNS):
        if row["kind"] not in KINDS:
            raise InputError(f"{path}:{line}: column kind: expected {_ONE_OF}, found {row['kind']!r}")
        yield Merchant(*(row[name] for name in _COLUMNS))


def _write(into: Path, conflicts: Path, merged: Merged) -> None:
    with runs.replacing(into) as first, runs.replacing(conflicts) as second:
        _write_csv(first, _COLUMNS, (_fields(row) for row in merged.kept))
        _write_csv(second, (*_COLUMNS, "decided"), ((*_fields(row), winner) for row, winner in merged.lost))


def _fields(row: Merchant) -> tuple[str, ...]:
    return (row.text, row.mcc, row.kind, row.country)


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
