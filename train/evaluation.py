"""The descriptions that models are scored on: which rows, and whether written as statement lines."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merchant_classifier.text import normalize
from train import former, runs
from train.augment import disguise
from train.config import Config
from train.labels import OWN
from train.sources.curated import FREQUENT, REAL
from train.trained import Trained

GOLDEN_SET = Path("tests/golden/merchants.jsonl")
_SEEN_ROWS = 4000
_KNOWN = (FREQUENT, REAL)
"""Merchants that exist: what is asked for most. Among all trained rows are many that nobody could learn by name."""


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Descriptions with the labels that count as right.

    Attributes:
        accepted: label names of each row; none means that the right answer is to abstain.
        seen: the merchants were trained on.
    """

    name: str
    texts: list[str]
    accepted: list[list[str]]
    merchants: list[str]
    seen: bool


def evaluation_sets(config: Config, names: Sequence[str]) -> Iterator[EvaluationSet]:
    """Every set of the run: by source for unseen merchants, the later year, seen merchants, the golden set."""
    table = runs.read_table(config.build / runs.SPLIT, ["text", "label", "source", "country", "key", "part", "words"])
    rows = [row for row in table.to_pylist() if row["words"]]
    rng = random.Random(config.seed + 1)
    known_lines = {row["words"] for row in rows if row["part"] == "train"}
    before = former.trained_before(config)
    for source in sorted({row["source"] for row in rows}):
        chosen = [row for row in rows if row["part"] == "test" and row["source"] == source]
        if chosen:
            drawn = _of_rows(f"unseen {source}", chosen, rng, disguised=True, seen=False)
            yield _without(drawn, chosen, known_lines, before)
    later = [row for row in rows if row["part"] == "later"]
    if later:
        yield _without(_of_rows("unseen later", later, rng, disguised=False, seen=False), later, set(), before)
    seen = [row for row in rows if row["part"] == "train"]
    yield _of_rows("seen", rng.sample(seen, min(_SEEN_ROWS, len(seen))), rng, disguised=True, seen=True)
    for source in _KNOWN:
        known = [row for row in seen if row["source"] == source]
        if known:
            chosen = rng.sample(known, min(_SEEN_ROWS, len(known)))
            yield _of_rows(f"seen {source}", chosen, rng, disguised=True, seen=True)
    if golden := hand_written(config.data.labels):
        yield golden_set(golden, set(names))


def _of_rows(
    name: str, rows: list[dict[str, Any]], rng: random.Random, *, disguised: bool, seen: bool
) -> EvaluationSet:
    texts = [disguise(row["text"], row["country"], rng, row["label"]) if disguised else row["text"] for row in rows]
    return EvaluationSet(name, texts, [[row["label"]] for row in rows], [row["key"] for row in rows], seen)


def _without(drawn: EvaluationSet, rows: list[dict[str, Any]], known_lines: set[str], before: Trained) -> EvaluationSet:
    """The set without lines that stand in training, for a cut name can be another merchant's whole one, and without
    merchants that a former student was trained on."""
    kept = [
        place
        for place, (text, row) in enumerate(zip(drawn.texts, rows, strict=True))
        if normalize(text).text not in known_lines and not before.has(row["key"], row["words"])
    ]
    return replace(
        drawn,
        texts=[drawn.texts[k] for k in kept],
        accepted=[drawn.accepted[k] for k in kept],
        merchants=[drawn.merchants[k] for k in kept],
    )


def hand_written(labels: str) -> list[dict[str, Any]]:
    """The hand-written descriptors, row by row; none where a model learns labels of its own (`data.labels`)."""
    if labels == OWN or not GOLDEN_SET.exists():
        return []
    return [json.loads(line) for line in GOLDEN_SET.read_text("utf-8").splitlines() if line]


def golden_lines(labels: str) -> frozenset[str]:
    """Their texts as written, case folded."""
    return frozenset(row["text"].casefold() for row in hand_written(labels))


def golden_set(rows: Sequence[dict[str, Any]], names: set[str]) -> EvaluationSet:
    """Those of the hand-written descriptors that have an acceptable MCC."""
    rows = [row for row in rows if set(row["accept"]) & names]
    accepted = [[label for label in row["accept"] if label in names] for row in rows]
    return EvaluationSet("golden", [row["text"] for row in rows], accepted, [row["text"] for row in rows], False)
