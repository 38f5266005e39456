"""Answers of a model to the frozen rows of a run: what the gate compares. Any object that predicts can be judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.decision import NOT_A_MERCHANT, Label
from merchant_classifier.prediction import Mode, Prediction, Reason
from merchant_classifier.text import normalize
from train import runs


class Model(Protocol):
    """What the gate, stress and drift ask of a model; `MerchantClassifier` is one."""

    version: str
    identity: str

    def predict_many(self, descriptions: Iterable[str], *, mode: Mode | str | None = None) -> list[Prediction]:
        """Answers in the order of the descriptions."""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Names by which rows call labels, with the category and family of each.

    Attributes:
        own: labels are the user's own, without MCCs.
    """

    category: Mapping[str, str]
    family: Mapping[str, str]
    own: bool

    @classmethod
    def of(cls, labels: Iterable[Label]) -> Taxonomy:
        """Of a model's labels."""
        labels = list(labels)
        own = all(label.mcc is None for label in labels)
        names = [label.text if own else label.mcc or NOT_A_MERCHANT for label in labels]
        return cls(
            {name: label.category for name, label in zip(names, labels, strict=True)},
            {name: label.family or name for name, label in zip(names, labels, strict=True)},
            own,
        )

    def best(self, prediction: Prediction) -> str:
        """Name of the most probable label; "" where there is no text."""
        if not prediction.candidates:
            return ""
        best = prediction.candidates[0]
        return best.mcc or (best.label if self.own else NOT_A_MERCHANT)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Evaluation rows that every model is judged on.

    Attributes:
        sets: set of each row.
        accepted: labels that count as right.
        volume: how often the description occurs, 1 where unknown.
    """

    sets: NDArray[np.str_]
    texts: list[str]
    accepted: list[frozenset[str]]
    merchants: list[str]
    volume: NDArray[np.float64]

    @classmethod
    def read(cls, build: Path) -> Frozen:
        """The rows of unseen merchants in a run's `predictions.parquet`; what is predicted there is not looked at."""
        seen = {name for name, part in runs.read_json(build / runs.METRICS)["sets"].items() if part["seen"]}
        rows = [row for row in runs.read_table(build / runs.PREDICTIONS).to_pylist() if row["set"] not in seen]
        return cls.of(rows)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Frozen:
        """From rows with set, text, label (names joined by `runs.BETWEEN_LABELS`) and merchant."""
        rows = list(rows)
        return cls(
            np.array([row["set"] for row in rows]),
            [row["text"] for row in rows],
            [frozenset(row["label"].split(runs.BETWEEN_LABELS)) for row in rows],
            [row["merchant"] for row in rows],
            np.ones(len(rows)),
        )

    def where(self, chosen: NDArray[np.bool_]) -> Frozen:
        """The chosen rows only."""
        places = np.flatnonzero(chosen)
        return Frozen(
            self.sets[places],
            [self.texts[place] for place in places],
            [self.accepted[place] for place in places],
            [self.merchants[place] for place in places],
            self.volume[places],
        )

    def weighted(self, lines: Iterable[str]) -> Frozen:
        """The same rows with the volume of each in these lines, compared by normalised words; 1 where it never came."""
        raw = Counter(lines)
        counts: Counter[str] = Counter()
        for line, count in raw.items():
            counts[normalize(line).text] += count
        volume = [max(1.0, counts[normalize(text).text]) for text in self.texts]
        return replace(self, volume=np.array(volume))


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's answers to the frozen rows, each column a row long.

    Attributes:
        predicted: most probable label.
        confidence: its calibrated probability.
        answered: in mode `balanced` an MCC (or own label) was named.
        right, family_right: the most probable label is accepted, or of the family of an accepted one.
    """

    predicted: NDArray[np.str_]
    confidence: NDArray[np.float64]
    answered: NDArray[np.bool_]
    right: NDArray[np.bool_]
    family_right: NDArray[np.bool_]


def judge(model: Model, rows: Frozen, taxonomy: Taxonomy) -> Answers:
    """Ask a model for everything the gate looks at."""
    predictions = model.predict_many(rows.texts, mode=Mode.BALANCED)
    predicted = [taxonomy.best(prediction) for prediction in predictions]
    families = [{taxonomy.family.get(name, name) for name in accepted} for accepted in rows.accepted]
    pairs = list(zip(predicted, rows.accepted, strict=True))
    return Answers(
        np.array(predicted),
        np.array([p.candidates[0].confidence if p.candidates else 0.0 for p in predictions]),
        np.array([p.reason == Reason.CONFIDENT for p in predictions]),
        np.array([name in accepted for name, accepted in pairs]),
        np.array([taxonomy.family.get(n, n) in own for n, own in zip(predicted, families, strict=True)]),
    )


def taxonomy_of(classifier: MerchantClassifier) -> Taxonomy:
    """Of a loaded model."""
    return Taxonomy.of(classifier.decider.labels)
