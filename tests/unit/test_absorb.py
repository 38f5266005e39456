"""The retraining loop: rules become rows, overrule older rows, and are judged by the model that learnt them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.memory_file import read as read_memory
from tests.memory_files import rule, write
from train.absorb import Standing, judge
from train.collect import collect
from train.config import Config, Data, Source
from train.sources.memory import Decided, read
from train.sources.rows import Dropped, Row

PAST = date(2021, 1, 1)


def memory(folder: Path) -> Path:
    rules = [
        rule(1, "merchant", "Blue Bottle", "5814"),
        rule(2, "exact", "red bottle", "5812"),
        rule(3, "exact", "RED BOTTLE", "5813", priority=1),
        rule(4, "prefix", "green", "5411"),
        rule(5, "exact", "old shop", "5411", expires=PAST),
    ]
    return write(folder / "memory.csv", rules)


def test_rules_about_one_merchant_become_rows_and_the_rest_is_accounted_for(tmp_path: Path) -> None:
    entries = list(read(memory(tmp_path)))
    rows = [(entry.text, entry.label, entry.source) for entry in entries if isinstance(entry, Row)]
    assert rows == [("Blue Bottle", "5814", "memory-merchant"), ("RED BOTTLE", "5813", "memory-exact")]
    assert sorted(entry.reason for entry in entries if isinstance(entry, Dropped)) == [
        "expired rule",
        "rule about many merchants",
        "weaker than another rule about the same words",
    ]


def test_other_words_and_the_same_label_are_not_overruled(tmp_path: Path) -> None:
    decided = Decided([memory(tmp_path)])
    assert decided.overrules("BLUE BOTTLE #123", "5812")
    assert not decided.overrules("BLUE BOTTLE #123", "5814")
    assert not decided.overrules("Blue Bottle Coffee", "5812")
    assert not decided.overrules("", "5812")
    assert not Decided([]).overrules("Blue Bottle", "5812")


@pytest.mark.parametrize("text", ["MCDONALD'S", "SQ *BLUE BOTTLE COFFEE", "7-ELEVEN 123", "TST* JOES"])
def test_a_row_is_overruled_however_its_merchant_is_written(tmp_path: Path, text: str) -> None:
    decided = Decided([write(tmp_path / "memory.csv", [rule(1, "exact", text, "5814")])])
    assert decided.overrules(text, "5411")


def test_collecting_with_a_memory_drops_what_it_overrules(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("mcc\n5411\n5812\n5813\n5814\n")
    old = tmp_path / "old.csv"
    old.write_text("text,label\nBlue Bottle,5812\nBlue Cup,5812\nRed Bottle,5813\n")
    sources = (Source("labelled", str(old)), Source("memory", str(memory(tmp_path))))
    rows, accounts = collect(Config("test", data=Data(labels=str(labels), sources=sources)))
    assert [(row.text, row.label) for row in rows] == [
        ("Blue Cup", "5812"),
        ("Red Bottle", "5813"),
        ("Blue Bottle", "5814"),
        ("RED BOTTLE", "5813"),
    ]
    account = accounts[str(old)]
    assert account.dropped == {"overruled by the merchant memory": 1}
    assert account.read == account.taken + account.dropped.total()


def test_a_model_makes_rules_redundant_or_contradicts_them(tiny: MerchantClassifier, tmp_path: Path) -> None:
    rules = [
        rule(1, "exact", "hotel", "7011"),
        rule(2, "exact", "dentist", "5814"),
        rule(3, "merchant", "qwertz uiop", "5814"),
        rule(4, "pattern", "*hotel*", "7011"),
        rule(5, "exact", "hotel", "7011", expires=PAST),
    ]
    judged = list(judge(tiny, read_memory(write(tmp_path / "memory.csv", rules)), seed=0))
    assert [one.standing for one in judged[1:]] == [
        Standing.CONTRADICTED,
        Standing.NEEDED,
        Standing.GENERAL,
        Standing.EXPIRED,
    ]
    assert judged[0].standing in (Standing.REDUNDANT, Standing.NEEDED)
    assert judged[1].model_mcc == "8021"


def test_redundant_means_named_on_every_spelling(
    tiny: MerchantClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "memory.csv", [rule(1, "exact", "hotel", "7011")])
    monkeypatch.setattr("train.absorb.disguise", lambda *given: f"{given[0]} 123")
    (same,) = judge(tiny, read_memory(path), seed=0)
    monkeypatch.setattr("train.absorb.disguise", lambda *_: "qwertz")
    (other,) = judge(tiny, read_memory(path), seed=0)
    assert (same.standing, other.standing) == (Standing.REDUNDANT, Standing.NEEDED)
