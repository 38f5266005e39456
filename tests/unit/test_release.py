"""Releases: all or nothing, on record, never without the gate, never with somebody else's rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier import bundle as bundles
from tests import tiny_run
from train import changelog, shelf
from train.__main__ import main

MODELS = Path("models")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in it, made once."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tiny_run.evaluated(folder)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as working directory."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def approve(*, accepted: bool = True, version: str = "1.0") -> None:
    """Give the run's bundle a version and the gate's word on it."""
    build = Path("build/run")
    tiny_run.set_version(build / "bundle", version)
    identity = bundles.read(build / "bundle").identity
    metrics = json.loads((build / "metrics.json").read_text())
    (build / "metrics.json").write_text(json.dumps(metrics | {"bundle": identity, "version": version}))
    gate: dict[str, object] = {"bundle": identity, "champion": shelf.current_identity(MODELS), "champion_version": None}
    gate |= {"accepted": accepted, "reasons": [] if accepted else ["worse"], "checks": [], "latency": {}}
    (build / "gate.json").write_text(json.dumps(gate))


def release(*options: str) -> int:
    return main(["release", "--config", tiny_run.CONFIG, *options])


def released(version: str) -> int:
    approve(version=version)
    return release()


def current() -> str:
    return (MODELS / "CURRENT").read_text()


def test_a_release_can_be_loaded_and_holds_its_evidence() -> None:
    assert released("1.0") == 0
    assert MerchantClassifier.load("models").version == "1.0"
    folder = MODELS / "1.0"
    evidence = {"manifest.json", "golden.jsonl", "metrics.json", "CARD.md", "report.html", "trained.npy"}
    assert {path.name for path in folder.iterdir()} == evidence | set(bundles.DECIDING_FILES)
    assert json.loads((folder / "metrics.json").read_text())["bundle"] == bundles.read(folder).identity


def test_nothing_is_released_without_the_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert release() == 1
    assert "gate has not judged" in capsys.readouterr().out
    assert not MODELS.exists()


def test_a_refused_model_is_released_only_for_a_reason_on_record() -> None:
    approve(accepted=False)
    assert release() == 1
    assert not MODELS.exists()
    assert release("--override", "first of its kind") == 0
    assert "first of its kind" in (MODELS / "CHANGELOG.md").read_text()


def test_the_gate_must_have_compared_with_the_current_model(capsys: pytest.CaptureFixture[str]) -> None:
    released("1.0")
    approve(version="2.0")
    gate = json.loads(Path("build/run/gate.json").read_text())
    Path("build/run/gate.json").write_text(json.dumps(gate | {"champion": "0" * 64}))
    assert release() == 1
    assert "not the one the gate compared with" in capsys.readouterr().out
    assert current() == "1.0\n"


def test_evidence_of_another_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    approve()
    tiny_run.set_version(Path("build/run/bundle"), "1.1")
    assert release() == 2
    assert "metrics.json: is about model" in capsys.readouterr().err


def test_a_damaged_bundle_is_refused() -> None:
    approve()
    with Path("build/run/bundle/model.onnx").open("ab") as file:
        file.write(b"!")
    assert release() == 2
    assert not MODELS.exists()


def test_a_version_never_changes_and_releasing_it_again_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    released("1.0")
    before = {path.name: path.stat().st_mtime_ns for path in (MODELS / "1.0").iterdir()}
    history = (MODELS / "CHANGELOG.md").read_text()
    assert release() == 0
    assert {path.name: path.stat().st_mtime_ns for path in (MODELS / "1.0").iterdir()} == before
    assert (MODELS / "CHANGELOG.md").read_text() == history
    labels = Path("build/run/bundle/labels.json")
    labels.write_text(labels.read_text() + " ")
    tiny_run.seal(Path("build/run/bundle"))
    approve()
    assert release() == 2
    assert "another model has this version" in capsys.readouterr().err


def test_older_models_stay_and_the_newest_is_current() -> None:
    assert released("1.0") == released("2.0") == 0
    assert current() == "2.0\n"
    assert MerchantClassifier.load(MODELS / "1.0").version == "1.0"
    assert changelog.stack(MODELS) == ["1.0", "2.0"]


def test_a_rollback_goes_to_the_model_in_use_before() -> None:
    for version in ("1.0", "2.0"):
        released(version)
    assert main(["rollback", "--reason", "complaints"]) == 0
    assert current() == "1.0\n"
    released("3.0")
    assert main(["rollback"]) == 0
    assert current() == "1.0\n", "2.0 was rolled back from and must not come back"
    assert "Rolled back from 2.0: complaints" in (MODELS / "CHANGELOG.md").read_text()
    assert main(["rollback"]) == 2, "nothing was in use before 1.0"


def test_a_rollback_to_a_damaged_model_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    released("1.0")
    released("2.0")
    (MODELS / "1.0/words.npy").write_bytes(b"")
    assert main(["rollback"]) == 2
    assert "words.npy" in capsys.readouterr().err
    assert current() == "2.0\n"


def test_a_rollback_by_name() -> None:
    for version in ("1.0", "2.0", "3.0"):
        released(version)
    assert main(["rollback", "--to", "1.0"]) == 0
    assert current() == "1.0\n"
    assert main(["rollback", "--to", "9.9"]) == 2
    assert current() == "1.0\n"


@pytest.mark.parametrize("name", ["golden.jsonl", "neighbours.tsv"])
def test_rows_from_outside_the_repository_are_not_published(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("build/run/bundle") / name
    foreign = json.dumps({"text": "SOMEBODY ELSES SHOP"}) if name.endswith("jsonl") else "SOMEBODY ELSES SHOP\t5411\tx"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], foreign]) + "\n")
    tiny_run.seal(Path("build/run/bundle"))
    approve()
    assert release("--override", "not even then") == 1
    assert f"{name} shows 1 of {len(lines)}" in capsys.readouterr().out
    assert not MODELS.exists()


def test_a_source_outside_the_repository_is_private(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("data/mine.csv", "../theirs.csv")
    config = Path(tiny_run.CONFIG)
    config.write_text(config.read_text().replace("data/mine.csv", "../theirs.csv"))
    approve()
    assert release() == 1
    assert "golden.jsonl shows 20 of 20" in capsys.readouterr().out


@pytest.mark.parametrize("deaths", range(1, 12))
def test_a_release_that_dies_is_seen_nowhere_or_finished_by_the_next(
    deaths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power fails at the nth write or rename; `models/` is whole before and after, and the same command goes on."""
    released("1.0")
    approve(version="2.0")
    left = deaths

    def dying(function: Any) -> Any:
        def once(*args: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return function(*args, **options)

        return once

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "_write", dying(shelf._write))
        patch.setattr(Path, "rename", dying(Path.rename))
        patch.setattr(Path, "replace", dying(Path.replace))
        release()
    assert current() in ("1.0\n", "2.0\n")
    assert MerchantClassifier.load("models").version == current().strip()
    assert not list(MODELS.glob(".*"))
    for folder in MODELS.iterdir():
        if folder.is_dir():
            bundles.read(folder)
    assert release() == 0
    assert current() == "2.0\n"
    assert changelog.stack(MODELS) == ["1.0", "2.0"]


def test_what_a_killed_release_left_is_removed_by_the_next() -> None:
    (MODELS / ".2.0.123.tmp").mkdir(parents=True)
    (MODELS / ".2.0.123.tmp/words.npy").write_bytes(b"half")
    assert released("1.0") == 0
    assert not list(MODELS.glob(".*"))


def test_a_signed_release_is_verified_by_its_key(here: Path) -> None:
    pytest.importorskip("cryptography")
    from train.sign import make_key

    public = make_key(here / "key")
    approve()
    assert release("--sign-key", "key") == 0
    assert MerchantClassifier.load("models", public_key=public).version == "1.0"


@pytest.mark.parametrize("version", ["..", "a/b", ".hidden", ""])
def test_a_version_that_is_no_name_is_refused(version: str) -> None:
    assert released(version) == 2
    assert not MODELS.exists()


def test_the_card_says_what_was_measured() -> None:
    released("1.0")
    card = (MODELS / "1.0/CARD.md").read_text()
    metrics = json.loads((MODELS / "1.0/metrics.json").read_text())
    for part in metrics["sets"].values():
        assert f"{part['top1']['value']:.1%}" in card
    assert metrics["bundle"] in card
    assert "Merchants written down for this project" in card


def test_a_file_from_outside_cannot_call_its_rows_the_repositorys_own(tmp_path: Path) -> None:
    from train import config, publishable

    outside = tmp_path.parent / "outside.csv"
    outside.write_text("text,label,source\nSECRET CUSTOMER LINE,5814,curated-real\n")
    path = Path(tiny_run.CONFIG)
    path.write_text(path.read_text() + f'[[data.sources]]\nadapter = "labelled"\npath = "{outside}"\n')
    assert "curated-real" not in publishable.source_names(config.load(path))


def test_a_model_of_ones_own_labels_may_show_ones_own_rows() -> None:
    from train import config, publishable

    path = Path(tiny_run.CONFIG)
    path.write_text(path.read_text().replace("data/mine.csv", "../theirs.csv"))
    assert publishable.source_names(config.load(path)) == frozenset()
    path.write_text(path.read_text().replace("[[data.sources]]", '[data]\nlabels = "own"\n[[data.sources]]'))
    assert publishable.source_names(config.load(path)) == {"curated-real"}
