"""The normaliser takes the wrapping off and keeps the name."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from merchant_classifier import text as text_module
from merchant_classifier.characters import REMEMBERED_CHARACTERS, _Table, fold
from merchant_classifier.text import MAX_CHARACTERS, MAX_WORD_CHARACTERS, MAX_WORDS, normalize
from tests.golden.formats import BRANDS, FORMATS, descriptors

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def _rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text("utf-8").splitlines()]


DESCRIPTORS = _rows("descriptors.jsonl")
MERCHANTS = _rows("merchants.jsonl")


def _is_right(row: dict[str, object]) -> bool:
    descriptor = normalize(str(row["text"]))
    return (descriptor.merchant, descriptor.intermediary) == (row["merchant"], row["intermediary"])


@pytest.mark.parametrize("row", [row for row in DESCRIPTORS if "gap" not in row], ids=lambda row: ascii(row["text"]))
def test_merchant_and_intermediary_are_read_out_of_real_shaped_lines(row: dict[str, str]) -> None:
    descriptor = normalize(row["text"])
    assert (descriptor.merchant, descriptor.intermediary) == (row["merchant"], row["intermediary"])


def test_known_gaps_are_few_and_still_gaps() -> None:
    gaps = [row for row in DESCRIPTORS if "gap" in row]
    assert [row["text"] for row in gaps if _is_right(row)] == []
    assert len(gaps) <= 0.04 * len(DESCRIPTORS)


def test_merchant_of_a_line_keeps_its_words() -> None:
    """`normalize(merchant)` has the words of the line, for all golden lines but at most 2 %."""
    changed = []
    for row in [*DESCRIPTORS, *MERCHANTS]:
        descriptor = normalize(str(row["text"]))
        own = tuple(word for word in descriptor.words if not word.endswith("*"))
        if normalize(descriptor.merchant).words != own:
            changed.append(descriptor)
    assert len(changed) <= 0.02 * (len(DESCRIPTORS) + len(MERCHANTS)), changed


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("A101 1234 ISTANBUL TR", "a101"),
        ("BET365 STOKE ON TRENT GB", "bet365"),
        ("B1234 ISTANBUL TR", "istanbul"),
        ("7 eleven", "7 eleven"),
        ("24 hour fitness", "24 hour fitness"),
        ("3m", "3m"),
        ("5 guys", "5 guys"),
        ("99 cents only", "99 cents only"),
        ("forever 21", "forever 21"),
        ("studio 54", "studio 54"),
        ("24/7 FITNESS", "24 7 fitness"),
        ("7-11 STORE", "7 11 store"),
        ("1-800-FLOWERS.COM", "1800 flowers"),
        ("TESCO3411", "tesco"),
        ("407ETR", "407etr"),
    ],
)
def test_numbers_of_a_name_stay_and_store_numbers_go(raw: str, words: str) -> None:
    assert normalize(raw).text == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("Йогурт Ёлка", "yogurt elka"),
        ("Sᴛᴀʀʙᴜᴄᴋs", "starbucks"),
        ("𝓢𝓽𝓪𝓻𝓫𝓾𝓬𝓴𝓼", "starbucks"),
        ("ＳＴＡＲＢＵＣＫＳ", "starbucks"),
        ("müller", "muller"),
        ("mu\u0308ller", "muller"),
        ("Straße Ørsted Łódka", "strasse orsted lodka"),
        ("ｾﾌﾞﾝ-ｲﾚﾌﾞﾝ", "セブン イレブン"),
        ("किराना दुकान", "किराना दुकान"),
        ("مطعم الشام", "مطعم الشام"),
        ("กาแฟ น้ำ", "กาแฟ น\u0e49\u0e4dา"),
        ("星巴克", "星巴克"),
        ("이마트", "이마트"),
        ("Αθήνα", "athina"),
        ("Сasіnо", "casino"),
        ("САВ taxi", "cab taxi"),
        ("Кафе SUSHI", "kafe sushi"),
    ],
)
def test_characters_fold_to_what_they_stand_for(raw: str, words: str) -> None:
    assert normalize(raw).text == words


@pytest.mark.parametrize("invisible", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u200f", "\u034f"])
def test_invisible_characters_vanish_without_splitting_a_word(invisible: str) -> None:
    assert normalize(f"cas{invisible}ino roy{invisible}al").text == "casino royal"


@pytest.mark.parametrize(
    "raw",
    ["Bank of Baroda", "Air Canada", "Boston Pizza", "Toys R Us", "Blue Door Trading Co", "Hotel Paris", "Volvo AB"],
)
def test_clean_names_that_end_like_a_place_stay_whole(raw: str) -> None:
    assert normalize(raw).merchant == raw


def test_a_city_cut_at_thirteen_characters_goes() -> None:
    assert normalize("TESCO STORES NEWCASTLE UPO GB").text == "tesco stores"


def test_a_line_that_is_only_a_place_keeps_it() -> None:
    assert normalize("LONDON GB").words == ("london",)


@pytest.mark.parametrize("raw", ["", "   ", "\x00", "&", "'", "\ud800", "\u200b" * 300, "000000000000", "09/12"])
def test_nothing_readable_gives_no_words(raw: str) -> None:
    descriptor = normalize(raw)
    assert (descriptor.words, descriptor.merchant) == ((), "")


def test_only_strings_are_read() -> None:
    with pytest.raises(TypeError, match="must be str, got bytes"):
        normalize(b"SQ *CAFE")  # type: ignore[arg-type]


def test_words_are_bounded() -> None:
    descriptor = normalize("SQ *" + " ".join("abcdefghij"[i % 10] * 40 for i in range(40)))
    assert len(descriptor.words) <= MAX_WORDS
    assert max(map(len, descriptor.words)) <= MAX_WORD_CHARACTERS


def test_only_the_first_characters_are_read() -> None:
    line = "a name " * 40
    assert normalize(line[:MAX_CHARACTERS]) == normalize(line[:MAX_CHARACTERS] + "x" * 1_000_000)


_ADVERSARIAL = [
    unit * (MAX_CHARACTERS // len(unit))
    for unit in (
        "x", "x*", "*", "1", "1-", "1/", "a.", "a. ", " ", "a  ", "card ", "pos debit ", "(", "&", "a&", "1 a ",
        "12 a b ", "www.", "a-", "pago en ", "compra en ", "1800", "\u0301", "é", "а1", "\ufdfa", "upi-", "//a", "+1 ",
        "(123", "12 ", "sq *", "x1", "1x", "jan ", "1 jan ", "store ", "id:", "#", "1:", "1.1,", "@", "http://",
    )
]  # fmt: skip


def _seconds(raw: str) -> float:
    """Best of five: a busy machine slows some runs, a slow pattern slows all."""
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        normalize(raw)
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("raw", _ADVERSARIAL, ids=lambda raw: ascii(raw[:10]))
def test_no_repetition_makes_a_pattern_backtrack(raw: str) -> None:
    assert _seconds(raw) < 5e-3


@pytest.mark.parametrize("unit", ["x", "é1*", "SQ *", "\u200b", "\x00"])
def test_a_megabyte_costs_no_more_than_a_line(unit: str) -> None:
    normalize(unit)
    assert _seconds(unit * (1_000_000 // len(unit))) < 5e-3


def test_the_table_of_characters_is_bounded() -> None:
    table = _Table(str.lower)
    for code in range(REMEMBERED_CHARACTERS + 1000):
        assert chr(code).translate(table) == chr(code).lower()
    assert len(table) == REMEMBERED_CHARACTERS


def test_folding_respects_its_limit_when_signs_unfold() -> None:
    assert len(fold("\ufdfa" * 256, 256)) <= 256


def test_places_are_lower_case_ascii_sorted_and_unique() -> None:
    lines = (Path(text_module.__file__).parent / "places.txt").read_text("ascii").splitlines()
    assert lines == sorted(set(lines))
    assert all(line == line.lower().strip() and line for line in lines)
    assert len(lines) >= 2500


# --- the golden set itself -----------------------------------------------------------------------


def test_golden_set_is_large_and_wide() -> None:
    strata = Counter(row["stratum"] for row in MERCHANTS)
    assert set(strata) == {"easy", "medium", "hard", "abstain", "spoof"}
    assert min(strata.values()) >= 50
    assert len(MERCHANTS) >= 420
    assert len({row["country"] for row in MERCHANTS} - {None}) >= 15
    assert len(DESCRIPTORS) >= 300
    assert len(BRANDS) >= 100
    assert len(set(FORMATS)) == 12


def test_golden_texts_are_unique() -> None:
    for rows in (DESCRIPTORS, MERCHANTS):
        assert [text for text, count in Counter(row["text"] for row in rows).items() if count > 1] == []


def test_only_abstain_rows_accept_nothing() -> None:
    assert {row["stratum"] for row in MERCHANTS if not row["accept"]} == {"abstain"}
    assert all(not row["accept"] for row in MERCHANTS if row["stratum"] == "abstain")


def test_accepted_codes_exist() -> None:
    path = ROOT / "data" / "labels.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        known = {row["mcc"] for row in csv.DictReader(lines)}
    accepted = {str(code) for row in MERCHANTS for code in row["accept"]}  # type: ignore[attr-defined]
    assert accepted | {code for codes in BRANDS.values() for code in codes} <= known


def _trained(table: str) -> set[str]:
    path = ROOT / "data" / table
    if not path.exists():
        pytest.skip(f"data/{table} is not in this checkout")
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["text"].casefold() for row in csv.DictReader(lines)}


@pytest.mark.parametrize("table", ["curated_merchants.csv", "merchants.csv"])
def test_golden_lines_are_not_in_the_training_tables(table: str) -> None:
    trained = _trained(table)
    assert [row["text"] for row in MERCHANTS if str(row["text"]).casefold() in trained] == []


@pytest.mark.slow
def test_lines_without_a_merchant_share_no_words_with_a_training_row() -> None:
    """Brands are known by name, so only the other strata must be new to the model word for word."""
    trained = {normalize(text).text for text in _trained("merchants.csv")}
    new = [row for row in MERCHANTS if row["stratum"] in {"abstain", "spoof"}]
    assert [row["text"] for row in new if normalize(str(row["text"])).text in trained - {""}] == []


def test_a_brand_has_the_same_words_in_every_issuer_format() -> None:
    """At most 1 % of the lines differ from the bare name."""
    differing = [
        line for brand in BRANDS for line in descriptors(brand) if normalize(line).words != normalize(brand).words
    ]
    assert len(differing) <= 0.01 * len(BRANDS) * len(FORMATS), differing
