"""Fixtures every test may use: the tiny bundle, a copy of it to damage, the shipped model when there is one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier

TINY = Path(__file__).parent / "tiny_bundle"
MODELS = Path(__file__).parents[1] / "models"


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    """The committed tiny bundle; read only, see `tiny_copy` for one to change."""
    return TINY


@pytest.fixture(scope="session")
def tiny() -> MerchantClassifier:
    """The tiny bundle, loaded once."""
    return MerchantClassifier.load(TINY)


@pytest.fixture
def tiny_copy(tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may damage."""
    return Path(shutil.copytree(TINY, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def shipped_path() -> Path:
    """The models directory of the repository; skips until a model was released into it."""
    if not (MODELS / "CURRENT").is_file():
        pytest.skip("models/CURRENT does not exist yet")
    return MODELS


@pytest.fixture(scope="session")
def shipped(shipped_path: Path) -> MerchantClassifier:
    """The shipped model, loaded once."""
    return MerchantClassifier.load(shipped_path)
