"""The whole pipeline on a toy file: every stage runs, the bundle serves the file's own labels, and it resumes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.prediction import Mode
from train.stages import CHAIN

pytestmark = pytest.mark.train

ROOT = Path(__file__).parents[2]
TRADES = {
    "coffee": ("COFFEE", "ESPRESSO", "CAFE", "ROASTERS"),
    "saas": ("SOFTWARE", "CLOUD", "SAAS", "HOSTING"),
    "fuel": ("PETROL", "FUEL", "GASOLINE", "DIESEL"),
    "dentist": ("DENTAL", "DENTIST", "ORTHODONTIST", "TEETH"),
    "books": ("BOOKS", "BOOKSHOP", "LIBRARY", "READERS"),
    "flowers": ("FLORIST", "FLOWERS", "BLOOMS", "BOUQUETS"),
}
NAMES = ("NORTH", "RIVER", "OAK", "STAR", "BLUE", "GREEN", "KING", "HILL", "LAKE", "PINE", "CITY", "GRAND", "SUNNY")
CONFIGURATION = """
name = "toy"
version = "toy"
threads = 1
[data]
labels = "own"
validation_percent = 15
test_percent = 15
sources = [{{ adapter = "labelled", path = {path} }}]
[pretrain]
words = 60
epochs = 1
[teacher]
layers = 1
rows = 64
batch = 32
[student]
buckets = 4000
dimensions = 32
width = 32
heads = 2
hidden = 64
batch = 32
epochs = 25
distill_weight = 0.05
"""


def write_toy_file(path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for label, words in TRADES.items():
            writer.writerows([f"{name}{word[:2]}ERY {word}", label] for name in NAMES for word in words)


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "serve")])
    environment = {**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "train", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    write_toy_file(folder / "mine.csv")
    (folder / "toy.toml").write_text(CONFIGURATION.format(path=json.dumps("mine.csv")))
    done = train(folder, "run", "--config", "toy.toml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_the_bundle_serves_the_labels_of_the_file(trained: Path) -> None:
    classifier = MerchantClassifier.load(trained / "build/toy/bundle", mode=Mode.BEST_GUESS)
    assert set(classifier.labels) == set(TRADES)
    answers = classifier.predict_many(["SUNSET ESPRESSO", "MAPLE DENTIST", "VALLEY DIESEL 0042", "CORNER BOOKSHOP"])
    assert [answer.label for answer in answers] == ["coffee", "dentist", "fuel", "books"]
    assert all(answer.mcc is None for answer in answers)


def test_metrics_keep_seen_and_unseen_merchants_apart(trained: Path) -> None:
    sets = json.loads((trained / "build/toy/metrics.json").read_text())["sets"]
    assert {name: facts["seen"] for name, facts in sets.items()} == {"seen": True, "unseen labelled": False}
    assert sets["unseen labelled"]["top1"]["value"] > 0.5  # six classes: chance is 0.17


def test_the_exported_network_equals_the_trained_one(trained: Path) -> None:
    parity = json.loads((trained / "build/toy/parity.json").read_text())
    assert parity["network_max_difference"] <= 2e-4
    assert parity["agreement"] >= 0.995


def test_the_card_compares_with_simple_models(trained: Path) -> None:
    card = (trained / "build/toy/CARD.md").read_text()
    assert "| set | rows | this model | majority | tf-idf linear |" in card
    (row,) = (line for line in card.splitlines() if line.startswith("| unseen labelled |") and line.count("|") == 6)
    assert all(cell.strip(" *").endswith("%") for cell in row.split("|")[3:6])


def test_a_finished_run_is_not_repeated(trained: Path) -> None:
    done = train(trained, "run", "--config", "toy.toml")
    assert done.returncode == 0
    assert done.stdout.count("finished before, skipped") == len(CHAIN)


def test_an_interrupted_student_goes_on_where_it_was(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from train import config as configs
    from train import teaching
    from train.rows import read_rows

    monkeypatch.chdir(trained)
    torch.set_num_threads(1)
    config = configs.load("toy.toml")
    names = sorted(TRADES)
    rows = read_rows(config, names)
    whole = teaching.train(config, rows, names, trained / "build/toy")

    saved = teaching._Trainer._save
    monkeypatch.setattr(teaching, "_CHECKPOINT_SECONDS", 0.0)

    def save_and_stop(trainer: teaching._Trainer) -> None:
        saved(trainer)
        if trainer.done == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(teaching._Trainer, "_save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        teaching.train(config, rows, names, trained / "build/toy")
    monkeypatch.setattr(teaching._Trainer, "_save", saved)
    resumed = teaching.train(config, rows, names, trained / "build/toy")
    for name, weights in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], weights, rtol=1e-4, atol=1e-5, msg=name)


def test_an_unknown_key_in_a_configuration_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[student]\nwidht = 3\n")
    done = train(tmp_path, "collect", "--config", "bad.toml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "unknown key 'widht'" in done.stderr
