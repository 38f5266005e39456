"""A pass of the student reads every row as often as its source says."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from merchant_classifier.encoding import pair_features, word_features
from merchant_classifier.word_table import WordTable, pack

torch = pytest.importorskip("torch")

from merchant_classifier import bundle  # noqa: E402
from merchant_classifier.errors import BundleNotFound, InputError  # noqa: E402
from train import assemble, calibrate, labels, teaching, trained  # noqa: E402
from train.batches import Batcher  # noqa: E402
from train.config import Config, Student  # noqa: E402
from train.graph import serving_graph  # noqa: E402
from train.network import Student as Network  # noqa: E402
from train.network import as_shipped  # noqa: E402
from train.rows import SoftLabels, TrainingRows  # noqa: E402
from train.teaching import _Trainer  # noqa: E402
from train.trained import Trained  # noqa: E402

pytestmark = pytest.mark.train


SMALL: dict[str, Any] = {"buckets": 10, "dimensions": 8, "width": 8, "heads": 2, "hidden": 8, "representation": 4}


def trainer(folder: Path, repeat: list[int], inputs: str, labels: int = 1) -> _Trainer:
    """Of as many rows as there are repeats, for two passes."""
    count = len(repeat)
    rows = TrainingRows(
        texts=["A"] * count,
        words=[["a"]] * count,
        countries=[""] * count,
        labels=["x"] * count,
        targets=np.zeros(count, np.int64),
        weights=np.ones(count, np.float32),
        repeat=np.array(repeat),
        distill=np.ones(count, np.float32),
        keys=["a"] * count,
        soft=None,
    )
    torch.manual_seed(0)
    sizes = Student(**SMALL, epochs=2, batch=1, settle_steps=0)
    config = Config("test", student=sizes)
    return _Trainer(config, Network(sizes, labels), rows, folder / "checkpoint", torch.device("cpu"), inputs)


def test_a_pass_reads_each_row_as_often_as_it_is_repeated(tmp_path: Path) -> None:
    repeat = [1, 3, 2, 1]
    remaining = trainer(tmp_path, repeat, "rows")._remaining()
    read = Counter(int(row) for _, _, chosen in remaining for row in chosen)
    assert read == {row: 2 * times for row, times in enumerate(repeat)}


def test_a_checkpoint_of_other_rows_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = trainer(tmp_path, [1, 1], "these rows")
    one.done = 1
    one._save()
    same, other = trainer(tmp_path, [1, 1], "these rows"), trainer(tmp_path, [1, 1], "other rows")
    same._resume()
    other._resume()
    assert (same.done, other.done) == (1, 0)
    assert "of other rows, starting afresh" in capsys.readouterr().out


def test_a_polish_reads_labels_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    steps: list[int] = []
    soft_loss, step = teaching._soft_cross_entropy, _Trainer._step

    def counted_soft_loss(*given: Any) -> Any:
        asked.append(1)
        return soft_loss(*given)

    def counted_step(*given: Any) -> Any:
        steps.append(1)
        return step(*given)

    monkeypatch.setattr(teaching, "_soft_cross_entropy", counted_soft_loss)
    monkeypatch.setattr(_Trainer, "_step", counted_step)
    found = trainer(tmp_path, [1, 1, 1], "")
    sizes = dataclasses.replace(found.config.student, polish_epochs=3)
    soft = SoftLabels(np.zeros((3, 1), np.int16), np.ones((3, 1), np.float16))
    rows = dataclasses.replace(found.rows, soft=soft)
    teaching.train(dataclasses.replace(found.config, student=sizes), rows, ["x"], tmp_path)
    assert (len(asked), len(steps)) == (6, 6 + 9)
    assert not list(tmp_path.iterdir())


def test_what_is_trained_is_not_trained_again_when_the_polish_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    found = trainer(tmp_path, [1, 1, 1], "")
    config = dataclasses.replace(found.config, student=dataclasses.replace(found.config.student, polish_epochs=1))
    monkeypatch.setattr(teaching, "polish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        teaching.train(config, found.rows, ["x"], tmp_path)
    first = torch.load(tmp_path / "student.checkpoint.0.0", weights_only=False)["student"]
    trained = []
    monkeypatch.setattr(teaching, "polish", lambda *given: trained.append(given[1].state_dict()))
    monkeypatch.setattr(_Trainer, "_step", interrupted)
    teaching.train(config, found.rows, ["x"], tmp_path)
    assert all(torch.equal(trained[0][name], value) for name, value in first.items())


def test_training_ends_in_the_bits_that_are_shipped(tmp_path: Path) -> None:
    found = trainer(tmp_path, [1, 1, 1], "")
    config = dataclasses.replace(found.config, student=dataclasses.replace(found.config.student, settle_steps=2))
    table = teaching.train(config, found.rows, ["x"], tmp_path).table.weight.detach().numpy()
    np.testing.assert_array_equal(WordTable(pack(table)).rows(range(len(table))), table)


def test_settling_ends_after_its_steps_and_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[bool] = []
    step = _Trainer._step

    def noted(self: _Trainer, *given: Any) -> Any:
        steps.append(self.student.rounding)
        if len(steps) == 8:
            raise KeyboardInterrupt
        return step(self, *given)

    monkeypatch.setattr(_Trainer, "_step", noted)
    monkeypatch.setattr(teaching, "_CHECKPOINT_SECONDS", 0.0)
    found = trainer(tmp_path, [1, 1, 1], "")
    config = dataclasses.replace(found.config, student=dataclasses.replace(found.config.student, settle_steps=2))
    with pytest.raises(KeyboardInterrupt):
        teaching.train(config, found.rows, ["x"], tmp_path)
    teaching.train(config, found.rows, ["x"], tmp_path)
    assert steps == [False] * 6 + [True, True, True]  # the third step of settling is the interrupted one, again
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rounding", [False, True])
def test_the_table_learns_only_where_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounding: bool
) -> None:
    monkeypatch.setattr(teaching, "as_met", lambda *_: ["a"])
    found = trainer(tmp_path, [1], "", labels=2)
    found.student.rounding = rounding
    found.batches.batcher = Batcher(10)
    before = found.student.table.weight.detach().clone()
    found._step(*found.batches[0, 0, np.array([0])])
    changed = (found.student.table.weight.detach() != before).any(dim=1).nonzero()[:, 0].tolist()
    assert set(changed) == {*word_features("a", 10), *pair_features(["a"], 10)}


def former_model(folder: Path, config: Config, student: Network, names: list[str]) -> None:
    """A bundle with this student's weights."""
    folder.mkdir()
    np.save(folder / bundle.WORD_TABLE, pack(student.table.weight.detach().numpy()))
    (folder / bundle.NETWORK).write_bytes(serving_graph(student.network, config.student))
    found = labels.read(labels.OWN, names)
    content = assemble.labels_content(found, 1.0, calibrate.open_thresholds(found))
    assemble.write_unfinished(folder, config, content)
    Trained.of([]).write(folder / trained.FILE)


def test_training_goes_on_from_a_former_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = trainer(tmp_path, [1, 1], "")
    found.student.table.weight.data.copy_(as_shipped(found.student.table.weight))
    former_model(tmp_path / "former", found.config, found.student, ["x"])
    sizes = dataclasses.replace(found.config.student, start=str(tmp_path / "former"))
    moved_by = [0.0]

    def moved(self: _Trainer) -> bool:
        self.student.table.weight.data.add_(moved_by[0])
        self.done = self.total
        self._save()
        return True

    monkeypatch.setattr(_Trainer, "run", moved)
    config = dataclasses.replace(found.config, student=sizes)
    started = teaching.train(config, found.rows, ["x"], tmp_path).state_dict()
    for name, value in found.student.state_dict().items():
        torch.testing.assert_close(started[name], value, msg=name)
    moved_by[0] = 1.0
    shared = dataclasses.replace(config, student=dataclasses.replace(sizes, start_share=0.25))
    way = teaching.train(shared, found.rows, ["x"], tmp_path).table.weight - found.student.table.weight
    assert way.flatten().tolist() == pytest.approx([0.25] * way.numel(), abs=1e-6)
    with pytest.raises(InputError, match="expected the 1 labels of this run, found others"):
        teaching.train(config, found.rows, ["y"], tmp_path)
    other = dataclasses.replace(config, student=dataclasses.replace(sizes, buckets=20))
    with pytest.raises(InputError, match=r"expected a word table of .*, \(20, 8\), found \(10, 8\)"):
        teaching.train(other, found.rows, ["x"], tmp_path)
    heads = dataclasses.replace(config, student=dataclasses.replace(sizes, heads=4))
    with pytest.raises(InputError, match="expected 4 heads, found 2"):
        teaching.train(heads, found.rows, ["x"], tmp_path)
    gone = dataclasses.replace(config, student=dataclasses.replace(sizes, start=str(tmp_path / "gone")))
    with pytest.raises(BundleNotFound, match="no such directory"):
        teaching.train(gone, found.rows, ["x"], tmp_path)


def weights_of(checkpoint: Path) -> Any:
    return torch.load(checkpoint, weights_only=False)["student"]["table.weight"]


def test_the_mean_of_a_round_begins_the_next_and_that_of_all_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trainer(tmp_path, [1, 1, 1], "", labels=2)
    sizes = dataclasses.replace(found.config.student, branches=2, rounds=2)
    config = dataclasses.replace(found.config, student=sizes)
    given = config, found.rows, ["x", "y"], tmp_path
    teaching.train_branch(*given, 0, 0)
    with pytest.raises(InputError, match="round 2 begins when branch 1 of round 1 is finished"):
        teaching.train_branch(*given, 1, 0)
    faster = dataclasses.replace(config, student=dataclasses.replace(sizes, learning_rate=0.1))
    teaching.train_branch(faster, *given[1:], 0, 1)
    with pytest.raises(InputError, match="round 2 begins when branch 1 of round 1 is finished"):
        teaching.train_branch(*given, 1, 0)
    teaching.train_branch(*given, 0, 1)
    first = [weights_of(tmp_path / f"student.checkpoint.0.{number}") for number in (0, 1)]
    assert not torch.equal(*first), "each reads its own disguises"
    started: list[Any] = []
    run = _Trainer.run

    def noted(self: _Trainer) -> bool:
        started.append(self.student.table.weight.detach().clone())
        return run(self)

    monkeypatch.setattr(_Trainer, "run", noted)
    for number in (0, 1):
        teaching.train_branch(*given, 1, number)
        torch.testing.assert_close(started[number], (first[0] + first[1]) / 2)
    second = [weights_of(tmp_path / f"student.checkpoint.1.{number}") for number in (0, 1)]
    monkeypatch.setattr(_Trainer, "_step", lambda *_: pytest.fail("all branches were trained already"))
    together = teaching.train(*given)
    torch.testing.assert_close(together.table.weight.detach(), sum(first + second) / 4)
    assert not list(tmp_path.iterdir())
