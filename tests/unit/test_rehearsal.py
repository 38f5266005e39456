"""The rehearsal asks both models about the year after, apart by what they know of a line's merchant."""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train import gate, pipeline, rehearsal
from train.config import Source


@pytest.fixture
def source(tmp_path: Path) -> Source:
    rows = [
        ("OLD CAFE 0012", "5814", 2015),
        ("LATER BAKERY", "5462", 2017),
        ("OLD CAFE 0077", "5814", 2018),
        ("LATER BAKERY", "5462", 2018),
        ("FRESH HOTEL", "3501", 2018),
        ("FRESH HOTEL", "3501", 2018),
        ("NEXT YEAR'S SHOP", "5411", 2019),
        ("4711 0815", "5411", 2018),
    ]
    path = tmp_path / "lines.parquet"
    pq.write_table(pa.table(dict(zip(("text", "mcc", "year"), map(list, zip(*rows, strict=True)), strict=True))), path)
    return Source("toronto", str(path), until_year=2018)


def test_lines_of_the_year_stand_in_the_group_of_their_merchant(source: Source) -> None:
    found = {line.text: line.group for line in rehearsal.year_after(source, 2018)}
    assert found == {
        "OLD CAFE 0077": "met before",
        "LATER BAKERY": "first met in 2017",
        "FRESH HOTEL": "first met in 2018",
    }


def test_a_line_counts_once_and_brand_codes_are_folded(source: Source) -> None:
    (hotel,) = (line for line in rehearsal.year_after(source, 2018) if line.text == "FRESH HOTEL")
    assert hotel.label == "7011"


def test_a_run_that_fails_ends_the_rehearsal_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "run", lambda _: 2)
    monkeypatch.setattr(gate, "run", lambda _: pytest.fail("the gate was asked about a run that failed"))
    assert rehearsal.run(argparse.Namespace()) == 2
