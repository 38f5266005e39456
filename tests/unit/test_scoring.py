"""The core keeps every row and its order, and answers it as `predict` does, whatever the batches and the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pyarrow as pa
import pytest

from merchant_classifier import InputError, MerchantClassifier
from merchant_classifier.prediction import Mode
from merchant_classifier.scoring import FIELDS, MORE_FIELDS, Request, Scorer, answer_schema, score, top_fields

TEXTS = ["BLUE DOOR COFFEE", "GRAND HOTEL", "", "QZXV", "GRAND HOTEL", "CITY TAXI", "PAYROLL", "BLUE DOOR COFFEE"]


def batch(texts: Sequence[str | None], kind: pa.DataType | None = None) -> pa.RecordBatch:
    numbers = pa.array(range(len(texts)))
    return pa.RecordBatch.from_arrays([numbers, pa.array(texts, kind or pa.string())], names=["id", "description"])


def rows(batches: Iterator[pa.RecordBatch]) -> list[dict[str, object]]:
    return [row for part in batches for row in part.to_pylist()]


def test_answers_are_those_of_predict(tiny: MerchantClassifier) -> None:
    for row in rows(score([batch(TEXTS)], tiny, "description")):
        answer = tiny.predict(str(row["description"]))
        assert (row["mcc"], row["label"], row["category"]) == (answer.mcc, answer.label, answer.category)
        assert (row["reason"], row["model_version"]) == (answer.reason.value, answer.model_version)
        assert row["confidence"] == round(answer.confidence, 4)


def test_rows_and_columns_stay_in_their_order(tiny: MerchantClassifier) -> None:
    (scored,) = score([batch(TEXTS)], tiny, "description")
    assert scored.schema.names == ["id", "description", *FIELDS]
    assert scored.column("id").to_pylist() == list(range(len(TEXTS)))
    assert scored.column("description").to_pylist() == TEXTS


@pytest.mark.parametrize("size", [1, 2, 3, len(TEXTS)])
def test_batches_do_not_matter(tiny: MerchantClassifier, size: int) -> None:
    cuts = [*range(0, len(TEXTS), size), len(TEXTS)]
    parts = [batch(TEXTS).slice(start, stop - start) for start, stop in pairwise(cuts)]
    assert rows(score(parts, tiny, "description")) == rows(score([batch(TEXTS)], tiny, "description"))


@pytest.mark.parametrize("window", [0, 1, 2, 1000])
def test_the_window_does_not_matter(tiny: MerchantClassifier, window: int) -> None:
    parts = [batch(TEXTS[:3]), batch(TEXTS[3:]), batch(TEXTS)]
    assert rows(score(parts, tiny, "description", window=window)) == rows(score(parts, tiny, "description"))


def test_each_distinct_descriptor_is_classified_once(tiny: MerchantClassifier) -> None:
    scorer = Scorer(tiny)
    assert scorer.answer(pa.array(TEXTS)).classified == len(set(TEXTS))
    assert scorer.answer(pa.array(TEXTS)).classified == 0


def test_the_window_is_bounded(tiny: MerchantClassifier) -> None:
    scorer = Scorer(tiny, window=20)
    for start in range(0, 200, 10):
        scorer.answer(pa.array([f"COFFEE {number}" for number in range(start, start + 10)]))
    assert len(scorer._window._young) + len(scorer._window._old) <= 30


def test_frequent_descriptors_stay_in_the_window(tiny: MerchantClassifier) -> None:
    scorer = Scorer(tiny, window=20)
    for start in range(0, 200, 5):
        fresh = [f"COFFEE {number}" for number in range(start, start + 5)]
        assert scorer.answer(pa.array(["GRAND HOTEL", *fresh])).classified == 5 + (start == 0)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_any_kind_of_text_is_read(tiny: MerchantClassifier, kind: pa.DataType) -> None:
    plain = [row["mcc"] for row in rows(score([batch(TEXTS)], tiny, "description"))]
    assert [row["mcc"] for row in rows(score([batch(TEXTS, kind)], tiny, "description"))] == plain


def test_null_is_an_empty_description(tiny: MerchantClassifier) -> None:
    found = rows(score([batch([None, "", "GRAND HOTEL"])], tiny, "description"))
    assert [row["reason"] for row in found] == ["no_text", "no_text", "confident"]
    assert found[0]["description"] is None


def test_no_rows_give_no_rows(tiny: MerchantClassifier) -> None:
    assert list(score([], tiny, "description")) == []
    (scored,) = score([batch([])], tiny, "description")
    assert scored.schema.names == ["id", "description", *FIELDS]
    assert scored.num_rows == 0


def test_only_what_is_read_of_a_description_tells_it_from_others(tiny: MerchantClassifier) -> None:
    long = "GRAND HOTEL " + "x" * 300
    assert Scorer(tiny).answer(pa.array([long, long + "y", long + "é"])).classified == 1


def test_every_field_can_be_asked_for(tiny: MerchantClassifier) -> None:
    request = Request((*FIELDS, *MORE_FIELDS, *top_fields(3)))
    answers = Scorer(tiny, request).answer(pa.array(["SQ *BLUE DOOR COFFEE"])).expand()
    (row,) = answers.to_pylist()
    assert answers.schema == answer_schema(request)
    assert (row["merchant"], row["intermediary"], row["decided_by"]) == ("BLUE DOOR COFFEE", "Square", "model")
    assert row["top1_mcc"] == row["model_mcc"] == "5814"
    assert row["top1_confidence"] >= row["top2_confidence"] >= row["top3_confidence"]


def test_candidates_of_nothing_are_null(tiny: MerchantClassifier) -> None:
    (row,) = Scorer(tiny, Request(top_fields(2))).answer(pa.array([""])).expand().to_pylist()
    assert set(row.values()) == {None}


def test_a_request_can_have_a_mode_of_its_own(tiny: MerchantClassifier) -> None:
    answers = Scorer(tiny, Request(mode=Mode.BEST_GUESS)).answer(pa.array(["QZXV"])).expand()
    assert answers.column("mcc").to_pylist() != [None]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown answer fields: colour"):
        Request(("mcc", "colour"))


@pytest.mark.parametrize(
    ("column", "names", "message"),
    [
        ("nothing", ["id", "description"], "no column 'nothing' among id, description"),
        ("id", ["id", "description"], "column 'id': expected text, found int64"),
        ("x", ["x", "x"], "more than one column 'x'"),
        ("description", ["mcc", "description"], "has a column 'mcc' already"),
    ],
)
def test_a_column_that_cannot_be_scored_is_named(
    tiny: MerchantClassifier, column: str, names: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        list(score([batch(TEXTS).rename_columns(names)], tiny, column))


def test_a_suffix_makes_room(tiny: MerchantClassifier) -> None:
    (scored,) = score([batch(TEXTS).rename_columns(["mcc", "description"])], tiny, "description", suffix="_new")
    assert scored.schema.names == ["mcc", "description", *(f"{name}_new" for name in FIELDS)]
