"""Collecting accounts for every row; splitting never puts one base merchant on two sides."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from merchant_classifier.errors import InputError
from train import collect, evaluation, runs, split
from train import config as configs
from train.config import Config, Data, Source
from train.keys import base_keys, letters, name_head
from train.runs import LATER, TEST, TRAIN, VALIDATION
from train.split import PARTS, Rows, divide

TOWNS = ("leeds", "york", "bath", "hull", "ely", "derby", "truro", "wells", "ripon", "exeter", "crewe")
TOWNS_AND_MORE = (*TOWNS, *(town + "ton" for town in TOWNS))


def config_of(folder: Path, *sources: str, labels: str = "own", **changes: Any) -> Config:
    found = []
    for number, content in enumerate(sources):
        path = folder / f"source{number}.csv"
        path.write_text(content, "utf-8")
        found.append(Source("labelled", str(path), **changes))
    return Config("test", data=Data(labels, tuple(found)))


# --- collect ---


def test_counts_of_a_source_add_up(tmp_path: Path) -> None:
    content = "text,label,year\nA,x,2010\n,x,2011\nB,x,2012\nC,x,2013\nD,x,2014\n"
    rows, accounts = collect.collect(config_of(tmp_path, content, since_year=2011, cap_per_label=2))
    (account,) = accounts.values()
    assert account.read == account.taken + account.dropped.total() == 5
    assert account.dropped == {"before 2011": 1, "empty text": 1, "over the cap of its label": 1}
    assert len(rows) == account.taken == 2


def test_a_cap_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    lines = [f"merchant {number},x" for number in range(50)]
    one, _ = collect.collect(config_of(tmp_path, "\n".join(["text,label", *lines]), cap_per_label=10))
    other, _ = collect.collect(config_of(tmp_path, "\n".join(["text,label", *lines[::-1]]), cap_per_label=10))
    assert {row.text for row in one} == {row.text for row in other}


def test_weights_multiply(tmp_path: Path) -> None:
    content = "text,label,weight\nA,x,0.5\nB,x,1\n"
    rows, _ = collect.collect(config_of(tmp_path, content, weight=0.5))
    assert [row.weight for row in rows] == [0.25, 0.5]


def test_rows_carry_how_often_they_are_read(tmp_path: Path) -> None:
    rows, _ = collect.collect(config_of(tmp_path, "text,label\nA,x\nB,x\n", repeat=3))
    assert [row.repeat for row in rows] == [3, 3]


def test_frequent_merchants_are_read_more_often_and_by_their_labels_alone(tmp_path: Path) -> None:
    path = tmp_path / "curated.csv"
    path.write_text("text,mcc,kind,country\nTESCO,5411,frequent,GB\nLondis,5411,real,GB\n", "utf-8")
    source = Source("curated", str(path), repeat=2, distill=0.5)
    rows, _ = collect.collect(Config("test", data=Data(sources=(source,), labels="data/labels.csv")))
    assert [(row.source, row.repeat, row.distill) for row in rows] == [
        ("curated-frequent", 10, 0.0),
        ("curated-real", 2, 0.5),
    ]


@pytest.mark.parametrize("repeat", [0, -1, 101])
def test_a_senseless_repeat_is_refused_with_file_and_place(tmp_path: Path, repeat: int) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'[[data.sources]]\nadapter = "labelled"\npath = "a.csv"\nrepeat = {repeat}\n', "utf-8")
    with pytest.raises(InputError, match=r"run\.toml.*sources\[0\].*repeat: expected 1 to 100"):
        configs.load(path)


def test_an_unknown_code_is_refused_with_file_and_line(tmp_path: Path) -> None:
    config = config_of(tmp_path, "text,label\nA,5812\nB,9998\n", labels="data/labels.csv")
    with pytest.raises(
        InputError, match=r"source0.csv:3: unknown label '9998'; expected one of the 320 in the taxonomy"
    ):
        collect.collect(config)


def test_brand_codes_fold_only_where_labels_are_codes(tmp_path: Path) -> None:
    content = "text,label\nAir Canada,3009\nAIR CAN 123,3009\n"
    folded, _ = collect.collect(config_of(tmp_path, content, labels="data/labels.csv"))
    own, _ = collect.collect(config_of(tmp_path, content))
    assert {row.label for row in folded} == {"4511"}
    assert {row.label for row in own} == {"3009"}


def test_a_label_with_a_single_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 label\(s\) have a single example, for instance 'y'"):
        collect.collect(config_of(tmp_path, "text,label\nA,x\nB,x\nC,y\n"))


def test_sources_without_a_usable_row_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable row"):
        collect.collect(config_of(tmp_path, "text,label\n,x\n"))


def test_an_optional_file_may_be_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    present = config_of(tmp_path, "text,label\nA,x\nB,x\n").data.sources[0]
    absent = Source("labelled", str(tmp_path / "absent.csv"), optional=True)
    rows, _ = collect.collect(Config("test", data=Data("own", (present, absent))))
    assert len(rows) == 2
    assert "absent.csv: not there, skipped" in capsys.readouterr().out


# --- keys ---


def keys_of(*lines: str, brands: dict[str, str] | None = None) -> dict[str, str]:
    brand_of = brands or {}
    return dict(zip(lines, base_keys(lines, [brand_of.get(line, "") for line in lines]), strict=True))


def test_rare_first_word_is_the_key() -> None:
    keys = keys_of("zabka krakow", "zabka z123 polska", "zabka")
    assert set(keys.values()) == {"zabka"}


def test_numbers_legal_forms_and_markers_do_not_make_another_merchant() -> None:
    keys = keys_of("square* zabka", "zabka ltd", "the zabka", "2 zabka", "zabka4")
    assert set(keys.values()) == {"zabka"}


def test_common_first_word_takes_the_second() -> None:
    lines = [f"royal {town}" for town in TOWNS_AND_MORE]
    keys = keys_of(*lines, "royal oak hove", "royal oak", "the royal oak inn")
    assert keys["royal oak hove"] == keys["royal oak"] == keys["the royal oak inn"] == "royal oak"
    assert keys["royal leeds"] != keys["royal york"]


def test_a_line_that_starts_with_a_brands_name_belongs_to_the_brand() -> None:
    lines = [f"starbucks {town}" for town in TOWNS_AND_MORE]
    keys = keys_of("starbucks", *lines, brands={"starbucks": "Q37158"})
    assert set(keys.values()) == {"brand:Q37158"}


def test_a_brand_named_like_a_usual_word_does_not_own_it() -> None:
    lines = [f"pizza {town}" for town in TOWNS_AND_MORE] + [f"{town} pizza" for town in TOWNS_AND_MORE]
    keys = keys_of("pizza", *lines, brands={"pizza": "Q1"})
    assert keys["pizza leeds"] != keys["pizza york"]


def test_spellings_of_one_brand_share_a_key_and_so_do_brands_that_share_a_spelling() -> None:
    lines = ("migros", "denner", "migros denner ag", "zabka")
    keys = base_keys(lines, ["Q1", "Q1", "Q2", "Q3"])
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_a_line_without_letters_has_no_key() -> None:
    assert keys_of("24 7")["24 7"] == ""


def test_a_name_of_legal_words_alone_keeps_them() -> None:
    assert name_head("co ltd") == ("co", "ltd")


def test_letters_ignore_spaces_and_numbers() -> None:
    assert letters("tim hortons 12") == letters("timhortons")


# --- split ---


def rows_of(words: list[str], labels: list[str] | None = None, years: list[int] | None = None) -> Rows:
    count = len(words)
    return Rows(words, base_keys(words, [""] * count), labels or ["x"] * count, ["s"] * count, years or [0] * count)


MERCHANTS = [f"{first}{second} {town}" for first in TOWNS for second in ("grill", "taxi", "shoes") for town in TOWNS]


def sides(rows: Rows, parts: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, part in zip(rows.keys, parts, strict=True):
        if part in PARTS:
            found[key].add(part)
    return found


def test_no_merchant_on_two_sides() -> None:
    years = [2016 + number // len(TOWNS) % 4 for number in range(len(MERCHANTS))]
    rows = rows_of(MERCHANTS, years=years)
    parts = divide(rows, Data(validation_percent=30, test_percent=30, time_split_year=2018))
    assert {len(found) for found in sides(rows, parts).values()} == {1}


def test_frequent_merchants_are_never_held_out() -> None:
    rows = rows_of(MERCHANTS)
    rows = replace(rows, sources=["curated-frequent" if n < 60 else "s" for n in range(len(MERCHANTS))])
    frequent = {key for key, source in zip(rows.keys, rows.sources, strict=True) if source == "curated-frequent"}
    parts = divide(rows, Data(validation_percent=30, test_percent=30))
    assert {part for key, part in zip(rows.keys, parts, strict=True) if key in frequent} == {TRAIN}
    assert {VALIDATION, TEST} <= set(parts)


def test_shares_are_about_those_asked_for() -> None:
    words = [f"m{number:05}x".translate(str.maketrans("0123456789", "abcdefghij")) for number in range(4000)]
    parts = divide(rows_of(words), Data(validation_percent=10, test_percent=20))
    assert 0.08 < parts.count(VALIDATION) / 4000 < 0.12
    assert 0.17 < parts.count(TEST) / 4000 < 0.23


def test_rows_of_the_split_year_with_new_names_are_the_later_part() -> None:
    words = ["zabka", "zabka", "oldshop", "newshop", "newshop", "future", *MERCHANTS]
    years = [2017, 2018, 2017, 2018, 0, 2019, *[0] * len(MERCHANTS)]
    parts = divide(rows_of(words, years=years), Data(validation_percent=20, time_split_year=2018))
    assert parts[3] == LATER
    assert [parts[place] in PARTS for place in (1, 4, 5)] == [False, False, False]


def test_a_new_branch_of_a_known_chain_is_no_later_merchant() -> None:
    words = ["zabka", "zabka nowa", "migros ag", "newshop", *MERCHANTS]
    keys = base_keys(words, ["", "", "Q1", *[""] * (1 + len(MERCHANTS))])
    years = [2017, 2018, 2018, 2018, *[0] * len(MERCHANTS)]
    rows = Rows(words, keys, ["x"] * len(words), ["s"] * len(words), years)
    parts = divide(rows, Data(validation_percent=20, test_percent=0, time_split_year=2018))
    assert [part == LATER for part in parts[:4]] == [False, False, False, True]
    assert parts[0] in (TRAIN, VALIDATION)


def test_every_label_is_learnt() -> None:
    labels = ["rare" if word.startswith("leedsgrill") else "x" for word in MERCHANTS]
    rows = rows_of(MERCHANTS, labels)
    for validation in (30, 60):
        parts = divide(rows, Data(validation_percent=validation, test_percent=20))
        assert "rare" in {label for label, part in zip(labels, parts, strict=True) if part == TRAIN}


def test_lines_that_read_the_same_count_once_a_source() -> None:
    parts = divide(rows_of(["facebk", "facebk", "facebk", *MERCHANTS]), Data(validation_percent=20))
    assert sum(part in PARTS for part in parts[:3]) == 1


def test_a_held_out_merchant_is_not_trained_on_in_another_spelling() -> None:
    words = [spelling for name in MERCHANTS for spelling in (name, name.replace(" ", ""))]
    parts = divide(rows_of(words), Data(validation_percent=30, test_percent=30))
    learnt = {letters(line) for line, part in zip(words, parts, strict=True) if part == TRAIN}
    held_out = {letters(line) for line, part in zip(words, parts, strict=True) if part in (VALIDATION, TEST)}
    assert learnt
    assert held_out
    assert not learnt & held_out


def test_few_merchants_in_many_disguises_are_refused() -> None:
    lines = [f"zabka {a} {b}" for a in TOWNS for b in TOWNS] + [f"migros {a} {b}" for a in TOWNS for b in TOWNS]
    keys = [line.split()[0] for line in lines]
    with pytest.raises(InputError, match=r"242 different lines are only 2 merchants, 121 lines each"):
        split.refuse_template_collapse(lines, keys, 20)
    split.refuse_template_collapse(MERCHANTS, base_keys(MERCHANTS, [""] * len(MERCHANTS)), 20)


def test_too_few_merchants_for_a_validation_part_are_refused() -> None:
    with pytest.raises(InputError, match="no merchant fell into the part 'validation': 1 merchants in 2 rows"):
        divide(rows_of(["zabka", "zabka polska"]), Data(validation_percent=0, test_percent=0))


def test_stages_meet_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        f"POS DEBIT {name.upper()} #{number},{'x' if number % 3 else 'y'}" for number, name in enumerate(MERCHANTS)
    ]
    Path("rows.csv").write_text("\n".join(["text,label", *lines]), "utf-8")
    Path("mine.toml").write_text(
        '[data]\nlabels = "own"\nvalidation_percent = 20\nsources = [{adapter = "labelled", path = "rows.csv"}]\n',
        "utf-8",
    )
    args = argparse.Namespace(config="mine.toml")
    assert collect.run(args) == 0
    assert split.run(args) == 0
    table = runs.read_table(Path("build/mine") / runs.SPLIT)
    account = runs.read_json(Path("build/mine") / split.ACCOUNT)
    assert set(table["part"].to_pylist()) == {TRAIN, VALIDATION, TEST}
    assert sum(account["rows"].values()) == len(MERCHANTS)
    assert "pos" not in table["words"][0].as_py().split()
    assert runs.read_json(Path("build/mine") / collect.ACCOUNT)["rows"] == len(MERCHANTS)


def test_golden_lines_are_in_no_part_whatever_source_they_stand_in() -> None:
    texts = ["Golden Line #12", "ANOTHER", "golden line #12"]
    parts = [TRAIN, VALIDATION, TEST]
    split._drop_golden(texts, parts, frozenset({"golden line #12"}))
    assert [part in PARTS for part in parts] == [False, True, False]


def test_golden_lines_are_asked_of_models_of_these_labels_only() -> None:
    assert "dollarama # 1187" in evaluation.golden_lines("generic")
    assert evaluation.golden_lines("own") == frozenset()


def test_a_word_that_many_brands_share_does_not_tie_them_together() -> None:
    lines = [f"superior {town}" for town in TOWNS_AND_MORE]
    keys = base_keys(["superior"] * 8 + lines, [f"Q{number}" for number in range(8)] + [""] * len(lines))
    assert len(set(keys[:8])) == 8


@pytest.mark.slow
def test_no_merchant_on_two_sides_of_the_full_data() -> None:
    config = configs.load("train/configs/default.toml")
    found, _ = collect.collect(config)
    words = split.normalized([row.text for row in found])
    brands, labels = [row.brand_id for row in found], [row.label for row in found]
    keys = base_keys(words, brands)
    rows = Rows(words, keys, labels, [row.source for row in found], [row.year for row in found])
    parts = divide(rows, config.data)
    assert {len(seen) for seen in sides(rows, parts).values()} == {1}
    spelt = {part: {letters(line) for line, p in zip(words, parts, strict=True) if p == part} for part in PARTS}
    assert not spelt[TRAIN] & (spelt[VALIDATION] | spelt[TEST])
    assert max(Counter(key for key in keys if key).values()) < 0.01 * len(keys)
    branded = {(brand, part) for brand, part in zip(brands, parts, strict=True) if brand and part in PARTS}
    assert len(branded) == len({brand for brand, _ in branded})
