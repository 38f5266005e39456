"""Pieces of HTML pages: everything that comes in as text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_STYLE = Path(__file__).with_name("report.css")


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is HTML already."""

    text: str


Cell = str | int | float | Html


def page(title: str, parts: Iterable[Html]) -> str:
    """A whole page with its style inside it."""
    body = "\n".join(part.text for part in parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def heading(text: str, level: int = 2) -> Html:
    """A heading."""
    return Html(f"<h{level}>{escape(text)}</h{level}>")


def paragraph(text: str, kind: str = "") -> Html:
    """A paragraph; `kind` is a class of the style sheet."""
    return Html(f"<p{_class(kind)}>{escape(text)}</p>")


def span(text: str, kind: str) -> Html:
    """A marked piece of text."""
    return Html(f"<span{_class(kind)}>{escape(text)}</span>")


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], text_columns: Sequence[str] = ()) -> Html:
    """A table that scrolls sideways where it is too wide; numbers stand right, descriptions in fixed width."""
    body = [list(row) for row in rows]
    if not body:
        return paragraph("None.", "soft")
    numeric = [all(isinstance(row[i], int | float) or _is_number(row[i]) for row in body) for i in range(len(columns))]
    kinds = [
        "text" if name in text_columns else "number" if number else ""
        for name, number in zip(columns, numeric, strict=True)
    ]
    head = "".join(f"<th{_class(kind)}>{escape(name)}</th>" for name, kind in zip(columns, kinds, strict=True))
    lines = ("".join(f"<td{_class(k)}>{_cell(c)}</td>" for c, k in zip(row, kinds, strict=True)) for row in body)
    return Html(
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>'
        + "".join(f"<tr>{line}</tr>" for line in lines)
        + "</tbody></table></div>"
    )


def tiles(items: Iterable[tuple[str, str, str]]) -> Html:
    """Large figures: (what, figure, note)."""
    inner = "".join(
        f'<div class="tile">{escape(what)}<b>{escape(figure)}</b><span class="soft">{escape(note)}</span></div>'
        for what, figure, note in items
    )
    return Html(f'<div class="tiles">{inner}</div>')


def charts(items: Iterable[tuple[str, str]]) -> Html:
    """Charts (caption, SVG) beside each other where there is room."""
    inner = "".join(f"<figure><figcaption>{escape(name)}</figcaption>{svg}</figure>" for name, svg in items)
    return Html(f'<div class="charts">{inner}</div>')


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, str) and cell.strip("0123456789.,%+- \u202f()to") == "" and cell != ""


def _cell(cell: Cell) -> str:
    return cell.text if isinstance(cell, Html) else escape(f"{cell:,}" if isinstance(cell, int) else str(cell))
