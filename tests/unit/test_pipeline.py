"""`python -m train`: stages are listed, mistakes are one line, `run` does only what is not done."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from merchant_classifier import bundle
from merchant_classifier.errors import InputError
from train import pipeline, trained
from train.__main__ import main
from train.evaluation import GOLDEN_SET
from train.stages import CHAIN, STAGES, Stage

ROOT = Path(__file__).parents[2]


class Fake:
    """A stage that notes that it ran."""

    def __init__(self, name: str, log: list[str], code: int = 0) -> None:
        self.name, self.log, self.code = name, log, code

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--fast", action="store_true")

    def run(self, args: argparse.Namespace) -> int:
        assert args.config
        assert args.fast is False
        self.log.append(self.name)
        return self.code


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three fake stages, a configuration and a source in an empty folder; returns the list of stages that ran."""
    monkeypatch.chdir(tmp_path)
    ran: list[str] = []
    chain = (
        Stage("one", "m1", "", ("data",)),
        Stage("two", "m2", "", ("student",)),
        Stage("three", "m3", "", ("name",)),
    )
    monkeypatch.setattr(pipeline, "CHAIN", chain)
    monkeypatch.setattr(Stage, "load", lambda self: Fake(self.name, ran))
    write()
    return ran


def write(epochs: int = 3, rows: str = "text,label\na,b\n") -> None:
    Path("rows.csv").write_text(rows)
    source = '{ adapter = "labelled", path = "rows.csv" }'
    Path("c.toml").write_text(f'[data]\nlabels = "own"\nsources = [{source}]\n[student]\nepochs = {epochs}\n')


def run(*, start: str | None = None) -> int:
    return pipeline.run(argparse.Namespace(config="c.toml", start=start))


def test_every_stage_runs_once_in_order_and_then_no_more(log: list[str]) -> None:
    assert run() == 0
    assert log == ["one", "two", "three"]
    assert run() == 0
    assert log == ["one", "two", "three"]


def test_a_changed_section_runs_the_stages_that_read_it_and_all_later_ones(log: list[str]) -> None:
    run()
    log.clear()
    write(epochs=4)
    run()
    assert log == ["two", "three"]


def test_a_former_model_that_is_not_there_is_said_at_once(log: list[str]) -> None:
    with Path("c.toml").open("a") as file:
        file.write('start = "build/former"\n')
    with pytest.raises(InputError, match=r"build/former/manifest.json is not there; expected a finished"):
        run()
    assert log == []
    for name in (bundle.MANIFEST, trained.FILE):
        Path("build/former").mkdir(parents=True, exist_ok=True)
        Path("build/former", name).write_text("one")
    run()
    assert log == ["one", "two", "three"]
    Path("build/former", bundle.MANIFEST).write_text("other")
    run()
    assert log == ["one", "two", "three"] * 2


def test_changed_rows_run_everything_again(log: list[str]) -> None:
    run()
    log.clear()
    write(rows="text,label\na,c\n")
    run()
    assert log == ["one", "two", "three"]


def test_a_changed_golden_set_runs_everything_again_where_its_labels_are_learnt(log: list[str]) -> None:
    GOLDEN_SET.parent.mkdir(parents=True)
    run()
    GOLDEN_SET.write_text("{}")
    run()
    assert log == ["one", "two", "three"], "labels of one's own are not asked about it"
    Path("c.toml").write_text(Path("c.toml").read_text().replace('"own"', '"labels.csv"'))
    run()
    log.clear()
    run()
    assert log == []
    GOLDEN_SET.write_text("{ }")
    run()
    assert log == ["one", "two", "three"]


def test_from_forces_a_stage_and_all_later_ones(log: list[str]) -> None:
    run()
    log.clear()
    run(start="two")
    assert log == ["two", "three"]


def test_a_stage_that_fails_stops_the_run_and_is_tried_again(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "load", lambda self: Fake(self.name, log, code=1 if self.name == "two" else 0))
    assert run() == 1
    assert log == ["one", "two"]
    monkeypatch.setattr(Stage, "load", lambda self: Fake(self.name, log))
    assert run() == 0
    assert log == ["one", "two", "two", "three"]


def test_help_lists_every_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(stage.name in text for stage in STAGES)
    assert [stage.name for stage in CHAIN][:2] == ["collect", "split"]


def test_a_mistake_is_one_line_and_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("train run: ")
    assert error.count("\n") == 1


def test_stages_without_torch_do_not_wait_for_it() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from train.__main__ import main\n"
        "try: main(['run', '--help'])\nexcept SystemExit as end: sys.exit(end.code)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'serve'}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
