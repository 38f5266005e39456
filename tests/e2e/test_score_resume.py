"""A run that is killed at any moment and started again gives the bytes of a run that never stopped."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest

from merchant_classifier import InputError
from merchant_classifier.batch import journal
from merchant_classifier.batch.job import Job, Report, run
from merchant_classifier.batch.model import Model
from merchant_classifier.batch.planning import Wishes
from merchant_classifier.batch.sources import Opening

KILLS = 20
ROWS = 1_500
CHUNK = 1_500


@pytest.fixture(autouse=True)
def _every_chunk_is_made_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SAFE_EVERY", 0.0)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with repetition, quoted line ends, and every 97th one row too few fields."""
    words = ["COFFEE", "HOTEL", "PHARMACY", "TAXI", "QZXV", "PIZZERIA"]
    path = tmp_path_factory.mktemp("source") / "rows.csv"
    lines = [f'{i},"BLUE, {words[i % 6]} {i % 31}\n",{i}' if i % 97 else f"{i}" for i in range(1, ROWS + 1)]
    path.write_text("\n".join(["id,description,amount", *lines, ""]))
    return path


_LOAD_ONCE = cache(Model.load)


@pytest.fixture(autouse=True)
def _each_model_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "load", _LOAD_ONCE)


def job(source: Path, output: Path, model: Path) -> Job:
    return Job(
        source=str(source),
        output=str(output),
        opening=Opening(chunk_bytes=CHUNK),
        wishes=Wishes(column="description", summary=True),
        model=Model(str(model)),
    )


def silent(_: str) -> None:
    pass


def in_child(action: Callable[[], object]) -> int:
    """Run in a forked process; returns its id."""
    child = os.fork()
    if child:
        return child
    try:
        action()
        os._exit(0)
    finally:
        os._exit(1)


def published(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by name without the output's own."""
    return {path.name.partition(".")[2]: path.read_bytes() for path in sorted(folder.iterdir())}


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet"])
def test_killed_at_random_moments_and_resumed_gives_the_same_bytes(
    suffix: str, source: Path, tiny_path: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    Model(str(tiny_path)).load()  # here, so that the children have it already
    started = time.monotonic()
    os.waitpid(in_child(lambda: run(job(source, whole / f"o.{suffix}", tiny_path), silent)), 0)
    duration = time.monotonic() - started
    expected = published(whole)
    assert f"{suffix}.rejects.csv" in expected
    chance = random.Random(suffix)
    resumed = 0
    for kill in range(KILLS):
        if resumed and kill >= (KILLS if suffix == "csv" else 4):
            break
        folder = tmp_path / f"kill{kill}"
        folder.mkdir()
        work = job(source, folder / f"o.{suffix}", tiny_path)
        child = in_child(partial(run, work, silent))
        time.sleep(chance.uniform(0, duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        report = run(work, silent)
        resumed += report.resumed > 0
        assert published(folder) == expected, f"kill {kill} after row {report.resumed}"
    assert resumed, "no run was killed in the middle: the test proved nothing"


def test_several_processes_write_the_same_bytes(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    for name, jobs in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        run(replace(job(source, tmp_path / name / "o.csv", tiny_path), jobs=jobs), silent)
    assert published(tmp_path / "two") == published(tmp_path / "one")


class Killed(BaseException):
    """Stands for the end of the process at a chosen moment."""


def ended_at(name: str, limit: int, work: Job) -> None:
    """A run whose process ends at the `limit`th call of a function of `os`."""
    original, left = getattr(os, name), limit

    def call(*arguments: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, name, call)
        with pytest.raises(Killed):
            run(work, silent)


def test_ended_before_each_of_its_renames_it_finishes_them(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    run(job(source, whole / "o.parquet", tiny_path), silent)
    expected = published(whole)
    for done in range(len(expected)):
        folder = tmp_path / f"rename{done}"
        folder.mkdir()
        work = job(source, folder / "o.parquet", tiny_path)
        ended_at("replace", done, work)
        assert hidden(folder)
        report = run(work, silent)
        assert report.resumed == report.counts.read == ROWS
        assert published(folder) == expected


def test_interrupted_again_and_again_it_comes_to_an_end(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    work = job(source, tmp_path / "o.csv", tiny_path)
    for _ in range(4):
        ended_at("fsync", 20, work)
    report = run(work, silent)
    assert ROWS / 2 < report.resumed < ROWS
    assert report.counts.read == report.counts.written + report.counts.rejected == ROWS


def interrupted(work: Job) -> None:
    ended_at("fsync", 100, work)


def test_a_changed_input_begins_anew(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.csv"
    changed.write_bytes(source.read_bytes())
    work = job(changed, tmp_path / "o.csv", tiny_path)
    interrupted(work)
    assert hidden(tmp_path)
    changed.write_bytes(source.read_bytes().replace(b"HOTEL", b"MOTEL"))
    assert run(work, silent).resumed == 0
    assert not hidden(tmp_path)


def test_other_wishes_begin_anew(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    interrupted(job(source, tmp_path / "o.csv", tiny_path))
    other = replace(job(source, tmp_path / "o.csv", tiny_path), wishes=Wishes("description", top=1))
    assert run(other, silent).resumed == 0


def test_lost_or_short_work_files_begin_anew(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    work = job(source, tmp_path / "o.csv", tiny_path)
    interrupted(work)
    (tmp_path / ".o.csv.part").write_bytes(b"")
    assert run(work, silent).resumed == 0


def test_a_torn_journal_line_is_ignored(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    work = job(source, tmp_path / "o.csv", tiny_path)
    interrupted(work)
    with (tmp_path / ".o.csv.journal").open("ab") as file:
        file.write(b'{"position": [9')
    assert run(work, silent).resumed > 0


def test_what_was_done_is_said(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    work = job(source, tmp_path / "o.csv", tiny_path)
    interrupted(work)
    said: list[str] = []
    report = run(work, said.append)
    assert f"goes on behind row {report.resumed:,}" in said[-1]


def test_two_runs_cannot_write_one_output(source: Path, tiny_path: Path, tmp_path: Path) -> None:
    work = job(source, tmp_path / "o.csv", tiny_path)
    child = in_child(lambda: holding(work))
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    with pytest.raises(InputError, match="another run is writing it"):
        run(work, silent)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert run(work, silent).counts.read == ROWS


def holding(work: Job) -> None:
    """A run that stops after its first chunks and waits."""

    def wait(*_: object) -> None:
        Path(work.output).with_name("held").touch()
        time.sleep(600)

    journal.Journal.append = wait  # type: ignore[method-assign, assignment]
    run(work, silent)


@pytest.mark.parametrize("limit", [10, 20_000, 100_000])
def test_a_full_disk_leaves_nothing(limit: int, source: Path, tiny_path: Path, tmp_path: Path) -> None:
    work = job(source, tmp_path / "o.csv", tiny_path)

    def run_with_little_space() -> Report:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return run(work, silent)

    _, status = os.waitpid(in_child(run_with_little_space), 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert list(tmp_path.iterdir()) == []
