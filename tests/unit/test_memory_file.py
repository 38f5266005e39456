"""The memory file: every well-formed line is a rule, every other line is named, and adding loses nothing."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant_classifier.errors import MemoryFileError
from merchant_classifier.memory_file import append, lines, read
from merchant_classifier.rules import COLUMNS, Kind, NewRule, domains, key_of, rule_of
from tests.memory_files import add_lines, rule, write

GOOD = "7,exact,Blue Bottle,5814,,ann,because,2026-01-02,"


def test_a_line_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path / "memory.csv")
    add_lines(path, '7,exact,"Blue, Bottle",5814,-3,ann,because,2026-01-02,2026-02-03')
    (found,) = read(path).rules
    assert (found.id, found.kind, found.text, found.key) == (7, Kind.EXACT, "Blue, Bottle", "blue bottle")
    assert (found.priority, found.created, found.expires) == (-3, date(2026, 1, 2), date(2026, 2, 3))


def test_comments_empty_lines_and_windows_line_ends_are_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "memory.csv"
    path.write_bytes(f"\ufeff# ours\r\n{','.join(COLUMNS)}\r\n\r\n# {GOOD}\r\n{GOOD}\r\n".encode())
    content = read(path)
    assert [found.id for found in content.rules] == [7]
    assert content.place(7) == 5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,exact,Blue,5814,,ann,because,2026-01-02,", "id: expected a positive integer, found 'x'"),
        ("0,exact,Blue,5814,,ann,because,2026-01-02,", "id: expected a positive integer, found '0'"),
        ("7,fuzzy,Blue,5814,,ann,because,2026-01-02,", "kind: expected one of exact, merchant,"),
        ("7,exact,Blue,,,ann,because,2026-01-02,", "mcc: expected a code"),
        ("7,exact,Blue,5814,high,ann,because,2026-01-02,", "priority: expected an integer, found 'high'"),
        ("7,exact,Blue,5814,,ann,because,02.01.2026,", "created: expected a date such as 2026-01-31"),
        ("7,exact,Blue,5814,,ann,because,2026-01-02,soon", "expires: expected a date"),
        ("7,exact,***,5814,,ann,because,2026-01-02,", "nothing readable is left"),
        ("7,domain,blue bottle,5814,,ann,because,2026-01-02,", "expected a domain such as example.com"),
        ("7,pattern,*ab*c,5814,,ann,because,2026-01-02,", "a pattern needs 3 characters in a row"),
        ("7,exact,Blue", "expected 9 columns, found 3"),
        ('7,exact,"Blue,5814,,ann,because,2026-01-02,', "not CSV"),
    ],
)
def test_a_wrong_line_is_named_with_what_was_expected(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "memory.csv", [rule(1, "exact", "x")])
    add_lines(path, line)
    with pytest.raises(MemoryFileError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:4: ")
    assert message in str(caught.value)


def test_a_number_used_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "memory.csv", [rule(7, "exact", "a shop"), rule(8, "exact", "b shop"), rule(7, "exact", "c")]
    )
    with pytest.raises(MemoryFileError, match=r":5: id 7 is taken by line 3"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected the header"),
        (b"id,text\n", "expected the header"),
        (b"# merchant memory, format 2\n", "expected format 1, found format 2"),
        (b"id,kind\n\xff\n", ":2: expected UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "memory.csv"
    path.write_bytes(content)
    with pytest.raises(MemoryFileError, match=message):
        read(path)


def test_a_missing_file_is_a_memory_file_error(tmp_path: Path) -> None:
    with pytest.raises(MemoryFileError, match="cannot be read"):
        read(tmp_path / "memory.csv")


def test_adding_keeps_every_byte_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "memory.csv"
    before = f"# ours\n{','.join(COLUMNS)}\n{GOOD}"
    path.write_text(before)
    (added,) = append(path, [NewRule(Kind.PREFIX, "Red, Bottle", "5812", 2, "bob", 'a "reason"', date(2030, 1, 1))])
    assert path.read_text().startswith(f"{before}\n8,prefix,")
    assert read(path).rules[1] == added


def test_adding_makes_a_file_that_can_be_read(tmp_path: Path) -> None:
    added = append(tmp_path / "memory.csv", [NewRule(Kind.EXACT, "Blue", "5814"), NewRule(Kind.EXACT, "Red", "5814")])
    assert list(read(tmp_path / "memory.csv").rules) == added
    assert [found.id for found in added] == [1, 2]


def test_adding_to_a_wrong_file_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "memory.csv")
    add_lines(path, "nonsense")
    before = path.read_bytes()
    with pytest.raises(MemoryFileError):
        append(path, [NewRule(Kind.EXACT, "Blue", "5814")])
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["memory.csv"]


one_line = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


@given(one_line, one_line, st.integers(-9, 9))
def test_any_rule_survives_being_written_and_read(author: str, reason: str, priority: int) -> None:
    made = NewRule(Kind.EXACT, "Blue Bottle", "5814", priority, author.strip(), reason.strip()).numbered(3)
    assert rule_of(next(csv.reader([lines([made]).rstrip("\n")]))) == made


def test_domains_are_found_with_those_above_them() -> None:
    assert list(domains("pay www.shop.example.com/x now")) == [
        "www.shop.example.com",
        "shop.example.com",
        "example.com",
    ]


def test_a_pattern_keeps_its_stars_and_folds_the_rest() -> None:
    assert key_of(Kind.PATTERN, "*Café  MÜNCHEN*42 ") == "*cafe munchen*42"
