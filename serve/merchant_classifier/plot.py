"""Latency curves as an SVG picture, written by hand so that nothing has to be installed to draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

import numpy as np

_WIDTH = 720
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 40, 45, 330
_LEGEND, _LEGEND_LINE = 395, 20
_COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#6d597a", "#b08900", "#4a4e69")
_PERCENTILES = (50.0, 90.0, 99.0, 99.9, 99.99)
_MILLISECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


def latency_svg(title: str, series: Mapping[str, Sequence[float]]) -> str:
    """Time of a call against the share of calls that were faster, one line a series, both axes logarithmic.

    Args:
        title: what was measured, on what.
        series: name -> seconds of each call.
    """
    curves = {name: np.sort(np.array(seconds)) * 1000 for name, seconds in series.items()}
    low = min(float(curve[len(curve) // 4]) for curve in curves.values())
    high = max(float(curve[-1]) for curve in curves.values())
    axis = _Axis(log10(low * 0.8), log10(high * 1.2))
    height = _LEGEND + _LEGEND_LINE * len(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="14">{escape(title)}</text>',
        *_grid(axis),
    ]
    for number, (name, curve) in enumerate(curves.items()):
        parts += _line(axis, curve, name, number)
    return "\n".join([*parts, "</svg>\n"])


class _Axis:
    """Where a time and a percentile lie."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def y(self, milliseconds: float) -> float:
        share = (log10(milliseconds) - self.low) / (self.high - self.low)
        return _BOTTOM - share * (_BOTTOM - _TOP)

    @staticmethod
    def x(percentile: float) -> float:
        """50 % at the left, each further nine as wide as the one before."""
        share = log10(50 / (100 - percentile)) / log10(50 / (100 - _PERCENTILES[-1]))
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _grid(axis: _Axis) -> list[str]:
    parts = []
    for percentile in _PERCENTILES:
        x = axis.x(percentile)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{percentile:g} %</text>')
    for value in _MILLISECONDS:
        if axis.low <= log10(value) <= axis.high:
            y = axis.y(value)
            parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
            parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g} ms</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_BOTTOM + 40}" text-anchor="middle">share of calls that were faster</text>')
    return parts


def _line(axis: _Axis, curve: np.ndarray[tuple[int], np.dtype[np.float64]], name: str, number: int) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    last = min(_PERCENTILES[-1], 100 - 100 / len(curve))  # no percentile that this many calls cannot show
    shares = 100 - np.geomspace(50, 100 - last, 120)
    times = np.percentile(curve, shares, method="higher")
    points = " ".join(f"{axis.x(share):.1f},{axis.y(time):.1f}" for share, time in zip(shares, times, strict=True))
    x, y = _LEFT, _LEGEND + _LEGEND_LINE * number
    return [
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{x + 28}" y="{y}">{escape(name)}</text>',
    ]
