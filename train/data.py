"""Stage data: rebuild `data/merchants.csv` from packages and hand-written lines, and say where every row went.

A text keeps one row and one label. Where sources disagree: a real merchant of
`data/curated_merchants.csv` decides if it has the text; else the label whose
rows have the greatest weight together; else `data/preferences.csv`; else the
family's generic code; else the text is left out. A search term of the map's
schema must hold more than half of the weight, since words such as "repair"
stand under many trades. The same packages always give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from merchant_classifier.errors import InputError
from train import data_readme, packages, runs
from train.resolve import CURATED, DATA, Taxonomy, read_taxonomy, text_key
from train.sources import mcc_wordings, name_suggestion_index, osm_terms, statement_lines
from train.sources.osm import REFERENCE, read_codes
from train.sources.rows import Dropped, Entry, Row
from train.sources.tables import records

MERCHANTS = DATA / "merchants.csv"
BRAND_CODES = DATA / "brand_codes.csv"
PROVENANCE = DATA / "provenance.json"
COLUMNS = ("text", "label", "source", "country", "brand_id", "weight")

_LONGEST = 120
_NO_TEXT = f"no letter, or more than {_LONGEST} characters"
_LEAST_WEIGHT = 0.2
_UNTRUSTED = f"trusted less than {_LEAST_WEIGHT:g}"
_SAME = "text and label again"
_OTHER = "another label of the text won"
_CURATED = "curated merchants say otherwise"
_UNDECIDED = "no rule decides between the text's labels"
_COMMON_WORD = "word of several trades"


@dataclass(slots=True)
class Account:
    """What became of a source's rows: `read` = rows kept + sum of `dropped`."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Text:
    """All rows of one text that agree in the label, as one: the best row, and what the label weighs in hundredths."""

    best: Row
    votes: int
    rows: tuple[Row, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where packages are kept."""
    parser.add_argument("--cache", type=Path, default=packages.CACHE, metavar="DIR", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Fetch what is missing, rebuild, write the provenance and the tables of `data/README.md`."""
    accounts: dict[str, Account] = defaultdict(Account)
    wordings = mcc_wordings.read_archive(packages.fetch(packages.ISO18245, args.cache))
    taxonomy = read_taxonomy()
    candidates = [
        row
        for source, entries in _sources(args.cache, wordings)
        for row in usable(source, entries, accounts[source], taxonomy)
    ]
    rows = resolve(candidates, taxonomy, curated_codes(CURATED), accounts)
    _write_csv(MERCHANTS, COLUMNS, (_fields(row) for row in rows))
    _write_csv(BRAND_CODES, ("code", "brand", "label"), mcc_wordings.brand_codes(wordings))
    runs.write_json(PROVENANCE, _provenance(accounts, len(rows)))
    data_readme.update()
    for name, account in sorted(accounts.items()):
        print(f"{name}: {account.read} read, {account.kept} kept, {account.dropped.total()} dropped")
    return 0


def usable(source: str, entries: Iterable[Entry], account: Account, taxonomy: Taxonomy) -> Iterator[Row]:
    """The rows of a source with a text worth keeping, tidied; the others are counted.

    Raises:
        InputError: a label is not in the taxonomy.
    """
    for entry in entries:
        account.read += 1
        if isinstance(entry, Dropped):
            account.dropped[entry.reason] += 1
            continue
        text = " ".join(entry.text.split())
        if entry.label not in taxonomy.family:
            raise InputError(f"{source}: {text!r}: expected a label of data/labels.csv, found {entry.label!r}")
        if not any(character.isalpha() for character in text) or len(text) > _LONGEST:
            account.dropped[_NO_TEXT] += 1
        elif entry.weight < _LEAST_WEIGHT:
            account.dropped[_UNTRUSTED] += 1
        else:
            yield replace(entry, text=text)


def resolve(
    rows: Iterable[Row], taxonomy: Taxonomy, curated: Mapping[str, str], accounts: Mapping[str, Account]
) -> list[Row]:
    """One row for every text, sorted by label and text; what is left out is counted.

    Args:
        curated: the code of each text that the curated file holds as a real merchant.
    """
    groups: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[text_key(row.text)][row.label].append(row)
    kept: list[Row] = []
    for key, by_label in groups.items():
        texts = {label: _as_one(group) for label, group in by_label.items()}
        winner, reason = _winner(texts, taxonomy, curated.get(key))
        for label, text in texts.items():
            for row in text.rows:
                accounts[row.source].dropped[_SAME if label == winner else reason] += 1
        if winner:
            best = texts[winner].best
            accounts[best.source].dropped[_SAME] -= 1
            accounts[best.source].kept += 1
            kept.append(best)
    return sorted(kept, key=lambda row: (row.label, row.text))


def curated_codes(path: Path) -> dict[str, str]:
    """The code of each text of a real curated merchant, by `text_key`; none when there is no such file."""
    if not path.exists():
        return {}
    lines = records(path, ("text", "mcc", "kind"))
    return {text_key(row["text"]): row["mcc"] for _, row in lines if row["kind"] == "real"}


def _sources(cache: Path, wordings: mcc_wordings.Wordings) -> Iterator[tuple[str, Iterator[Entry]]]:
    codes = read_codes()
    yield statement_lines.SOURCE, statement_lines.rows()
    yield mcc_wordings.SOURCE, mcc_wordings.rows(wordings)
    index = name_suggestion_index.read_archive(packages.fetch(packages.NAME_SUGGESTION_INDEX, cache))
    yield name_suggestion_index.SOURCE, name_suggestion_index.rows(index, codes)
    presets, words = osm_terms.read_archive(packages.fetch(packages.ID_TAGGING_SCHEMA, cache))
    yield osm_terms.SOURCE, osm_terms.rows(presets, words, codes)


def _as_one(rows: list[Row]) -> Text:
    """The heaviest row stands for all; its country only if all name the same."""
    ranked = sorted(rows, key=lambda row: (-row.weight, row.text, row.source, row.country, row.brand_id))
    country = ranked[0].country if len({row.country for row in rows}) == 1 else ""
    votes = sum(round(100 * row.weight) for row in rows)
    return Text(replace(ranked[0], country=country), votes, tuple(ranked))


def _winner(texts: Mapping[str, Text], taxonomy: Taxonomy, curated: str | None) -> tuple[str | None, str]:
    """The label that a text keeps (or None), and why the others go."""
    if curated is not None:
        return (curated if curated in texts else None), _CURATED
    votes = {label: text.votes for label, text in texts.items()}
    winner = taxonomy.decide(votes)
    if winner is None:
        return None, _UNDECIDED
    only_words = all(row.source == osm_terms.SOURCE for text in texts.values() for row in text.rows)
    if only_words and 2 * votes[winner] <= sum(votes.values()):
        return None, _COMMON_WORD
    return winner, _OTHER


def _provenance(accounts: Mapping[str, Account], rows: int) -> dict[str, object]:
    tables = (DATA / name for name in ("labels.csv", "families.csv", "preferences.csv"))
    inputs = (*tables, CURATED, statement_lines.PATH, *REFERENCE.glob("osm*.csv"))
    sources = {
        name: {"rows_in": account.read, "rows_out": account.kept, "dropped": dict(+account.dropped)}
        for name, account in accounts.items()
    }
    return {
        "packages": [
            {"name": p.name, "version": p.version, "licence": p.licence, "file": p.file, "sha256": p.sha256}
            for p in packages.ALL
        ],
        "inputs": {str(path): _sha256(path) for path in inputs if path.exists()},
        "outputs": {str(path): _sha256(path) for path in (MERCHANTS, BRAND_CODES)},
        "sources": sources,
        "rows": rows,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fields(row: Row) -> tuple[str, ...]:
    return (row.text, row.label, row.source, row.country, row.brand_id, f"{row.weight:g}")


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with runs.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
