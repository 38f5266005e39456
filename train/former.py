"""The model that training goes on from: where it is, and which merchants it knows already."""

from __future__ import annotations

from pathlib import Path

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import InputError
from train import shelf, trained
from train.config import SHIPPED, Config
from train.trained import NOTHING, Trained


def directory(config: Config) -> Path:
    """The bundle that `student.start` names.

    Raises:
        InputError: it is the model of this very version, which cannot have begun with itself.
    """
    if config.student.start != SHIPPED:
        return Path(config.student.start)
    current = bundles.current(shelf.MODELS)
    if current.name == config.version:
        raise InputError(
            f'student.start: "{SHIPPED}" is {current}, of the same version as this configuration, which began with the'
            " model before it; raise `version` to go on from it"
        )
    return current


def files(config: Config) -> list[Path]:
    """What decides where training starts; nothing where it starts afresh.

    Raises:
        InputError: one of them is not there, or of the version that is to be made.
    """
    if not config.student.start:
        return []
    needed = [directory(config) / name for name in (bundles.MANIFEST, trained.FILE)]
    for path in needed:
        if not path.is_file():
            raise InputError(
                f"student.start: {path} is not there; expected a finished model that says which merchants it was"
                f' trained on, "{SHIPPED}" for the current one, or no `start`, to begin afresh'
            )
    return needed


def trained_before(config: Config) -> Trained:
    """What the model that training goes on from was trained on; nothing where it starts afresh.

    Raises:
        InputError: the model does not say, or is of the version that is to be made.
    """
    return Trained.read(directory(config) / trained.FILE) if config.student.start else NOTHING
