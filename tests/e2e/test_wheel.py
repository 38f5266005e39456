"""The wheel holds the package and the current model, nothing of training, and works without the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the wheel builder is not installed")

ROOT = Path(__file__).parents[2]
PARTS = ("serve", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_path: Path) -> Path:
    """What a build reads of the repository, with a current and an older model."""
    copy = tmp_path_factory.mktemp("repository")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, copy / part)
    for version in ("2025.9", "2026.1"):
        shutil.copytree(tiny_path, copy / "models" / version)
    (copy / "models" / "2026.1" / "report.html").write_text("<html></html>")
    (copy / "models" / "2026.1" / "trained.npy").write_bytes(b"which merchants")
    (copy / "models" / "CURRENT").write_text("2026.1\n")
    return copy


@pytest.fixture(scope="module")
def wheel(repository: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", repository / "dist", cwd=repository)
    (built,) = (repository / "dist").glob("*.whl")
    return built


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_the_current_model_and_no_other(wheel: Path, tiny_path: Path) -> None:
    models = {name for name in names(wheel) if name.startswith("merchant_classifier/models/")}
    expected = {f"merchant_classifier/models/2026.1/{path.name}" for path in tiny_path.iterdir()}
    assert models == expected | {"merchant_classifier/models/CURRENT"}


def test_it_installs_one_top_level_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"merchant_classifier"}


def test_it_tells_type_checkers_and_names_its_licence(wheel: Path) -> None:
    assert "merchant_classifier/py.typed" in names(wheel)
    assert any(name.endswith("/licenses/LICENSE") for name in names(wheel))


def test_it_depends_on_numpy_and_onnxruntime_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    needed = {
        line.split()[1].split(">")[0] for line in lines if line.startswith("Requires-Dist:") and "extra" not in line
    }
    assert needed == {"numpy", "onnxruntime"}


def test_it_predicts_outside_the_repository(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = """
import merchant_classifier
from merchant_classifier import MerchantClassifier
print(merchant_classifier.__file__)
print(MerchantClassifier.load().predict("SQ *BLUE DOOR COFFEE").mcc)
"""
    where, mcc = run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(tmp_path / "site")).split()
    assert Path(where).is_relative_to(tmp_path)
    assert mcc == "5814"


def test_current_naming_an_unfinished_model_stops_the_build(repository: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(repository, tmp_path / "copy"))
    (copy / "models" / "2026.1" / "manifest.json").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", copy / "dist2"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "not a finished model" in done.stderr
    assert list(copy.glob("dist2/*.whl")) == []
