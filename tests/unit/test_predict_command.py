"""`merchant-classifier predict`: answers on standard output, mistakes as one line on standard error and exit code 2."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path

import pytest

from merchant_classifier import Prediction, cli


def predict(tiny_path: Path, *arguments: str) -> int:
    return cli.main(["predict", "--model", str(tiny_path), *arguments])


def test_one_line_an_argument_in_their_order(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(tiny_path, "SQ *BLUE DOOR COFFEE", "HOTEL ADLER BERLIN DE", "qwertz") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["confident", "confident", "low_confidence"]
    assert "5814  Fast food and coffee shops" in lines[0]
    assert "7011  Hotels and lodging" in lines[1]
    assert "  -     -  " in lines[2]


def test_lines_of_standard_input(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("coffee\r\n\ntaxi\n"))
    assert predict(tiny_path, "--json") == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(answer["mcc"], answer["reason"]) for answer in answers] == [
        ("5814", "confident"),
        (None, "no_text"),
        ("4121", "confident"),
    ]


def test_json_holds_every_field_of_an_answer(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(tiny_path, "--json", "SQ *BLUE DOOR COFFEE") == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == [field.name for field in fields(Prediction)]
    assert answer["intermediary"] == "Square"
    assert len(answer["candidates"]) == 3


def test_mode_decides_how_much_is_answered(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(tiny_path, "--json", "--mode", "best_guess", "qwertz") == 0
    assert json.loads(capsys.readouterr().out)["mcc"] is not None


def test_a_missing_model_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(tmp_path / "nowhere", "coffee") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "nowhere" in captured.err
    assert "no such directory" in captured.err


def test_a_damaged_model_is_one_line_and_exit_code_2(tiny_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny_copy / "words.npy").unlink()
    assert predict(tiny_copy, "coffee") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(tiny_copy / "words.npy") in error


@pytest.mark.parametrize("arguments", [["predict", "--mode", "reckless"], ["predict", "--nonsense"], ["guess"], []])
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: merchant-classifier" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert [name for name in cli.COMMANDS if name not in text] == []
