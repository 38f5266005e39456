"""Every file of the torture folder has the outcome that `EXPECTED.toml` states; the largest are built here."""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from merchant_classifier.batch.model import Model
from merchant_classifier.cli import main

FOLDER = Path(__file__).parent
FILES = FOLDER / "files"


@dataclass(frozen=True)
class Case:
    file: str
    says: str
    options: list[str] = field(default_factory=list)
    output: str = ""
    exit: int = 0
    rows: list[int] | None = None
    rejects: list[tuple[int, str]] = field(default_factory=list)
    mccs: list[str] | None = None
    header: str = ""
    holds: str = ""
    message: str = ""


CASES = [Case(**case) for case in tomllib.loads((FOLDER / "EXPECTED.toml").read_text("utf-8"))["case"]]


_LOAD_ONCE = cache(Model.load)


@pytest.fixture(autouse=True)
def _each_model_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "load", _LOAD_ONCE)


def score(source: Path, output: Path, model: Path, options: list[str]) -> int:
    column = [] if {"--column", "NO COLUMN"} & set(options) else ["--column", "description"]
    given = [str(output.parent / "rejects.csv") if option == "REJECTS" else option for option in options]
    given = [option for option in given if option != "NO COLUMN"]
    return main(["score", str(source), "-o", str(output), "--model", str(model), *column, *given])


def rejected(output: Path) -> list[dict[str, str]]:
    found = [path for path in output.parent.iterdir() if path.name.endswith("rejects.csv")]
    if not found:
        return []
    with found[0].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_has_an_expected_outcome() -> None:
    assert {case.file for case in CASES} == {path.name for path in FILES.iterdir()}


@pytest.mark.parametrize("case", CASES, ids=[f"{case.file}{' '.join(['', *case.options])}" for case in CASES])
def test_outcome_is_as_stated(case: Case, tmp_path: Path, tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / (case.output or case.file.replace(".csv", ".scored.csv"))
    assert score(FILES / case.file, output, tiny_path, case.options) == case.exit
    said = capsys.readouterr().err
    assert case.message in said
    assert "Traceback" not in said
    if case.rows is None:
        assert said.count("merchant-classifier: ") == 1
        assert list(tmp_path.iterdir()) == [], "nothing may be left behind"
    else:
        check_output(case, output)


def check_output(case: Case, output: Path) -> None:
    rows = json.loads((output.parent / f"{output.name}.manifest.json").read_text("utf-8"))["rows"]
    assert [rows["in"], rows["out"], rows["rejected"]] == case.rows
    found = rejected(output)
    assert [int(row["line"]) for row in found] == [line for line, _ in case.rejects]
    for row, (_, reason) in zip(found, case.rejects, strict=True):
        assert reason in row["reason"]
    assert not [path.name for path in output.parent.iterdir() if path.name.startswith(".")]
    if output.suffix == ".gz":
        return
    text = output.read_bytes().decode("utf-8")
    assert text.startswith(case.header)
    assert case.holds in text
    if case.mccs is not None:
        lines = csv.DictReader(text.splitlines(keepends=True))
        assert [line["mcc"] for line in lines] == case.mccs


@pytest.mark.parametrize("quoted", [True, False])
def test_a_field_of_ten_megabytes_is_read_and_kept(quoted: bool, tmp_path: Path, tiny_path: Path) -> None:
    quote = '"' if quoted else ""
    note = ("x\n" if quoted else "xy") * (5 << 20)
    source, output = tmp_path / "large.csv", tmp_path / "scored.csv"
    source.write_text(f"description,note\nBLUE DOOR COFFEE,{quote}{note}{quote}\nGRAND HOTEL,\n", newline="")
    assert score(source, output, tiny_path, []) == 0
    lines = output.read_text("utf-8").split("\n")
    assert lines[-2].startswith("GRAND HOTEL,,7011,")
    assert output.stat().st_size > source.stat().st_size
    assert f"{note}{quote},5814," in output.read_text("utf-8")


def test_a_description_of_ten_megabytes_is_read(tmp_path: Path, tiny_path: Path) -> None:
    source, output = tmp_path / "large.csv", tmp_path / "scored.csv"
    source.write_text(f"description\nCOFFEE {'x' * (10 << 20)}\nGRAND HOTEL\n")
    assert score(source, output, tiny_path, []) == 0
    assert output.read_text("utf-8").split("\n")[2].startswith("GRAND HOTEL,7011,")
