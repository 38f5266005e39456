"""Prints some lines of a scored CSV as a table, and a summary of all of them: what `make demo` shows.

python examples/show_scored.py build/demo.csv
"""

from __future__ import annotations

import csv
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

SHOWN = 25
_REASONS = {
    "confident": "code named",
    "category_only": "category only",
    "low_confidence": "no answer: too unsure",
    "not_a_merchant": "not a purchase",
    "no_text": "no readable text",
    "memory": "decided by merchant memory",
}

Row = dict[str, str]


def main(path: str) -> int:
    """Print the table and the summary; returns the exit code."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        print(f"{path}: no rows", file=sys.stderr)
        return 2
    print_table(rows[:: max(1, len(rows) // SHOWN)][:SHOWN])
    print_summary(rows)
    return 0


def print_table(rows: Sequence[Row]) -> None:
    """One line a row: description, code, what it means, how sure."""
    print(f"\n{_fit('description', 50)}  {_fit('mcc', 4)}  {_fit('label or category', 42)}  sure")
    print(f"{'-' * 50}  ----  {'-' * 42}  ----")
    for row in rows:
        answer = row["label"] or _words(row["category"]) or "-"
        sure = f"{float(row['confidence']):4.0%}"
        print(f"{_fit(row['description'], 50)}  {row['mcc'] or '-':<4}  {_fit(answer, 42)}  {sure}")


def print_summary(rows: Sequence[Row]) -> None:
    """Counts by reason and the largest categories."""
    countries = {row["country"] for row in rows}
    print(f"\n{len(rows)} descriptions from {len(countries)} countries, model {rows[0]['model_version']}:")
    for reason, count in Counter(row["reason"] for row in rows).most_common():
        print(f"  {_REASONS.get(reason, reason):<28} {count:4d}  {count / len(rows):4.0%}")
    categories = Counter(_words(row["category"]) for row in rows if row["category"])
    print("largest categories: " + ", ".join(f"{name} {count}" for name, count in categories.most_common(8)))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _fit(text: str, width: int) -> str:
    """Cut or pad to a width on the screen; East Asian wide characters take two columns."""
    out, used = "", 0
    for char in text:
        size = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used + size > width:
            break
        out, used = out + char, used + size
    return out + " " * (width - used)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/show_scored.py SCORED.csv")
    sys.exit(main(sys.argv[1]))
