"""How far a run is, for people at a terminal; silent anywhere else."""

from __future__ import annotations

import sys
from typing import TextIO

from tqdm import tqdm

_FORMAT = "{desc} {percentage:3.0f}% |{bar}| {postfix[0]} {elapsed}, {remaining} left"


class Bar:
    """A bar with rows, rows a second and the time left. Use as a context manager.

    Args:
        name: of the input.
        done: rows that an earlier run had done.
        stream: where to draw; nothing is drawn unless it is a terminal.
    """

    def __init__(self, name: str, done: int = 0, stream: TextIO | None = None) -> None:
        stream = stream or sys.stderr
        self._rows, self._done = done, done
        self._bar = tqdm(
            total=1.0,
            desc=name,
            file=stream,
            disable=not stream.isatty(),
            bar_format=_FORMAT,
            postfix=[""],
            leave=False,
        )

    def show(self, rows: int, share: float | None) -> None:
        """Move on.

        Args:
            rows: done so far.
            share: of the input, from 0 to 1; None when its size is not known.
        """
        if self._bar.disable:
            return
        elapsed = self._bar.format_dict["elapsed"]
        rate = (rows - self._done) / elapsed if elapsed else 0
        self._bar.postfix[0] = f"{rows:,} rows, {rate:,.0f} rows/s,"
        self._bar.update((share or 0) - self._bar.n)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
