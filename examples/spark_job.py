"""Scores a table with Spark: the model travels to every executor once, rows stay where they are.

    spark-submit examples/spark_job.py transactions.parquet scored.parquet --column description
    python examples/spark_job.py rows.jsonl scored --column description --master spark://127.0.0.1:7077

The format goes by the input's name (.parquet, .jsonl, .csv); the output is a
folder of part files in the same format. Executors need `merchant-classifier[batch]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from merchant_classifier.adapters.spark import score_frame

FORMATS = {".parquet": "parquet", ".jsonl": "json", ".csv": "csv"}

PARTITIONS_PER_CORE = 8
"""Small tasks: a lost worker costs little, and the last task keeps nobody waiting."""


def main() -> int:
    """Score and write; returns the exit code."""
    args = arguments()
    kind = FORMATS[Path(args.source).suffix]
    session = open_session(args.master)
    frame = session.read.option("header", "true").format(kind).load(args.source)
    wanted = PARTITIONS_PER_CORE * session.sparkContext.defaultParallelism
    scored = score_frame(spread(frame, wanted), args.column, args.model)
    scored.write.mode("error").option("header", "true").format(kind).save(args.output)
    session.stop()
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Score a table with Spark.")
    parser.add_argument("source")
    parser.add_argument("output")
    parser.add_argument("--column", required=True)
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--master", help="address of a cluster (default: as spark-submit says)")
    return parser.parse_args()


def open_session(master: str | None) -> SparkSession:
    """A session whose batches are large enough for descriptors to repeat inside them."""
    builder = SparkSession.builder.appName("merchant-classifier")
    if master:
        builder = builder.master(master)
    return builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 65_536).getOrCreate()


def spread(frame: DataFrame, partitions: int) -> DataFrame:
    """At least so many partitions; a file that is split well already is not moved."""
    return frame if frame.rdd.getNumPartitions() >= partitions else frame.repartition(partitions)


if __name__ == "__main__":
    raise SystemExit(main())
