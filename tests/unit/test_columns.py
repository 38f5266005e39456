"""The description's column is found by name, then by content; new names never hide old ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from merchant_classifier import InputError
from merchant_classifier.batch.columns import choose, select, suffix_for


def nothing() -> Sequence[Sequence[str]]:
    raise AssertionError("the rows need not be looked at")


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (["Date", "Transaction Description", "Amount"], 1),
        (["id", "merchant_name", "memo"], 1),
        (["memo", "description"], 1),
        (["Buchung", "Betrag", "Verwendungszweck"], 2),
        (["Date", "Libellé"], 1),
        (["Category", "Name"], 1),
    ],
)
def test_known_names_are_found_the_surest_first(names: list[str], index: int) -> None:
    choice = choose("f.csv", names, None, nothing)
    assert (choice.index, choice.how) == (index, "by its name")


def test_otherwise_the_column_with_most_words_is_taken() -> None:
    sample = [["1", "2"], ["BLUE DOOR COFFEE", "GRAND HOTEL"], ["EUR", "EUR"]]
    choice = choose("f.csv", ["a", "b", "c"], None, lambda: sample)
    assert (choice.index, choice.how) == (1, "it holds the most text")


def test_a_column_that_always_says_the_same_is_none() -> None:
    sample = [["card payment"] * 40, [f"BLUE DOOR {i}" for i in range(40)]]
    assert choose("f.csv", ["a", "b"], None, lambda: sample).index == 1


def test_nothing_like_descriptions_is_said_with_the_columns() -> None:
    with pytest.raises(InputError, match=r"f.csv: no column looks like descriptions among 'a', 'b'; say --column"):
        choose("f.csv", ["a", "b"], None, lambda: [["1"], ["2"]])


def test_a_wish_goes_before_all() -> None:
    assert choose("f.csv", ["description", "x"], "x", nothing).index == 1
    assert choose("f.csv", ["description", "x"], "#2", nothing).index == 1
    assert choose("f.csv", ["#2", "x"], "#2", nothing).index == 0


@pytest.mark.parametrize("wanted", ["y", "#0", "#3", "#x", ""])
def test_a_wish_for_nothing_is_refused(wanted: str) -> None:
    with pytest.raises(InputError, match=r"f.csv: no column '.*'; its columns are 'description', 'x'"):
        choose("f.csv", ["description", "x"], wanted, nothing)


@pytest.mark.parametrize(
    ("names", "suffix"),
    [
        (["a"], ""),
        (["mcc"], "_predicted"),
        (["a", "label"], "_predicted"),
        (["mcc", "mcc_predicted"], "_predicted_2"),
        (["mcc_predicted"], ""),
    ],
)
def test_new_columns_get_a_suffix_when_one_is_taken(names: list[str], suffix: str) -> None:
    assert suffix_for(names, ["mcc", "label"]) == suffix


def test_columns_are_selected_in_the_order_asked_for() -> None:
    assert select("f.csv", ["mcc", "a"], ["a", "b", "mcc"]) == [2, 0]
    with pytest.raises(InputError, match="--columns: no column 'c'"):
        select("f.csv", ["c"], ["a", "b"])
