"""The counted part of `data/README.md`, between its markers, and the plot beside it.

Counts are of `merchants.csv` and `curated_merchants.csv` together: by source,
category and code, country and script. Everything is computed from the files,
so that the page cannot disagree with them.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from merchant_classifier.errors import InputError
from train import runs

DATA = Path("data")
BEGIN = "<!-- counts: begin, written by `python -m train data` -->"
END = "<!-- counts: end -->"
PLOT = "counts.png"
WANTED_ROWS = 200
"""Rows that every code should have."""

_COUNTRIES_SHOWN = 40
_JAPANESE = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"}


@dataclass(slots=True)
class Counts:
    """Rows by label and source, by country and by script."""

    by_label: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_country: Counter[str] = field(default_factory=Counter)
    by_script: Counter[str] = field(default_factory=Counter)

    def of_source(self, source: str) -> int:
        """Rows of a source."""
        return sum(number for (_, name), number in self.by_label.items() if name == source)

    def of_label(self, label: str) -> int:
        """Rows of a label."""
        return sum(number for (name, _), number in self.by_label.items() if name == label)

    @property
    def sources(self) -> list[str]:
        """Names of the sources that have rows."""
        return sorted({source for _, source in self.by_label})


def update(folder: Path = DATA) -> None:
    """Write the counted part of the page and the plot.

    Raises:
        InputError: the page is not there or has no markers.
    """
    labels = _rows(folder / "labels.csv")
    counts = count(folder)
    page = folder / "README.md"
    text = page.read_text("utf-8") if page.exists() else ""
    start, end = text.find(BEGIN), text.find(END)
    if start < 0 or end < start:
        raise InputError(f"{page}: expected the lines `{BEGIN}` and `{END}`")
    body = "\n".join(_body(labels, counts, folder))
    with runs.replacing(page) as temporary:
        temporary.write_text(f"{text[:start]}{BEGIN}\n\n{body}\n\n{text[end:]}", "utf-8")
    draw(labels, counts, folder / PLOT)


def count(folder: Path) -> Counts:
    """Count the rows of the two files."""
    counts = Counts()
    for row in _rows(folder / "merchants.csv"):
        _add(counts, row["label"], row["source"], row)
    for row in _rows(folder / "curated_merchants.csv"):
        _add(counts, row["mcc"], f"curated, {row['kind']}", row)
    return counts


def script(text: str) -> str:
    """The script of most of a text's letters; kana and kanji together are Japanese."""
    found = Counter(_script_of(character) for character in text if character.isalpha())
    if not found:
        return "none"
    if "Japanese" in found:
        return "Japanese"
    return found.most_common(1)[0][0]


@cache
def _script_of(character: str) -> str:
    word = unicodedata.name(character, "OTHER").split()[0]
    if word in _JAPANESE:
        return "Japanese"
    if word in ("CJK", "IDEOGRAPHIC"):
        return "Han"
    return "Latin" if word in ("FULLWIDTH", "MODIFIER") else word.capitalize()


def _add(counts: Counts, label: str, source: str, row: Mapping[str, str]) -> None:
    counts.by_label[label, source] += 1
    counts.by_country[row["country"]] += 1
    counts.by_script[script(row["text"])] += 1


def _body(labels: Sequence[Mapping[str, str]], counts: Counts, folder: Path) -> Iterator[str]:
    total = counts.by_country.total()
    thin = [row["mcc"] for row in labels if counts.of_label(row["mcc"]) < WANTED_ROWS]
    yield f"{total:,} rows; {len(labels) - len(thin)} of {len(labels)} labels have at least {WANTED_ROWS}."
    yield f"\n![Rows by label and by country]({PLOT})\n"
    yield "### By source\n"
    yield from _table(("source", "rows"), ((name, counts.of_source(name)) for name in counts.sources))
    yield "\n### What became of the rows of packages\n"
    yield from _accounts(runs.read_json(folder / "provenance.json"))
    yield "\n### By country\n"
    known = _most_first(counts.by_country)
    unknown = counts.by_country[""]
    yield f"{len(known) - bool(unknown)} countries; {unknown:,} rows name none.\n"
    yield ", ".join(f"{name} {number:,}" for name, number in known if name)
    yield "\n### By script\n"
    yield from _table(("script", "rows"), _most_first(counts.by_script))
    yield "\n### By label\n"
    yield "<details><summary>All labels</summary>\n"
    names = counts.sources
    rows = ((row["mcc"], row["text"], *(counts.by_label[row["mcc"], name] for name in names)) for row in labels)
    yield from _table(("label", "text", *names), rows)
    yield "\n</details>"


def _most_first(numbers: Counter[str]) -> list[tuple[str, int]]:
    return sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))


def _accounts(provenance: Mapping[str, Any]) -> Iterator[str]:
    rows: list[tuple[object, ...]] = []
    for name, account in sorted(provenance["sources"].items()):
        dropped = ", ".join(f"{reason} {number:,}" for reason, number in sorted(account["dropped"].items()))
        rows.append((name, account["rows_in"], account["rows_out"], dropped))
    yield from _table(("source", "rows in", "rows out", "dropped"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |"


def draw(labels: Sequence[Mapping[str, str]], counts: Counts, path: Path) -> None:
    """Three panels: rows of each category by source, rows of every label, countries with most rows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(13, 6), layout="constrained")
    _draw_categories(panels[0], labels, counts)
    _draw_labels(panels[1], labels, counts)
    _draw_countries(panels[2], counts)
    with runs.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90, metadata={"Software": None})
    pyplot.close(figure)


def _draw_categories(panel: Any, labels: Sequence[Mapping[str, str]], counts: Counts) -> None:
    category = {row["mcc"]: row["category"] for row in labels}
    rows: Counter[tuple[str, str]] = Counter()
    for (label, source), number in counts.by_label.items():
        rows[category[label], source] += number
    names = sorted(set(category.values()), reverse=True)
    left = [0] * len(names)
    for source in counts.sources:
        widths = [rows[name, source] for name in names]
        panel.barh(names, widths, left=left, label=source)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    panel.set(title="Rows of each category")
    panel.tick_params(labelsize=7)
    panel.legend(fontsize=7, loc="lower right")


def _draw_labels(panel: Any, labels: Sequence[Mapping[str, str]], counts: Counts) -> None:
    numbers = sorted((counts.of_label(row["mcc"]) for row in labels), reverse=True)
    panel.plot(range(1, len(numbers) + 1), numbers, color="black")
    panel.axhline(WANTED_ROWS, color="tab:red", linewidth=0.8, linestyle=":", label=f"{WANTED_ROWS} rows")
    panel.set(title="Rows of each label, most first", yscale="log", xlabel="rank of the label", ylabel="rows")
    panel.legend(fontsize=7)


def _draw_countries(panel: Any, counts: Counts) -> None:
    top = [(name, number) for name, number in _most_first(counts.by_country) if name][:_COUNTRIES_SHOWN][::-1]
    panel.barh([name for name, _ in top], [number for _, number in top], color="tab:gray")
    panel.set(title=f"Rows of the {_COUNTRIES_SHOWN} most frequent countries")
    panel.tick_params(labelsize=7)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
