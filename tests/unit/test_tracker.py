"""Losses go to the tracker that the environment names, and a mistake in its name is told."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from merchant_classifier.errors import InputError
from train import tracker


def test_nothing_is_tracked_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tracker.VARIABLE, raising=False)
    tracker.start(tmp_path)("loss", 1.0, 1)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_tracker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracker.VARIABLE, "tensorbord")
    with pytest.raises(InputError, match="expected tensorboard, mlflow or none, found 'tensorbord'"):
        tracker.start(tmp_path)


def test_a_tracker_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracker.VARIABLE, tracker.MLFLOW)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InputError, match="`pip install mlflow` first"):
        tracker.start(tmp_path)


def test_mlflow_gets_name_value_and_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    fake: Any = ModuleType("mlflow")
    fake.set_experiment = lambda name: calls.append(("experiment", name))
    fake.start_run = lambda run_name: calls.append(("run", run_name))
    fake.log_metric = lambda name, value, step: calls.append((name, value, step))
    monkeypatch.setenv(tracker.VARIABLE, tracker.MLFLOW)
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    tracker.start(tmp_path / "quarterly")("loss", 0.5, 20)
    assert calls == [("experiment", "merchant-classifier"), ("run", "quarterly"), ("loss", 0.5, 20)]
