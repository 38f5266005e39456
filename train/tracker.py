"""Where losses go besides the terminal: nowhere, to TensorBoard or to MLflow, as MERCHANT_CLASSIFIER_TRACKER says."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from merchant_classifier.errors import InputError

VARIABLE = "MERCHANT_CLASSIFIER_TRACKER"
TENSORBOARD, MLFLOW, NONE = "tensorboard", "mlflow", "none"

Track = Callable[[str, float, int], None]
"""Name, value and step of a measurement."""


def chosen() -> str:
    """The tracker that the environment names.

    Raises:
        InputError: it names none of the three.
    """
    name = os.environ.get(VARIABLE, NONE)
    if name not in (NONE, TENSORBOARD, MLFLOW):
        raise InputError(f"{VARIABLE}: expected {TENSORBOARD}, {MLFLOW} or {NONE}, found {name!r}")
    return name


def start(folder: Path) -> Track:
    """Begin a run; TensorBoard's files go into `folder`, MLflow's where its own settings say.

    Raises:
        InputError: no such tracker, or it is not installed.
    """
    name = chosen()
    if name == TENSORBOARD:
        writer = _module("torch.utils.tensorboard", name).SummaryWriter(str(folder / name))
        return cast(Track, writer.add_scalar)
    if name == MLFLOW:
        mlflow = _module(name, name)
        mlflow.set_experiment("merchant-classifier")
        mlflow.start_run(run_name=folder.name)
        return cast(Track, mlflow.log_metric)
    return _nowhere


def _nowhere(name: str, value: float, step: int) -> None:
    pass


def _module(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(f"{VARIABLE}={package}: `pip install {package}` first ({error})") from error
