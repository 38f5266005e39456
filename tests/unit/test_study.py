"""The study's parts: retrieval that votes and can be changed, honest sets, the audit's measurement, the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.memory_file import read
from merchant_classifier.text import normalize
from tests.tiny_bundle import keywords
from train import study_accuracy, study_audit, study_page, study_sets
from train.retrieval import Found, Index, best_share, distribution, majority, mixed
from train.study_sets import Merchant

AXES = np.eye(4, dtype=np.float32)


def test_an_entry_of_the_same_words_is_replaced_and_others_are_appended() -> None:
    index = Index(AXES[:2], np.array([0, 1]), ["a", "b"])
    changed = index.changed(AXES[[1, 2]], np.array([7, 8]), ["b", "c"])
    assert changed.labels.tolist() == [0, 7, 8]
    assert majority(changed.find(AXES[:3], 1)).tolist() == [0, 7, 8]
    assert majority(index.find(AXES[:2], 1)).tolist() == [0, 1]


def test_the_majority_decides_and_of_several_labels_the_nearest() -> None:
    found = Found(np.array([[3, 5, 5], [3, 5, 1]]), np.ones((2, 3), np.float32))
    assert majority(found).tolist() == [5, 3]


def test_a_mixture_goes_from_the_network_to_the_neighbours() -> None:
    network = np.array([[0.9, 0.1, 0.0]])
    near = distribution(Found(np.array([[2, 2]]), np.array([[0.9, 0.8]], np.float32)), 3)
    assert near.sum() == pytest.approx(1)
    assert mixed(network, near, 0.0).tolist() == [0]
    assert mixed(network, near, 1.0).tolist() == [2]
    assert best_share(network, near, np.array([0])) == 0.0
    assert best_share(network, near, np.array([2])) > 0.4


def merchants(folder: Path, count: int) -> Path:
    parts = ["train", "validation", "test"]
    labels = ["5814", "7011", "7995"]
    names = ["text", "label", "country", "key", "source", "part", "words"]
    rows = [
        (
            f"Shop {n:03}x",
            labels[n % 3],
            "",
            f"shop{n}",
            "curated-real" if n % 7 else "toronto",
            parts[n // 3 % 3],
            "shop",
        )
        for n in range(count)
    ]
    path = folder / "split.parquet"
    pq.write_table(pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)}), path)
    return path


CATEGORIES = {"5814": "restaurants", "7011": "lodging", "7995": "gambling"}


def test_no_merchant_is_in_two_sets_and_none_is_of_a_withheld_source(tmp_path: Path) -> None:
    sets = study_sets.draw(merchants(tmp_path, 600), 40, 10, CATEGORIES, seed=1)
    groups = [sets.seen, sets.unseen, sets.new, sets.changed, sets.tuning]
    keys = [merchant.key for group in groups for merchant in group]
    assert len(keys) == len(set(keys))
    assert [len(group) for group in groups] == [40, 40, 10, 10, 40]
    assert all(int(key.removeprefix("shop")) % 7 for key in keys)


def test_changed_merchants_change_their_category(tmp_path: Path) -> None:
    sets = study_sets.draw(merchants(tmp_path, 600), 40, 10, CATEGORIES, seed=1)
    assert all(CATEGORIES[merchant.old] != CATEGORIES[merchant.label] for merchant in sets.changed)


def test_other_spellings_never_read_as_the_name() -> None:
    shop = Merchant("Blue Bottle Coffee", "5814", "US", "blue")
    lines = study_sets.lines([shop], 30, seed=1, other_spellings=True)
    assert lines.texts
    assert all(normalize(text).text not in ("", "blue bottle coffee") for text in lines.texts)


def test_the_memory_of_a_study_confirms_every_merchant(tmp_path: Path) -> None:
    told = [Merchant("Blue", "5814", "", "blue"), Merchant("Red", "7011", "", "red", old="5814")]
    path = study_sets.write_memory(tmp_path / "study" / "memory.csv", told)
    study_sets.write_memory(path, told)
    assert [(rule.text, rule.mcc, rule.reason) for rule in read(path).rules] == [
        ("Blue", "5814", "opened after training"),
        ("Red", "7011", "was 5814"),
    ]


def test_planted_miscoding_is_found_when_the_names_are_clear(tiny: MerchantClassifier) -> None:
    clear = [Merchant(f"{word} {word}", mcc, "", word) for word, mcc in keywords().items() if mcc] * 3
    found = study_audit.measure(tiny, clear, seed=1)
    assert found["planted_of_each_kind"] == int(0.02 * len(clear))
    assert found["precision_at_4_percent"]["value"] > 0.9
    assert found["precision_at_2_percent"]["value"] >= found["precision_at_4_percent"]["value"]


@pytest.mark.parametrize(("low", "verdict"), [(0.004, True), (-0.004, False)])
def test_the_network_beats_retrieval_when_it_does_so_line_by_line(low: float, verdict: bool) -> None:
    def part(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.02, "high": value + 0.02}

    systems = (study_accuracy.NETWORK, study_accuracy.LARGE, study_accuracy.NEAREST, study_accuracy.MEMORY)
    accuracy = {system: dict.fromkeys(("seen", "unseen", "new", "changed"), part(0.43)) for system in systems}
    accuracy[study_accuracy.NETWORK]["unseen"] = part(0.45)
    ahead = {"value": 0.02, "low": low, "high": 0.04}
    facts = {
        "accuracy": accuracy,
        "network_ahead": {"seen": ahead, "unseen": ahead},
        "latency": {"explain": {"p99_ms": 2.0}},
        "index": {"large": 1000},
        "updates": {"train_again": None, "append_to_memory": {"seconds": 0.1}},
    }
    found = {text: (measured, holds) for text, measured, holds in study_page._claims(facts)}
    measured, holds = found["What is stable belongs in weights: on unseen merchants the network beats retrieval"]
    assert holds == verdict
    assert measured.endswith(f"difference line by line +2.0 ({100 * low:+.1f} to +4.0)")
