"""`memory` and `explain` on the command line: what they print, their exit codes, and one line for a mistake."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from merchant_classifier.cli import main
from merchant_classifier.memory_file import read
from tests.memory_files import rule, write

Output = pytest.CaptureFixture[str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "memory.csv", [rule(17, "exact", "qwertz", "5814"), rule(18, "prefix", "zuio", "5812")])


def memory(action: str, path: Path, *arguments: str) -> int:
    return main(["memory", action, str(path), *arguments])


def add(path: Path, model: Path, **columns: str) -> int:
    given = {"kind": "exact", "text": "asdf", "mcc": "5812", "author": "ann", "reason": "because", **columns}
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    return memory("add", path, *options, "--model", str(model))


def test_adding_writes_a_rule_and_says_how_it_is_read(tiny_path: Path, path: Path, capsys: Output) -> None:
    assert add(path, tiny_path, text="ASDF 1234 OAKLAND CA", priority="2", expires="2040-01-01") == 0
    assert capsys.readouterr().out == "#19 exact 'asdf' -> 5812\n"
    written = read(path).rules[-1]
    assert (written.id, written.text, written.priority) == (19, "ASDF 1234 OAKLAND CA", 2)
    assert str(written.expires) == "2040-01-01"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"mcc": "1234"}, "--mcc: expected one of the model's 30 labels, found '1234'"),
        ({"text": "***"}, "--text: nothing readable is left"),
        ({"kind": "domain"}, "--text: expected a domain such as example.com"),
    ],
)
def test_a_rule_that_cannot_be_is_not_written(
    tiny_path: Path, path: Path, capsys: Output, columns: dict[str, str], message: str
) -> None:
    before = path.read_bytes()
    assert add(path, tiny_path, **columns) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert path.read_bytes() == before


def test_listing_can_be_narrowed(path: Path, capsys: Output) -> None:
    assert memory("list", path) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert memory("list", path, "--kind", "prefix") == 0
    assert capsys.readouterr().out.startswith("18\tprefix\tzuio\t5812\t")
    assert memory("list", path, "--contains", "QWER") == 0
    assert capsys.readouterr().out.startswith("17\texact")


def test_lint_has_nothing_to_say_about_sound_rules(tiny_path: Path, path: Path, capsys: Output) -> None:
    assert memory("lint", path, "--model", str(tiny_path)) == 0
    assert capsys.readouterr().out == "2 rules, 0 findings\n"


def test_lint_names_line_rule_and_flaw(tiny_path: Path, path: Path, tmp_path: Path, capsys: Output) -> None:
    write(path, [rule(17, "exact", "qwertz", "5814"), rule(18, "exact", "QWERTZ", "5812"), rule(19, "exact", "asdf")])
    sample = tmp_path / "sample.txt"
    sample.write_text("QWERTZ\n")
    assert memory("lint", path, "--against", str(sample), "--model", str(tiny_path)) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path}:3: #17 is contradicted: by #18")
    assert second.startswith(f"{path}:5: #19 is dead")
    assert last == "3 rules, 2 findings"


def test_a_wrong_file_is_one_line_and_exit_code_2(tiny_path: Path, path: Path, capsys: Output) -> None:
    path.write_text("nonsense\n")
    for action in ("list", "lint", "test"):
        assert memory(action, path, *([] if action == "list" else ["--model", str(tiny_path)])) == 2
        error = capsys.readouterr().err
        assert f"{path}:1: expected the header" in error
        assert error.count("\n") == 1


def test_trying_shows_the_rule_or_a_dash(
    tiny_path: Path, path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory("test", path, "--text", "QWERTZ", "HOTEL", "--model", str(tiny_path)) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["QWERTZ", "#17", "exact", "5814", "qwertz"]
    assert second.split() == ["HOTEL", "-"]
    monkeypatch.setattr("sys.stdin", io.StringIO("SQ *ZUIOP\n"))
    assert memory("test", path, "--model", str(tiny_path)) == 0
    assert "#18" in capsys.readouterr().out


def test_explain_shows_neighbours_and_whether_they_agree(tiny_path: Path, capsys: Output) -> None:
    assert main(["explain", "--model", str(tiny_path), "-k", "3", "hotel"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hotel"
    assert "7011" in lines[1]
    assert len(lines) == 6
    assert lines[2].split()[-2:] == ["hotel", "tiny"]
    assert lines[-1].strip() == "the network and its neighbours agree"


def test_explain_writes_every_field_as_json(tiny_path: Path, path: Path, capsys: Output) -> None:
    assert main(["explain", "--model", str(tiny_path), "--memory", str(path), "--json", "qwertz"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prediction"]["decided_by"] == "memory#17"
    assert set(found["neighbours"][0]) == {"name", "label", "similarity", "source"}
    assert found["agree"] in (True, False)


def test_explain_refuses_a_count_of_none(tiny_path: Path, capsys: Output) -> None:
    assert main(["explain", "--model", str(tiny_path), "-k", "0", "hotel"]) == 2
    assert "--count: expected at least 1, found 0" in capsys.readouterr().err
