"""The doctor finds changed labels and says what speaks against them; baselines beat nothing but chance and say so."""

from __future__ import annotations

import argparse
import csv
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from merchant_classifier.errors import InputError
from train import baselines, doctor, evidence, runs, softmax
from train.sources.rows import Row

TRADES = {
    "5812": ("grill", "bistro", "diner", "kitchen"),
    "5912": ("pharmacy", "chemist", "drugs", "apothecary"),
    "7230": ("barber", "hair", "salon", "beauty"),
    "5661": ("shoes", "boots", "footwear", "sneakers"),
}
FIRST = [
    f"{a}{b}" for a in ("ald", "bren", "cor", "dun", "elm", "fen", "gar", "hol") for b in ("ic", "ova", "ent", "ury")
]


def rows(seed: int = 1, count: int = 600) -> list[Row]:
    rng = random.Random(seed)
    found = []
    for line in range(count):
        label = rng.choice(list(TRADES))
        found.append(Row(f"{rng.choice(FIRST)}{line} {rng.choice(TRADES[label])}", label, line=line + 2))
    return found


def written(folder: Path, found: list[Row]) -> Path:
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((row.text, row.label) for row in found)])
    return path


def options(path: Path, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{"file": path, "out": None, "top": 5.0, "measure": 0.0, **changes})


# --- doctor ---


def test_changed_labels_come_first() -> None:
    changed, flips = doctor.with_flips(rows(), 5, seed=2)
    top = doctor.examine(changed)[: flips.total()]
    assert sum(flips[id(finding.row)] for finding in top) / len(top) >= 0.6


def test_the_suggestion_is_the_label_the_words_ask_for() -> None:
    found = rows()
    found[0] = Row("aldova grill", "5661", line=2)
    first = doctor.examine(found)[0]
    assert first.row is found[0]
    assert first.suggestion == "5812"
    assert first.classifier[1] > first.classifier[0]
    assert first.neighbours[1] > first.neighbours[0]


def test_the_same_file_is_ranked_the_same_way() -> None:
    one, other = doctor.examine(rows()), doctor.examine(rows())
    assert [finding.row.line for finding in one] == [finding.row.line for finding in other]


def test_labels_of_few_merchants_are_not_judged() -> None:
    found = [*rows(), Row("zzyzx unica", "0742"), Row("zzyzx unica", "0742")]
    assert "0742" not in {finding.row.label for finding in doctor.examine(found)}


def test_the_review_file_names_lines_and_leaves_room_for_a_decision(tmp_path: Path) -> None:
    path = written(tmp_path, rows())
    assert doctor.run(options(path)) == 0
    with (tmp_path / "rows.csv.review.csv").open(encoding="utf-8", newline="") as file:
        review = list(csv.DictReader(file))
    assert len(review) == 30
    assert {row["decision"] for row in review} == {""}
    original = path.read_text("utf-8").splitlines()
    assert all(original[int(row["line"]) - 1] == f"{row['text']},{row['label']}" for row in review)
    scores = [float(row["score"]) for row in review]
    assert scores == sorted(scores, reverse=True)


def test_measuring_says_how_many_of_the_top_are_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run(options(written(tmp_path, rows()), measure=5.0)) == 0
    assert "600 rows, 30 labels changed; of the top 30 rows" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.review.csv"))


def test_a_file_of_one_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rows.csv: expected rows of at least two labels, found 1"):
        doctor.run(options(written(tmp_path, [Row("a", "x"), Row("b", "x")])))


@pytest.mark.parametrize("name", ["top", "measure"])
def test_a_share_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--{name}: expected a percentage from 0 to 50, found 90"):
        doctor.run(options(written(tmp_path, rows()), **{name: 90.0}))


# --- softmax ---


def test_softmax_learns_and_repeats() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 900)
    dense = rng.random((900, 12)).astype(np.float32) * 0.2
    dense[np.arange(900), targets] += 1
    features = sp.csr_matrix(dense)
    one = softmax.fit(features, targets, 3).probabilities(features)
    other = softmax.fit(features, targets, 3).probabilities(features)
    assert (one.argmax(1) == targets).mean() > 0.95
    assert np.allclose(one.sum(1), 1, atol=1e-5)
    assert np.array_equal(one, other)


def test_rows_without_weight_teach_nothing() -> None:
    features = sp.csr_matrix(np.eye(2, dtype=np.float32)[[0, 1, 1] * 50])
    targets = np.array([0, 1, 0] * 50)
    weights = np.array([1, 1, 0] * 50, np.float32)
    found = softmax.fit(features, targets, 2, row_weights=weights).probabilities(features[1])
    assert found.argmax() == 1


# --- baselines ---


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    labels = Path("data/labels.csv").resolve()
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(f'threads = 1\n[data]\nlabels = "{labels}"\n[baselines]\n', "utf-8")
    found = rows()
    count = len(found)
    columns = {
        "text": [row.text for row in found],
        "words": [row.text for row in found],
        "label": [row.label for row in found],
        "source": ["s"] * count,
        "country": ["GB"] * count,
        "weight": [1.0] * count,
        "repeat": [1] * count,
        "distill": [1.0] * count,
        "part": ["train" if row.line % 4 else "test" for row in found],
        "key": [row.text.split()[0] for row in found],
    }
    folder = tmp_path / "build" / "tiny"
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / runs.SPLIT)
    return folder


def compared(*models: str) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    path = Path("tiny.toml")
    path.write_text(path.read_text("utf-8") + f"models = {json.dumps(models)}\n", "utf-8")
    assert baselines.run(argparse.Namespace(config="tiny.toml")) == 0
    found = runs.read_json(Path("build/tiny") / evidence.BASELINES)
    models_found: dict[str, dict[str, dict[str, dict[str, float]]]] = found["models"]
    return models_found


def test_words_beat_the_majority_on_unseen_merchants(build: Path) -> None:
    found = compared("majority", "tf-idf linear")
    assert found["majority"]["unseen s"]["top1"]["high"] < found["tf-idf linear"]["unseen s"]["top1"]["low"]
    table = (build / baselines.TABLE).read_text("utf-8")
    assert "| set | rows | majority | tf-idf linear |" in table


@pytest.mark.slow  # its table of n-grams alone takes seconds to fill
def test_fasttext_is_trained_where_it_is_installed(build: Path) -> None:
    pytest.importorskip("fasttext")
    assert compared("fastText")["fastText"]["unseen s"]["top3"]["value"] > 0.5


def test_fasttext_is_left_out_where_it_is_not(
    build: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert compared("majority", "fastText").keys() == {"majority"}
    assert "fastText: left out" in capsys.readouterr().out


def test_baselines_are_scored_on_the_descriptions_the_model_was(build: Path) -> None:
    table = pa.table(
        {
            "set": ["golden", "golden"],
            "text": ["ALDIC GRILL", "FENURY BARBER"],
            "label": ["5812|5814", "7230"],
            "merchant": ["a", "b"],
            "right": [True, True],
        }
    )
    pq.write_table(table, build / runs.PREDICTIONS)
    found = compared("majority", "tf-idf linear")
    assert found["tf-idf linear"].keys() == {"golden"}
    assert found["tf-idf linear"]["golden"]["top1"]["value"] == 1.0
    assert found["majority"]["golden"]["model_not_better_p"] < 1.0  # type: ignore[operator]
    assert "| model |" in (build / baselines.TABLE).read_text("utf-8")
