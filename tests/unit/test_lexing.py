"""The structure that `batch.lexing` finds is the one Python's `csv` reads, wherever `csv` reads it in one way only."""

from __future__ import annotations

import csv
import io
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchant_classifier.batch.lexing import Dialect, Records, gather, last_boundary

CELL = st.text(alphabet="ab \"',;\té\n", max_size=6)
TABLE = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=6))


def values(records: Records) -> list[list[str]]:
    """All fields of all records."""
    return [
        [records.column(i, np.array([record]))[0].as_py().decode() for i in range(int(records.widths[record]))]
        for record in range(len(records))
    ]


def written(table: list[list[str]], ending: str, quoting: Literal[0, 1, 2, 3], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending, quoting=quoting, delimiter=delimiter).writerows(table)
    return text.getvalue().encode()


@settings(max_examples=150, deadline=None)
@given(
    TABLE,
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_csv_writes_is_read_back(
    table: list[list[str]], ending: str, quoting: Literal[0, 1, 2, 3], delimiter: str
) -> None:
    records = Records(written(table, ending, quoting, delimiter), Dialect(delimiter.encode()))
    assert values(records) == table
    assert records.open is None
    assert records.faults(len(table[0]) if table else 1) == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='a",\n', max_size=24))
def test_any_text_is_cut_into_the_records_that_csv_reads(text: str) -> None:
    records = Records(text.encode(), Dialect())
    if records.open is not None:
        return  # csv takes the end of the text for the closing quote
    assert values_or_fault(records) == [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def values_or_fault(records: Records) -> list[list[str]]:
    """Fields of the records; those with text behind a quote as `csv` understands them."""
    faulty = {fault.record for fault in records.faults(-1) if "closing" in fault.reason}
    found = values(records)
    for position in records.record_of(records._after_quote()).tolist():
        faulty.add(position)
    for record in faulty:
        found[record] = next(csv.reader(io.StringIO(records.raw(record).decode(), newline="")))
    return found


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (b"a,b\n1\n2,3\n", ["1 fields, expected 2"]),
        (b'a,b\n"1"x,2\n', ["text after a closing quote"]),
        (b"a,b\n1,\x00\n", ["a NUL byte"]),
        (b"a,b\n1\r,2\r\n", ["a carriage return that ends no line"]),
        (b'a,b\n"1\r",2\r\n', []),
        (b'a,b\n5" x,2" y\n', []),
    ],
)
def test_faults_are_named(text: bytes, reasons: list[str]) -> None:
    assert [fault.reason for fault in Records(text, Dialect()).faults(2)] == reasons


def test_blank_lines_are_counted_and_are_no_records() -> None:
    records = Records(b"\na\n\r\n\nb", Dialect())
    assert (records.blank, len(records)) == (3, 2)


def test_lines_inside_quotes_are_counted() -> None:
    records = Records(b'a\n"b\nc\nd"\ne\n', Dialect())
    assert records.lines_before(np.array([0, 1, 2])).tolist() == [0, 1, 4]


def test_a_quote_that_stays_open_ends_the_records() -> None:
    records = Records(b'a,b\n1,"2\n3,4\n', Dialect())
    assert (len(records), records.open) == (1, 6)


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        (b"a\nb\nc", (4, False)),
        (b'a\n"b\nc', (2, True)),
        (b'"a\nb', (0, True)),
        (b'"a\nb"\nc', (6, False)),
        (b'5" a\nb', (5, False)),
        (b"", (0, False)),
    ],
)
def test_boundary_is_behind_the_last_whole_record(text: bytes, boundary: tuple[int, bool]) -> None:
    assert last_boundary(text, Dialect()) == boundary


def test_pieces_are_gathered_without_what_is_between() -> None:
    pieces = gather(b"one, two, three", np.array([0, 5, 10]), np.array([3, 8, 15]))
    assert pieces.to_pylist() == [b"one", b"two", b"three"]
    assert gather(b"", np.array([], int), np.array([], int)).to_pylist() == []
