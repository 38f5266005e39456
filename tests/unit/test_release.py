"""Releases: all or nothing, on record, never without the gate, never with somebody else's rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier import bundle as bundles
from tests import tiny_run
from train import release
from train.__main__ import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def approve(build: Path, champion: str | None = None, *, accepted: bool = True) -> None:
    identity = bundles.read(build / "bundle").identity
    gate = {"bundle": identity, "champion": champion, "accepted": accepted, "reasons": [] if accepted else ["worse"]}
    (build / "gate.json").write_text(json.dumps(gate))


def released(folder: Path, version: str) -> int:
    build = tiny_run.evaluated(folder, version=version, name=f"run-{version}")
    approve(build, release.current_identity(Path("models")))
    return main(["release", "--config", tiny_run.CONFIG])


def test_a_release_can_be_loaded_and_holds_its_evidence(here: Path) -> None:
    assert released(here, "1.0") == 0
    assert MerchantClassifier.load("models").version == "1.0"
    folder = here / "models/1.0"
    assert {path.name for path in folder.iterdir()} == {
        *bundles.DECIDING_FILES, "manifest.json", "golden.jsonl", "metrics.json", "CARD.md", "report.html",
    }  # fmt: skip
    assert json.loads((folder / "metrics.json").read_text())["bundle"] == bundles.read(folder).identity


def test_nothing_happens_without_the_gate(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_run.evaluated(here)
    assert main(["release", "--config", tiny_run.CONFIG]) == 1
    assert "gate has not judged" in capsys.readouterr().out
    assert not (here / "models").exists()


def test_a_refused_model_is_not_released_but_for_a_reason_on_record(here: Path) -> None:
    approve(tiny_run.evaluated(here), accepted=False)
    assert main(["release", "--config", tiny_run.CONFIG]) == 1
    assert main(["release", "--config", tiny_run.CONFIG, "--override", "first of its kind"]) == 0
    assert "first of its kind" in (here / "models/CHANGELOG.md").read_text()
