"""Every engine gives the answers of `predict`, and keeps the rows, columns and order it was given."""

from __future__ import annotations

from collections import Counter

import duckdb
import pandas as pd
import polars as pl
import pytest

from merchant_classifier import InputError, MerchantClassifier
from merchant_classifier.adapters import duckdb as for_duckdb
from merchant_classifier.adapters import pandas as for_pandas
from merchant_classifier.adapters import polars as for_polars
from merchant_classifier.scoring import FIELDS, Request

TEXTS = ["BLUE DOOR COFFEE", "GRAND HOTEL", None, "QZXV", "GRAND HOTEL"]
MCCS = ["5814", "7011", None, None, "7011"]


def missing_as_none(values: object) -> list[object]:
    return [None if pd.isna(value) else value for value in list(values)]  # type: ignore[call-overload]


def test_pandas_keeps_its_index_and_columns(tiny: MerchantClassifier) -> None:
    frame = pd.DataFrame({"description": TEXTS, "amount": [1.5, 2, 3, 4, 5]}, index=[9, 7, 7, 1, 0])
    scored = for_pandas.score_frame(frame, "description", tiny)
    assert list(scored.columns) == ["description", "amount", *FIELDS]
    assert list(scored.index) == [9, 7, 7, 1, 0]
    assert missing_as_none(scored["mcc"]) == MCCS
    pd.testing.assert_frame_equal(scored[["description", "amount"]], frame)


def test_pandas_says_what_it_cannot_score(tiny: MerchantClassifier) -> None:
    frame = pd.DataFrame({"description": TEXTS, "n": range(5), "mcc": ""})
    for column, message in [
        ("x", "no column 'x' among"),
        ("n", "column 'n': expected text"),
        ("description", "suffix"),
    ]:
        with pytest.raises(InputError, match=message):
            for_pandas.score_frame(frame, column, tiny)
    assert missing_as_none(for_pandas.score_frame(frame, "description", tiny, suffix="_new")["mcc_new"]) == MCCS


def test_polars_keeps_its_columns(tiny: MerchantClassifier) -> None:
    frame = pl.DataFrame({"amount": [1.5, 2, 3, 4, 5], "description": TEXTS})
    scored = for_polars.score_frame(frame, "description", tiny)
    assert scored.columns == ["amount", "description", *FIELDS]
    assert scored["mcc"].to_list() == MCCS
    assert scored.select(frame.columns).equals(frame)
    categories = frame.with_columns(pl.col("description").cast(pl.Categorical))
    assert for_polars.score_frame(categories, "description", tiny)["mcc"].to_list() == MCCS


def test_polars_says_what_it_cannot_score(tiny: MerchantClassifier) -> None:
    frame = pl.DataFrame({"description": TEXTS, "n": range(5), "mcc": [""] * 5})
    for column, message in [
        ("x", "no column 'x' among"),
        ("n", "column 'n': expected text"),
        ("description", "suffix"),
    ]:
        with pytest.raises(InputError, match=message):
            for_polars.score_frame(frame, column, tiny)


def test_duckdb_classifies_in_sql(tiny: MerchantClassifier) -> None:
    connection = duckdb.connect()
    for_duckdb.register(connection, tiny)
    connection.execute("CREATE TABLE statement AS SELECT unnest(?) AS description", [TEXTS])
    rows = connection.sql("SELECT description, classify(description).mcc FROM statement").fetchall()
    assert rows == list(zip(TEXTS, MCCS, strict=True))
    names = connection.sql("SELECT unnest(classify(description)) FROM statement").columns
    assert names == list(FIELDS)


def test_duckdb_classifies_more_than_one_vector(tiny: MerchantClassifier) -> None:
    connection = duckdb.connect()
    for_duckdb.register(connection, tiny, name="kind", request=Request(("mcc", "confidence")))
    query = "SELECT kind('GRAND HOTEL ' || i % 50).mcc AS mcc, count(*) FROM range(10000) rows(i) GROUP BY mcc"
    expected = Counter(tiny.predict(f"GRAND HOTEL {number}").mcc for number in range(50))
    assert dict(connection.sql(query).fetchall()) == {mcc: 200 * count for mcc, count in expected.items()}


def test_all_engines_agree_with_predict(tiny: MerchantClassifier) -> None:
    texts = [f"{word} {number}" for word in ("CAFE", "KINO", "ZZQ", "BUS") for number in range(20)]
    expected = [tiny.predict(text).mcc for text in texts]
    assert missing_as_none(for_pandas.score_frame(pd.DataFrame({"t": texts}), "t", tiny)["mcc"]) == expected
    assert for_polars.score_frame(pl.DataFrame({"t": texts}), "t", tiny)["mcc"].to_list() == expected
