"""`merchant-classifier score` as a user sees it: files of all kinds in and out, remarks, exit codes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from merchant_classifier.batch.model import Model
from merchant_classifier.batch.presets import PRESETS
from merchant_classifier.batch.progress import Bar
from merchant_classifier.cli import main

TEXT = """id,description,amount
1,BLUE DOOR COFFEE,3.50
2,GRAND HOTEL,120.00
3,QZXV,007
4,PAYROLL ACME,
5,"CITY TAXI, THE ""QUICK"" ONE",9
"""
MCCS = ["5814", "7011", "", "", "4121"]


_LOAD_ONCE = cache(Model.load)


@pytest.fixture(autouse=True)
def _each_model_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "load", _LOAD_ONCE)


class Score:
    """Runs the command on the tiny model in a folder of its own."""

    def __init__(self, folder: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._model, self._capsys = folder, model, capsys
        self.source = folder / "in.csv"
        self.source.write_text(TEXT)
        self.error = self.out = ""

    def __call__(self, source: str, output: str, *options: str) -> int:
        places = [str(self.folder / name) if name != "-" else name for name in (source, output)]
        code = main(["score", places[0], "-o", places[1], "--model", str(self._model), *options])
        self.out, self.error = self._capsys.readouterr()
        return code

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def manifest(self, name: str) -> dict[str, dict[str, object]]:
        content: dict[str, dict[str, object]] = json.loads((self.folder / f"{name}.manifest.json").read_text("utf-8"))
        return content


@pytest.fixture
def score(tmp_path: Path, tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> Score:
    return Score(tmp_path, tiny_path, capsys)


def test_all_columns_are_kept_and_the_answers_stand_behind_them(score: Score) -> None:
    assert score("in.csv", "out.csv", "--column", "description") == 0
    lines = (score.folder / "out.csv").read_text("utf-8").splitlines()
    assert lines[0] == "id,description,amount,mcc,label,category,confidence,reason,model_version"
    for line, original in zip(lines, TEXT.splitlines(), strict=True):
        assert line.startswith(original)
    assert [row["mcc"] for row in score.rows("out.csv")] == MCCS
    assert re.search(r"out.csv: 5 rows; in .* s 5 rows \(.*/s\), 5 distinct descriptors classified", score.error)
    assert score.out == ""


def test_the_manifest_says_what_was_done(score: Score) -> None:
    score("in.csv", "out.csv")
    manifest = score.manifest("out.csv")
    assert manifest["rows"] == {"in": 5, "out": 5, "rejected": 0, "blank_lines": 0}
    assert manifest["input"]["sha256"] == hashlib.sha256(score.source.read_bytes()).hexdigest()
    assert manifest["input"]["bytes"] == len(TEXT)
    assert manifest["input"]["column"] == "description"
    assert manifest["model"]["version"] == score.rows("out.csv")[0]["model_version"]


def test_nothing_else_is_left_behind(score: Score) -> None:
    score("in.csv", "out.csv")
    assert {path.name for path in score.folder.iterdir()} == {"in.csv", "out.csv", "out.csv.manifest.json"}


def test_equal_work_gives_equal_bytes(score: Score) -> None:
    first = []
    for _ in range(2):
        score("in.csv", "out.csv.gz")
        first.append([(score.folder / name).read_bytes() for name in ("out.csv.gz", "out.csv.gz.manifest.json")])
    assert first[0] == first[1]


ENDS = ["csv", "tsv", "jsonl", "parquet", "arrow", "csv.gz", "csv.zst", "jsonl.zst"]


@pytest.mark.parametrize("end", ENDS)
def test_any_format_can_be_written_and_read_again(score: Score, end: str) -> None:
    assert score("in.csv", f"middle.{end}") == 0
    assert score(f"middle.{end}", "again.csv", "--columns", "id,description,amount,mcc,mcc_predicted") == 0
    rows = score.rows("again.csv")
    assert [list(row.values())[:3] for row in rows] == list(csv.reader(io.StringIO(TEXT)))[1:]
    assert [row["mcc"] for row in rows] == [row["mcc_predicted"] for row in rows] == MCCS


def test_parquet_keeps_types_and_json_keeps_numbers(score: Score) -> None:
    table = pa.table({"description": ["GRAND HOTEL", None], "n": pa.array([1, 2], pa.int16()), "when": [None, None]})
    pq.write_table(table, score.folder / "typed.parquet")
    score("typed.parquet", "out.parquet")
    scored = pq.read_table(score.folder / "out.parquet")
    assert scored.schema.field("n").type == pa.int16()
    assert scored.column("mcc").to_pylist() == ["7011", None]
    score("typed.parquet", "out.jsonl")
    first = json.loads((score.folder / "out.jsonl").read_text().splitlines()[0])
    assert (first["n"], first["when"], first["mcc"]) == (1, None, "7011")


def test_parquet_of_several_row_groups_keeps_every_row(score: Score) -> None:
    table = pa.table({"description": ["GRAND HOTEL"] * 250, "i": range(250)})
    pq.write_table(table, score.folder / "groups.parquet", row_group_size=60)
    score("groups.parquet", "out.arrow")
    with pa.memory_map(str(score.folder / "out.arrow")) as file:
        scored = pa.ipc.open_file(file).read_all()
    assert scored.column("i").to_pylist() == list(range(250))
    assert set(scored.column("mcc").to_pylist()) == {"7011"}


def test_what_a_format_cannot_hold_is_refused(score: Score) -> None:
    pq.write_table(pa.table({"description": ["HOTEL"], "tags": [["a"]]}), score.folder / "nested.parquet")
    assert score("nested.parquet", "out.csv") == 2
    assert "column 'tags' (list" in score.error
    assert score("nested.parquet", "out.csv", "--columns", "description,mcc") == 0
    (score.folder / "twice.csv").write_text("description,x,x\nHOTEL,1,2\n")
    assert score("twice.csv", "out.parquet") == 2
    assert "2 columns are called 'x', which parquet cannot hold" in score.error


def test_json_lines_that_become_a_table_may_not_bring_new_members(score: Score) -> None:
    (score.folder / "in.jsonl").write_text('{"description": "HOTEL"}\n')
    assert score("in.jsonl", "out.csv") == 0
    assert [row["mcc"] for row in score.rows("out.csv")] == ["7011"]


def test_choices_are_stated(score: Score) -> None:
    score("in.csv", "out.csv")
    assert "descriptions are in column 'description' (by its name)" in score.error
    score("in.csv", "out.csv", "--column", "description")
    assert "descriptions are in" not in score.error


def test_columns_of_the_output_can_be_chosen(score: Score) -> None:
    score("in.csv", "out.csv", "--columns", "mcc,merchant,id")
    assert (score.folder / "out.csv").read_text().splitlines()[1] == "5814,BLUE DOOR COFFEE,1"


def test_a_single_empty_column_still_has_its_lines(score: Score) -> None:
    score("in.csv", "out.csv", "--columns", "intermediary")
    assert (score.folder / "out.csv").read_text() == "intermediary\n" + '""\n' * 5


def test_candidates_can_be_added(score: Score) -> None:
    score("in.csv", "out.csv", "--top", "2")
    first = score.rows("out.csv")[0]
    assert list(first)[-6:] == [f"top{i}_{part}" for i in (1, 2) for part in ("mcc", "label", "confidence")]
    assert first["top1_mcc"] == "5814"
    assert float(first["top1_confidence"]) > float(first["top2_confidence"])


def test_mode_and_threshold_decide_what_is_named(score: Score) -> None:
    named = {}
    for options in (("--mode", "best_guess"), ("--threshold", "0"), ("--threshold", "1"), ("--mode", "precise")):
        score("in.csv", "out.csv", *options)
        named[options] = sum(row["reason"] == "confident" for row in score.rows("out.csv"))
    assert named["--mode", "best_guess"] == named["--threshold", "0"] == 4
    assert named["--threshold", "1"] == 0
    assert score.manifest("out.csv")["model"]["mode"] == "precise"


def test_a_merchant_memory_overrules(score: Score) -> None:
    assert score("in.csv", "out.csv", "--memory", str(score.folder / "none.csv")) == 2
    assert "none.csv" in score.error


def test_an_error_in_a_process_is_one_line(score: Score) -> None:
    score.source.write_text("id,description\n1,HOTEL\n2\n")
    assert score("in.csv", "out.csv", "--jobs", "2", "--strict") == 2
    assert score.error.splitlines()[-1].endswith("in.csv, line 3: 1 fields, expected 2")


def test_a_summary_is_printed_and_drawn(score: Score) -> None:
    score.source.write_text(TEXT + "6,<b>ZZQ</b>,1\n")
    assert score("in.csv", "out.csv", "--summary", "--columns", "id,mcc") == 0
    assert re.search(r"code named +4 +66.7%", score.out)
    assert re.search(r"QZXV +1 +16.7%", score.out)
    page = (score.folder / "out.csv.summary.html").read_text("utf-8")
    assert page.count("<svg") >= 4
    assert "<b>ZZQ</b>" not in page
    assert "<b>" not in page
    assert not re.search(r"(src|href)=|https?:|@import|url\(", page), "the page must not load anything"


def test_the_summary_of_no_rows_is_no_error(score: Score) -> None:
    score.source.write_text("description\n")
    assert score("in.csv", "out.csv", "--summary") == 0


SAMPLES = {
    "amex": "Date,Description,Amount\n1,{},2\n",
    "bank-of-america": "Description,,Summary Amt.\nBeginning,,1\n\nDate,Description,Amount,Running Bal.\n1,{},2,3\n",
    "capital-one": "Transaction Date,Posted Date,Card No.,Description,Category,Debit,Credit\n1,1,2,{},x,3,\n",
    "chase": "Transaction Date,Post Date,Description,Category,Type,Amount,Memo\n1,1,{},x,Sale,-1,\n",
    "dkb": '"Girokonto";"DE1"\n""\n"Buchungsdatum";"Wertstellung";"Zahlungsempfänger*in"\n"1";"2";"{}"\n',
    "ing-de": "Umsatzanzeige;x\n\nBuchung;Wertstellungsdatum;Auftraggeber/Empfänger;Betrag\n1;2;{};3\n",
    "monzo": "Transaction ID,Date,Type,Name,Description,Money Out\n1,2,Card,x,{},3\n",
    "n26": '"Booking Date","Value Date","Partner Name","Type"\n1,2,"{}",x\n',
    "rabobank": '"IBAN/BBAN","Munt","Naam tegenpartij","Omschrijving-1"\n"NL","EUR","{}","é"\n',
    "revolut": "Type,Product,Started Date,Description,Amount\nCARD,Current,1,{},2\n",
    "sparkasse": '"Buchungstag";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger"\n"1";"ü";"{}"\n',
    "starling": "Date,Counter Party,Reference,Type\n1,{},x,y\n",
    "wells-fargo": '"01/02/2026","-3.50","*","","{}"\n',
    "wise": "ID,Date,Description,Merchant\n1,2,Card transaction,{}\n",
}


def test_every_preset_has_a_sample() -> None:
    assert SAMPLES.keys() == PRESETS.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_presets_read_their_exports(score: Score, name: str) -> None:
    text = SAMPLES[name].format("GRAND HOTEL BERLIN")
    score.source.write_bytes(text.encode(PRESETS[name].encoding))
    assert score("in.csv", "out.csv", "--preset", name) == 0, score.error
    output = (score.folder / "out.csv").read_text("utf-8").splitlines()
    assert len(output) == 2
    assert "7011" in output[1]
    assert "GRAND HOTEL" in output[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--column", "nothing"], "no column 'nothing'; its columns are 'id', 'description', 'amount'"),
        (["--columns", "nothing"], "--columns: no column 'nothing'"),
        (["--preset", "bank"], "--preset bank: expected one of amex, "),
        (["--threshold", "7"], "--threshold: expected 0 to 1, found 7.0"),
        (["--jobs", "0"], "--jobs: expected at least 1, found 0"),
        (["--delimiter", "ab"], "--delimiter: expected one ASCII character, found 'ab'"),
        (["--delimiter", '"'], "--delimiter: expected one ASCII character"),
        (["--input-format", "parquet"], "in.csv: cannot be read"),
        (["--model", "/nowhere"], "/nowhere: expected a model directory"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(score: Score, options: list[str], message: str) -> None:
    assert score("in.csv", "out.csv", *options) == 2
    assert message in score.error.splitlines()[-1]
    assert [path.name for path in score.folder.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("none.csv", "out.csv", "none.csv: No such file"),
        ("none.parquet", "out.csv", "none.parquet: no such file"),
        ("in.csv", "none/out.csv", "out.csv: cannot be written (No such file or directory)"),
        ("in.csv", "in.csv/out.csv", "out.csv: cannot be written (Not a directory)"),
        ("in.csv", ".", "expected a file to write, found a directory"),
        ("in.csv", "in.csv", "in.csv: is the input; expected another name"),
        ("in.csv", "out.xls", "out.xls: expected one of .csv, .txt, "),
        ("in.csv", "out.parquet.gz", "compresses its own columns"),
    ],
)
def test_a_wrong_path_is_one_line_and_leaves_nothing(score: Score, source: str, output: str, message: str) -> None:
    options = ["--output-format", "csv"] if output == "." else []
    assert score(source, output, *options) == 2
    assert message in score.error.splitlines()[-1]
    assert [path.name for path in score.folder.iterdir()] == ["in.csv"]


def test_rejects_of_an_earlier_run_do_not_stay(score: Score) -> None:
    score.source.write_text(TEXT + "6\n")
    assert score("in.csv", "out.csv") == 2
    assert (score.folder / "out.csv.rejects.csv").read_text() == 'line,reason,raw\n7,"1 fields, expected 3",6\n'
    score.source.write_text(TEXT)
    assert score("in.csv", "out.csv") == 0
    assert not (score.folder / "out.csv.rejects.csv").exists()


def test_a_rejects_file_that_was_asked_for_is_always_there(score: Score) -> None:
    rejects = score.folder / "other.csv"
    assert score("in.csv", "out.csv", "--rejects", str(rejects)) == 0
    assert rejects.read_text() == "line,reason,raw\n"


def test_an_output_is_replaced_only_by_a_finished_one(score: Score) -> None:
    output = score.folder / "out.csv"
    output.write_text("of yesterday")
    score.source.write_text(TEXT + "6\n")
    assert score("in.csv", "out.csv", "--strict") == 2
    assert output.read_text() == "of yesterday"


@pytest.fixture
def pipes() -> SimpleNamespace:
    """Standard input and output as bytes."""
    return SimpleNamespace(input=io.BytesIO(TEXT.encode()), output=io.BytesIO())


def run(pipes: SimpleNamespace, tiny_path: Path, *arguments: str) -> int:
    # Patched here and not in the fixture: pytest puts its own streams back between set-up and call.
    with (
        patch.object(sys, "stdin", SimpleNamespace(buffer=pipes.input)),
        patch.object(sys, "stdout", SimpleNamespace(buffer=pipes.output)),
    ):
        return main(["score", *arguments, "--model", str(tiny_path)])


def test_pipes_are_read_and_written(pipes: SimpleNamespace, tiny_path: Path) -> None:
    assert run(pipes, tiny_path, "-", "-o", "-") == 0
    rows = list(csv.DictReader(pipes.output.getvalue().decode().splitlines()))
    assert [row["mcc"] for row in rows] == MCCS


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl", "tsv"])
def test_pipes_can_have_any_format(pipes: SimpleNamespace, tiny_path: Path, kind: str) -> None:
    assert run(pipes, tiny_path, "-", "-o", "-", "--output-format", kind) == 0
    data = pipes.output.getvalue()
    if kind == "parquet":
        found = pq.read_table(io.BytesIO(data)).column("mcc").to_pylist()
    elif kind == "arrow":
        found = pa.ipc.open_stream(data).read_all().column("mcc").to_pylist()
    elif kind == "jsonl":
        found = [json.loads(line)["mcc"] for line in data.decode().splitlines()]
    else:
        found = [row["mcc"] for row in csv.DictReader(data.decode().splitlines(), delimiter="\t")]
    assert [mcc or "" for mcc in found] == MCCS


def test_arrow_can_be_piped_in(pipes: SimpleNamespace, tiny_path: Path) -> None:
    table = pa.table({"description": ["GRAND HOTEL"]})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    pipes.input.write(sink.getvalue())
    pipes.input.truncate()
    pipes.input.seek(0)
    assert run(pipes, tiny_path, "-", "-o", "-", "--input-format", "arrow", "--output-format", "csv") == 0
    assert b"GRAND HOTEL,7011," in pipes.output.getvalue()


def test_a_piped_input_can_become_a_file(pipes: SimpleNamespace, tiny_path: Path, tmp_path: Path) -> None:
    assert run(pipes, tiny_path, "-", "-o", str(tmp_path / "out.csv")) == 0
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text())
    assert manifest["input"]["sha256"] is None
    assert manifest["rows"]["out"] == 5


def test_rejects_of_a_pipe_go_where_asked(
    pipes: SimpleNamespace, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipes.input.seek(0, io.SEEK_END)
    pipes.input.write(b"6\n")
    pipes.input.seek(0)
    assert run(pipes, tiny_path, "-", "-o", "-") == 2
    assert "--rejects FILE keeps them" in capsys.readouterr().err
    pipes.input.seek(0)
    assert run(pipes, tiny_path, "-", "-o", "-", "--rejects", str(tmp_path / "r.csv")) == 0
    assert (tmp_path / "r.csv").read_text().splitlines()[1:] == ['7,"1 fields, expected 3",6']


def test_no_header_is_needed(score: Score) -> None:
    score.source.write_text("1,GRAND HOTEL\n2,BLUE DOOR COFFEE\n")
    assert score("in.csv", "out.csv", "--no-header") == 0
    assert [row["mcc"] for row in score.rows("out.csv")] == ["7011", "5814"]
    assert list(score.rows("out.csv")[0])[:2] == ["column_1", "column_2"]


def test_compressed_output_is_readable_by_others(score: Score) -> None:
    score("in.csv", "out.csv.gz")
    with gzip.open(score.folder / "out.csv.gz", "rt") as file:
        assert [row["mcc"] for row in csv.DictReader(file)] == MCCS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only() -> None:
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        with Bar("rows.csv", stream=stream) as bar:
            bar.show(1_000, 0.5)
            bar.show(2_000, None)
        assert ("rows.csv" in stream.getvalue()) is shown


@pytest.mark.slow
def test_whoever_reads_the_pipe_may_stop(tiny_path: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("description\n" + "GRAND HOTEL\n" * 300_000)
    command = f"{sys.executable} -m merchant_classifier.cli score {source} -o - --model {tiny_path} | head -2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1].startswith("GRAND HOTEL,7011")
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


@pytest.mark.slow
def test_a_terminal_sees_a_bar_with_rows_and_time(tiny_path: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("description\n" + "GRAND HOTEL\n" * 800_000)
    mine, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))  # a new pseudo-terminal has no columns to draw in
    command = [sys.executable, "-m", "merchant_classifier.cli", "score", str(source), "-o", str(tmp_path / "o.csv")]
    done = subprocess.run([*command, "--model", str(tiny_path)], stderr=theirs, check=False)
    os.close(theirs)
    seen = os.read(mine, 1 << 20).decode()
    os.close(mine)
    assert done.returncode == 0
    assert re.search(r"in.csv +\d+% \|.*\| [\d,]+ rows, [\d,]+ rows/s, [\d:]+, [\d:?]+ left", seen)
