"""Charts as SVG text: narrow enough for a telephone, told apart by dashes as well as colours, so that print works."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 20, 10, 40
_NAMES, _LONGEST_NAME = 176, 24
"""Room for names before bars and intervals: pixels and characters."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#8a4f7d", "#7a6a00", "#444444")
"""After Okabe and Ito's palette, darkened where it would be weak on white: told apart by colour-blind readers."""
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")

Points = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale with its label, its marks and how they are written."""

    label: str
    low: float
    high: float
    marks: Sequence[float]
    write: Callable[[float], str]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, 0 to 1."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
        return min(1.0, max(0.0, (value - low) / (high - low)))


def percent(value: float) -> str:
    """0.25 -> "25 %"."""
    return f"{value:.0%}".replace("%", "\u202f%")


def shares(label: str, high: float = 1.0) -> Axis:
    """An axis of shares from 0 to `high`, rounded up to a mark."""
    step = next((step for step in (0.02, 0.05, 0.1, 0.2) if high / step <= 5.01), 0.2)
    count = max(1, math.ceil(high / step - 1e-9))
    return Axis(label, 0.0, count * step, [step * number for number in range(count + 1)], percent)


def lines(title: str, series: Mapping[str, Points], x: Axis, y: Axis, *, diagonal: bool = False) -> str:
    """Lines, one a series, first two numbers of each point; with the diagonal, points are marked too."""
    parts = [_frame(x, y)]
    if diagonal:
        parts.append(_path([(x.low, y.low), (x.high, y.high)], x, y, 'class="faint" stroke-dasharray="3 3"'))
    for number, points in enumerate(series.values()):
        parts.append(_path(points, x, y, _stroke(number)))
        if diagonal:
            parts += [_dot(point, x, y, COLOURS[number % len(COLOURS)]) for point in points]
    return _svg(title, "".join(parts)) + legend(list(series))


def histogram(title: str, series: Mapping[str, Points], x: Axis) -> str:
    """Bins (low, high, count) as steps, each series as shares of its own total."""
    outlines = {name: _steps(bins, x) for name, bins in series.items()}
    highest = max((point[1] for outline in outlines.values() for point in outline), default=1.0)
    return lines(title, outlines, x, shares("share of calls", highest))


def _steps(bins: Points, x: Axis) -> list[tuple[float, float]]:
    total = sum(count for _, _, count in bins) or 1
    outline = [(x.low, 0.0)]
    for low, high, count in bins:
        share = count / total
        outline += [(low, outline[-1][1] if outline[-1][0] == low else 0.0), (low, share), (high, share)]
        outline.append((high, share))
    last = outline[-1][0]
    return [*outline, (last, 0.0), (x.high, 0.0)]


def bars(title: str, rows: Sequence[tuple[str, float, str]], colour: str = COLOURS[0]) -> str:
    """Horizontal bars (name, share, note behind it) in the order given."""
    line, top = 19, 4
    room = WIDTH - _NAMES - 96
    parts = []
    for number, (name, share, note) in enumerate(rows):
        y = top + number * line
        parts.append(
            f'<text x="{_NAMES - 6}" y="{y + 12}" text-anchor="end">{escape(_short(name))}</text>'
            f'<rect x="{_NAMES}" y="{y + 2}" width="{max(1.0, share * room):.1f}" height="12" fill="{colour}"/>'
            f'<text x="{_NAMES + share * room + 5:.1f}" y="{y + 12}">{escape(note)}</text>'
        )
    return _svg(title, "".join(parts), height=2 * top + line * len(rows))


def intervals(
    title: str, rows: Sequence[tuple[str, Sequence[tuple[float, float, float]]]], names: Sequence[str]
) -> str:
    """A line a row with a dot and a whisker for each of `names`: (value, low, high), shares from 0 to 1."""
    line, top = 12 * len(names) + 8, 4
    x = shares("", 1.0)
    room, height = WIDTH - _NAMES - 22, top + line * len(rows)

    def at(value: float) -> float:
        return _NAMES + room * x.place(value)

    parts = [
        f'<line class="grid" x1="{at(mark):.1f}" x2="{at(mark):.1f}" y1="0" y2="{height}"/>'
        f'<text x="{at(mark):.1f}" y="{height + 14}" text-anchor="middle">{x.write(mark)}</text>'
        for mark in x.marks
    ]
    for number, (name, values) in enumerate(rows):
        y = top + number * line
        parts.append(
            f'<text x="{_NAMES - 6}" y="{y + line / 2 + 2:.0f}" text-anchor="end">{escape(_short(name))}</text>'
        )
        for place, (value, low, high) in enumerate(values):
            middle, colour = y + 8 + 12 * place, COLOURS[place % len(COLOURS)]
            parts.append(
                f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="{middle}" y2="{middle}" stroke="{colour}"'
                f' stroke-width="2"/>{_mark(at(value), middle, colour, place)}'
            )
    return _svg(title, "".join(parts), height=height + 20) + _marks_legend(names)


def legend(names: Sequence[str]) -> str:
    """Names with the line each is drawn in; nothing for a single one."""
    if len(names) < 2:
        return ""
    items = (
        f'<span><svg width="30" height="8"><line x1="0" x2="30" y1="4" y2="4" {_stroke(number)}/></svg>'
        f"{escape(name)}</span>"
        for number, name in enumerate(names)
    )
    return f'<p class="legend">{"".join(items)}</p>'


def _marks_legend(names: Sequence[str]) -> str:
    items = (
        f'<span><svg width="14" height="12">{_mark(6, 6, COLOURS[number % len(COLOURS)], number)}</svg>'
        f"{escape(name)}</span>"
        for number, name in enumerate(names)
    )
    return f'<p class="legend">{"".join(items)}</p>'


def _mark(x: float, y: float, colour: str, number: int) -> str:
    if number % 2:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5}" width="7" height="7" fill="{colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{colour}"/>'


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _frame(x: Axis, y: Axis) -> str:
    parts = []
    for mark in y.marks:
        at = _y(mark, y)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{y.write(mark)}</text>'
        )
    for mark in x.marks:
        at = _x(mark, x)
        parts.append(
            f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
            f'<text x="{at:.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{x.write(mark)}</text>'
        )
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x.label)}</text>'
        f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{escape(y.label)}</text>'
    )
    return "".join(parts)


def _x(value: float, axis: Axis) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * axis.place(value)


def _y(value: float, axis: Axis) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * axis.place(value)


def _path(points: Points, x: Axis, y: Axis, style: str) -> str:
    places = " ".join(f"{_x(point[0], x):.1f},{_y(point[1], y):.1f}" for point in points)
    return f'<polyline points="{places}" fill="none" {style}/>'


def _dot(point: Sequence[float], x: Axis, y: Axis, colour: str) -> str:
    return f'<circle cx="{_x(point[0], x):.1f}" cy="{_y(point[1], y):.1f}" r="2.6" fill="{colour}"/>'


def _stroke(number: int) -> str:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    return f'stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _svg(title: str, body: str, height: float = HEIGHT) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )
