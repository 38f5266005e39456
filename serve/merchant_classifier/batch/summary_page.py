"""The summary of a scored file as one HTML page: pictures drawn as SVG, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from merchant_classifier.batch.statistics import BINS, Statistics
from merchant_classifier.batch.summary import REASONS, words
from merchant_classifier.prediction import Reason

_CATEGORIES, _LABELS, _UNKNOWN = 25, 20, 50
_ROW, _NAME, _BAR, _NUMBER = 24, 250, 380, 130
_WIDTH, _HEIGHT = 760, 240

_COLOURS = {
    Reason.CONFIDENT.value: "#1b7f5c",
    Reason.MEMORY.value: "#0f5a86",
    Reason.CATEGORY_ONLY.value: "#74b49b",
    Reason.LOW_CONFIDENCE.value: "#d98e32",
    Reason.NOT_A_MERCHANT.value: "#8a8fa3",
    Reason.NO_TEXT.value: "#c9ccd6",
}

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2433; background: #f5f6f8; margin: 0 }
main { max-width: 800px; margin: 0 auto; padding: 32px 20px }
section { background: #fff; border: 1px solid #e2e5eb; border-radius: 8px; padding: 16px 20px; margin: 16px 0 }
h1 { font-size: 22px; margin: 0 } h2 { font-size: 16px; margin: 0 0 10px } p { margin: 4px 0; color: #566075 }
svg { width: 100%; height: auto; display: block } text { font: 13px system-ui, sans-serif; fill: #1d2433 }
.number { text-anchor: end; fill: #566075 } .axis { fill: #8a8fa3; font-size: 11px; text-anchor: middle }
table { border-collapse: collapse; width: 100% } td { padding: 3px 8px; border-top: 1px solid #eef0f4 }
td:first-child { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere }
td + td { text-align: right; white-space: nowrap }
ul { list-style: none; padding: 0; margin: 10px 0 0; columns: 2 }
i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 8px }
"""


def page(statistics: Statistics, source: str, model: str) -> bytes:
    """The page.

    Args:
        statistics: of the whole file.
        source: name of the input.
        model: version of the model.
    """
    rows = max(statistics.rows, 1)
    categories = [(words(name), count) for name, count in statistics.categories.most_common(_CATEGORIES)]
    parts = [
        _section("Answers", _answers(statistics)),
        _section("Share by category", _bars(categories, rows)),
        _section("Confidence of the answers", _histogram(statistics)),
        _section("Most frequent codes", _bars(statistics.labels.most_common(_LABELS), rows)),
        _section("Descriptors without a code, most frequent first: worth labelling", _unknown(statistics, rows)),
    ]
    title = f"Summary of {escape(source)}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{_STYLE}</style></head><body><main>
<h1>{title}</h1><p>{statistics.rows:,} rows, model {escape(model)}</p>
{"".join(parts)}</main></body></html>
""".encode()


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>\n"


def _svg(height: float, content: str, label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{label}">{content}</svg>'


def _answers(statistics: Statistics) -> str:
    """One bar of all rows, coloured by reason, and what the colours mean."""
    rows, left, pieces, legend = max(statistics.rows, 1), 0.0, [], []
    for reason, text in REASONS.items():
        count = statistics.reasons[reason]
        width = _WIDTH * count / rows
        pieces.append(f'<rect x="{left:.1f}" width="{width:.1f}" height="28" fill="{_COLOURS[reason]}"/>')
        left += width
        if count:
            swatch = f'<i style="background:{_COLOURS[reason]}"></i>'
            legend.append(f"<li>{swatch}{count / rows:.1%} {text} ({count:,})</li>")
    return _svg(28, "".join(pieces), "rows by answer") + f"<ul>{''.join(legend)}</ul>"


def _bars(counts: Sequence[tuple[str, int]], rows: int) -> str:
    """Horizontal bars with names in front and numbers behind."""
    if not counts:
        return "<p>none</p>"
    most = counts[0][1]
    lines = [_bar(i * _ROW, name, count, count / most, count / rows) for i, (name, count) in enumerate(counts)]
    return _svg(len(counts) * _ROW, "".join(lines), "bars")


def _bar(top: int, name: str, count: int, length: float, share: float) -> str:
    shown = escape(name if len(name) <= 36 else name[:35] + "…")
    return (
        f'<text x="0" y="{top + 16}">{shown}<title>{escape(name)}</title></text>'
        f'<rect x="{_NAME}" y="{top + 4}" width="{_BAR * length:.1f}" height="{_ROW - 8}" rx="2" fill="#1b7f5c"/>'
        f'<text class="number" x="{_WIDTH}" y="{top + 16}">{count:,} · {share:.1%}</text>'
    )


def _histogram(statistics: Statistics) -> str:
    """Columns of rows by confidence."""
    most, step = max(*statistics.confidence, 1), _WIDTH / BINS
    pieces = []
    for i, count in enumerate(statistics.confidence):
        height = (_HEIGHT - 40) * count / most
        title = f"<title>{i / BINS:.2f} to {(i + 1) / BINS:.2f}: {count:,} rows</title>"
        pieces.append(
            f'<rect x="{i * step + 2:.1f}" y="{_HEIGHT - 20 - height:.1f}" width="{step - 4:.1f}" '
            f'height="{height:.1f}" fill="#0f5a86">{title}</rect>'
        )
    marks = "".join(
        f'<text class="axis" x="{min(max(_WIDTH * i / 10, 8), _WIDTH - 10):.0f}" y="{_HEIGHT - 4}">{i / 10:.1f}</text>'
        for i in range(11)
    )
    return _svg(_HEIGHT, "".join(pieces) + marks, "rows by confidence")


def _unknown(statistics: Statistics, rows: int) -> str:
    found = statistics.unknown.most_common(_UNKNOWN)
    if not found:
        return "<p>none</p>"
    lines = [f"<tr><td>{escape(text)}</td><td>{count:,}</td><td>{count / rows:.2%}</td></tr>" for text, count in found]
    return f"<table>{''.join(lines)}</table>"
