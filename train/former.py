"""The former run whose student is trained on: which merchants its weights know already.

A merchant moves from one part of the split to another when rows are added. One that
is held out now and was trained on before would be counted as unseen, and is not; so
whoever evaluates a student that was trained on leaves those merchants out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import InputError
from train import runs
from train.config import Student
from train.keys import letters
from train.leaks import Training


@dataclass(frozen=True, slots=True)
class TrainedBefore:
    """Base merchants, and the letters of names, of the rows that a former student was trained on."""

    keys: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()

    def has(self, key: str, words: str) -> bool:
        """Whether the merchant or its name was among them."""
        return key in self.keys or letters(words) in self.letters


NOTHING = TrainedBefore()
"""Of a student that starts afresh."""


def files(sizes: Student) -> list[Path]:
    """What is needed of the former run; nothing where training starts afresh.

    Raises:
        InputError: one of them is not there.
    """
    needed = [Path(sizes.start) / name for name in (runs.STUDENT, runs.SPLIT)] if sizes.start else []
    for path in needed:
        if not path.exists():
            raise InputError(
                f"student.start: {path} is not there; expected the folder of a former run, or no `start`, to begin"
                " afresh"
            )
    return needed


def trained_before(sizes: Student) -> TrainedBefore:
    """What the student that is trained on knows; nothing where training starts afresh.

    Raises:
        InputError: the former run has no split.
    """
    if not sizes.start:
        return NOTHING
    training = Training.read(Path(sizes.start))
    return TrainedBefore(training.keys, frozenset(map(letters, training.words)) - {""})
