"""Merging hand-written merchants: every line is checked, conflicts are decided by rule, order does not matter."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from train.__main__ import main
from train.curate import Merchant, Merged, merge, read_compact
from train.resolve import read_taxonomy, text_key

DATA = Path(__file__).parents[2] / "data"
TAXONOMY = read_taxonomy(DATA)


def compact(path: Path, text: str) -> tuple[list[Merchant], list[str]]:
    path.write_text(text, "utf-8")
    problems: list[str] = []
    return list(read_compact(path, TAXONOMY.family, problems)), problems


def real(text: str, mcc: str, country: str = "GB") -> Merchant:
    return Merchant(text, mcc, "real", country)


def kept(merged: Merged) -> dict[str, str]:
    return {row.text: row.mcc for row in merged.kept}


def test_a_compact_file_gives_its_names_under_their_header(tmp_path: Path) -> None:
    rows, problems = compact(
        tmp_path / "a.txt", "@5814 real GB\nGreggs\n\n  PRET  A MANGER \n@7230 independent FR\nChez X\n"
    )
    assert problems == []
    assert rows == [
        real("Greggs", "5814"),
        real("PRET A MANGER", "5814"),
        Merchant("Chez X", "7230", "independent", "FR"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Greggs\n", ":1: expected a header line"),
        ("@5814 real\nGreggs\n", ":1: expected `@MCC KIND COUNTRY`"),
        ("@3000 real US\n", ":1: expected a generic code of data/labels.csv"),
        ("@5814 fake GB\n", ":1: expected the kind to be frequent, real or independent, found '@5814 fake GB'"),
        ("@5814 real UK\n", ":1: expected a country of ISO 3166"),
        ("@5814 real GB\n***\n", ":2: expected a name with a letter or digit"),
        ("@5814 real GB\n" + "x" * 81 + "\n", ":2: expected a name of at most 80 characters"),
        ('@5814 real GB\n"Greggs"\n', ":2: expected printable characters and no quotes around the name"),
        ("@5814 real GB\nGre\x00ggs\n", ":2: expected printable characters"),
    ],
)
def test_a_wrong_line_is_named_with_what_was_expected(tmp_path: Path, text: str, problem: str) -> None:
    _, problems = compact(tmp_path / "a.txt", text)
    assert f"a.txt{problem}" in problems[0]


def test_exact_duplicates_go_and_a_real_merchant_stays_real() -> None:
    merged = merge([real("A", "5812"), real("A", "5812"), Merchant("A", "5812", "independent", "GB")], TAXONOMY)
    assert merged.kept == [real("A", "5812")]
    assert merged.duplicates == 2


def test_real_wins_over_independent_however_many() -> None:
    invented = [Merchant("A", "7230", "independent", country) for country in ("GB", "US", "FR")]
    assert kept(merge([real("A", "5812"), *invented], TAXONOMY)) == {"A": "5812"}


def test_a_frequent_merchant_wins_over_other_real_ones_and_stays_frequent() -> None:
    frequent = Merchant("Coles", "5411", "frequent", "AU")
    others = [real("Coles", "5942", country) for country in ("GB", "US", "CA")]
    merged = merge([*others, real("Coles", "5411", "AU"), frequent], TAXONOMY)
    assert merged.kept == [frequent]
    assert {winner for _, winner in merged.lost} == {"5411"}


def test_the_code_with_more_rows_wins_for_all_spellings() -> None:
    merged = merge([real("Shell", "5541"), real("SHELL", "5541"), real("shell", "5999", "US")], TAXONOMY)
    assert kept(merged) == {"Shell": "5541", "SHELL": "5541"}
    assert merged.lost == [(real("shell", "5999", "US"), "5541")]


def test_a_text_no_rule_decides_is_left_out_and_counted() -> None:
    merged = merge([real("A", "0742"), real("A", "7841")], TAXONOMY)
    assert merged.kept == []
    assert merged.undecided == 1


def run(tmp_path: Path, *files: Path) -> tuple[int, bytes, bytes]:
    into, conflicts = tmp_path / "curated.csv", tmp_path / "conflicts.csv"
    code = main(["curate", "--into", str(into), "--conflicts", str(conflicts), *map(str, files)])
    return code, into.read_bytes() if into.exists() else b"", conflicts.read_bytes() if conflicts.exists() else b""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(DATA.parent)
    texts = [
        "@0742 real GB\nA\nB\n@5812 real GB\nC\n",
        "@7841 real GB\nA\nC\n",
        "@7841 real FR\nA\nb\n@5812 real FR\nC\n",
    ]
    paths = [tmp_path / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return paths


def test_merging_in_any_order_at_once_or_one_by_one_gives_the_same_files(tmp_path: Path, files: list[Path]) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    at_once = run(tmp_path / "one", *files)
    for path in reversed(files):
        one_by_one = run(tmp_path / "two", path)
    assert at_once[0] == 0
    assert one_by_one == at_once
    assert run(tmp_path / "one", files[0]) == at_once


def test_nothing_is_written_when_a_line_is_wrong(
    tmp_path: Path, files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = run(tmp_path, files[0])
    bad = tmp_path / "bad.txt"
    bad.write_text("@5812 real GB\nNew\n@9999 real GB\nX\n")
    code, *after = run(tmp_path, files[1], bad)
    assert code == 2
    assert tuple(after) == before[1:]
    assert "bad.txt:3: expected a generic code" in capsys.readouterr().err


def test_a_committed_curated_text_has_one_code() -> None:
    codes: dict[str, str] = {}
    with (DATA / "curated_merchants.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert codes.setdefault(text_key(row["text"]), row["mcc"]) == row["mcc"], row
    assert set(codes.values()) <= TAXONOMY.family.keys()
