"""The summary of a scored file as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from merchant_classifier.batch.statistics import BINS, Statistics
from merchant_classifier.prediction import Reason

SHOWN_CATEGORIES, SHOWN_UNKNOWN = 12, 15

REASONS = {
    Reason.CONFIDENT.value: "code named",
    Reason.MEMORY.value: "code named by the merchant memory",
    Reason.CATEGORY_ONLY.value: "category named, code unsure",
    Reason.LOW_CONFIDENCE.value: "no answer: too unsure",
    Reason.NOT_A_MERCHANT.value: "no purchase: transfer, pay, fee, cash",
    Reason.NO_TEXT.value: "nothing readable in it",
}
"""What a reason means, in the order it is shown."""


def table(statistics: Statistics) -> str:
    """Several short tables: answers, categories, confidence, unknown descriptors."""
    rows = statistics.rows
    parts = [
        ("rows by answer", _lines(_by_reason(statistics), rows)),
        ("largest categories", _lines(_largest(statistics), rows)),
        ("confidence", _histogram(statistics)),
        ("most frequent descriptors without a code: worth labelling", _lines(_unknown(statistics), rows)),
    ]
    return "\n\n".join("\n".join([title, *lines]) for title, lines in parts)


def _by_reason(statistics: Statistics) -> list[tuple[str, int]]:
    return [(text, statistics.reasons[reason]) for reason, text in REASONS.items() if statistics.reasons[reason]]


def _largest(statistics: Statistics) -> list[tuple[str, int]]:
    return [(words(name), count) for name, count in statistics.categories.most_common(SHOWN_CATEGORIES)]


def _unknown(statistics: Statistics) -> list[tuple[str, int]]:
    return statistics.unknown.most_common(SHOWN_UNKNOWN)


def _lines(counts: Iterable[tuple[str, int]], rows: int) -> Iterator[str]:
    for text, count in counts:
        yield f"  {_one_line(text, 44):<44} {count:>12,} {count / max(rows, 1):>7.1%}"


def _histogram(statistics: Statistics) -> Iterator[str]:
    most = max(*statistics.confidence, 1)
    for step, count in enumerate(statistics.confidence):
        low, high = step / BINS, (step + 1) / BINS
        yield f"  {low:.2f} to {high:.2f}  {'#' * round(40 * count / most):<40} {count:>12,}"


def words(name: str) -> str:
    """A category as people write it."""
    return name.replace("_", " ")


def _one_line(text: str, width: int) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= width else line[: width - 1] + "…"
