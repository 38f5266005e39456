"""DuckDB: `classify(description)` in SQL.

import duckdb
from merchant_classifier import MerchantClassifier
from merchant_classifier.adapters.duckdb import register
register(duckdb.default_connection(), MerchantClassifier.load())
duckdb.sql("SELECT description, unnest(classify(description)) FROM 'statement.csv'").show()
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.scoring import Request, Scorer, answer_schema


def register(
    connection: duckdb.DuckDBPyConnection,
    classifier: MerchantClassifier,
    *,
    name: str = "classify",
    request: Request | None = None,
) -> None:
    """Create a function from VARCHAR to STRUCT(mcc, label, category, confidence, reason, model_version).

    The function sees 2,048 rows at a time, so what makes it quick is the window of answers it remembers.

    Args:
        connection: where the function will exist.
        classifier: the model.
        name: of the function.
        request: what to answer: the fields of the struct.
    """
    request = request or Request()
    scorer = Scorer(classifier, request)

    def classify(descriptions: Any) -> pa.Array:
        answers = scorer.answer(descriptions).expand()
        return pa.StructArray.from_arrays(answers.columns, names=answers.schema.names)

    fields = {
        field.name: "DOUBLE" if pa.types.is_floating(field.type) else "VARCHAR" for field in answer_schema(request)
    }
    connection.create_function(  # type: ignore[call-overload]  # DuckDB takes these words, its stubs only its enums
        name,
        classify,
        ["VARCHAR"],
        duckdb.struct_type(fields),
        type="arrow",
        null_handling="special",
    )
