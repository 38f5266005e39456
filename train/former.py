"""The model that training goes on from: where it is, and which merchants it knows already."""

from __future__ import annotations

from pathlib import Path

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import InputError
from train import shelf, trained
from train.config import SHIPPED, Student
from train.trained import NOTHING, Trained


def directory(sizes: Student) -> Path:
    """The bundle that `student.start` names."""
    return bundles.current(shelf.MODELS) if sizes.start == SHIPPED else Path(sizes.start)


def files(sizes: Student) -> list[Path]:
    """What decides where training starts; nothing where it starts afresh.

    Raises:
        InputError: one of them is not there.
    """
    if not sizes.start:
        return []
    needed = [directory(sizes) / name for name in (bundles.MANIFEST, trained.FILE)]
    for path in needed:
        if not path.is_file():
            raise InputError(
                f"student.start: {path} is not there; expected a finished model that says which merchants it was"
                f' trained on, "{SHIPPED}" for the current one, or no `start`, to begin afresh'
            )
    return needed


def trained_before(sizes: Student) -> Trained:
    """What the model that training goes on from was trained on; nothing where it starts afresh.

    Raises:
        InputError: the model does not say.
    """
    return Trained.read(directory(sizes) / trained.FILE) if sizes.start else NOTHING
