"""`bench` measures, prints, writes its numbers and a picture; `info` describes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from merchant_classifier import rivals
from merchant_classifier.cli import main
from merchant_classifier.commands import bench
from merchant_classifier.plot import latency_svg
from merchant_classifier.rivals import Rival


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rounds; and this process must not stay on one core for the tests that follow."""
    monkeypatch.setattr(bench, "_STARTS", 1)
    monkeypatch.setattr(bench, "_ROUNDS", 1)
    monkeypatch.setattr(bench, "pin_to_one_core", lambda: None)


def test_writes_every_number_and_a_picture(tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers, picture = tmp_path / "bench.json", tmp_path / "bench.svg"
    assert (
        main(["bench", "--model", str(tiny_path), "--count", "60", "--json", str(numbers), "--svg", str(picture)]) == 0
    )
    facts = json.loads(numbers.read_text("utf-8"))
    for percentiles in facts["latency"].values():
        assert 0 < percentiles["p50"] <= percentiles["p99"] <= percentiles["worst"]
    assert facts["rows_per_second"] > 0
    assert facts["start_up"]["together s"] > facts["start_up"]["import s"] > 0
    assert facts["machine"]["processor"] in capsys.readouterr().out
    lines = ElementTree.parse(picture).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == len(facts["latency"])


def test_times_descriptors_of_a_file(tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lines.txt").write_text("coffee\nhotel\n\ncoffee\n", "utf-8")
    assert main(["bench", "--model", str(tiny_path), "--descriptors", str(tmp_path / "lines.txt")]) == 0
    assert "batch of 2 different descriptors on one core" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"\n \n", b"\xff\xfe"])
def test_a_file_without_descriptors_is_bad_input(tiny_path: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lines.txt").write_bytes(content)
    assert main(["bench", "--model", str(tiny_path), "--descriptors", str(tmp_path / "lines.txt")]) == 2


def test_compares_with_what_is_installed_and_names_what_is_not(
    tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, str]] = []

    def make(rows: list[tuple[str, str]]) -> rivals.Call:
        seen.extend(rows)
        return str.lower

    stand_ins = (Rival("lower case", (), make), Rival("not here", ("no_such_package",), make))
    monkeypatch.setattr(bench, "RIVALS", stand_ins)
    (tmp_path / "rows.csv").write_text("text,label\ncoffee,5814\nhotel,7011\n", "utf-8")
    command = ["bench", "--model", str(tiny_path), "--count", "30", "--compare", "--rows", str(tmp_path / "rows.csv")]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert sorted(seen) == [("coffee", "5814"), ("hotel", "7011")]
    assert "times this model's" in printed
    assert "left out: not installed: no_such_package" in printed


def test_rows_without_labels_are_bad_input(tiny_path: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("name\ncoffee\n", "utf-8")
    command = ["bench", "--model", str(tiny_path), "--count", "30", "--compare", "--rows", str(tmp_path / "rows.csv")]
    assert main(command) == 2


def test_a_picture_escapes_its_names() -> None:
    picture = latency_svg("<a & b>", {"<c>": [0.001, 0.002, 0.004]})
    assert ElementTree.fromstring(picture) is not None


def test_info_describes_a_model(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--model", str(tiny_path)]) == 0
    assert "labels       30" in capsys.readouterr().out
    assert main(["info", "--model", str(tiny_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["version"] == "tiny"


def test_info_of_no_model_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--model", str(tmp_path)]) == 2
    assert "manifest.json" in capsys.readouterr().err
