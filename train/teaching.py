"""How a student learns: from labelled rows and, where there is one, from a teacher's soft labels.

Three losses: cross-entropy with the row's label, weighted by how far its source
is trusted; the divergence from the teacher's distribution (Hinton et al. 2015,
arXiv 1503.02531); and a supervised contrastive term (Khosla et al. 2020, arXiv
2004.11362) that makes the representation worth searching neighbours with. Rows
are disguised as statement lines afresh in every epoch. Every random choice
derives from the seed, the epoch and the step, so a resumed run goes on as if it
had not been interrupted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from merchant_classifier.decision import NOT_A_MERCHANT
from merchant_classifier.errors import InputError
from train import config as configs
from train import device as place
from train import former, reopen, runs, tracker
from train.augment import RISKY, as_met
from train.batches import Batcher, shuffled_by_length
from train.config import Config
from train.config import Student as StudentSizes
from train.network import Student, as_shipped
from train.rows import SoftLabels, TrainingRows

CHECKPOINT = "student.checkpoint"
_CHECKPOINT_SECONDS = 60.0
_WARM_UP_STEPS = 200
_CONTRAST_TEMPERATURE = 0.1
_CLIP_NORM = 1.0
_BRANCH_SEEDS = 1000
"""Between the seeds of two branches."""


def train(config: Config, rows: TrainingRows, names: list[str], folder: Path, checkpoint: str = CHECKPOINT) -> Student:
    """Train a student on rows of the run in `folder`; its `checkpoint` is gone on from if it is of the same ones."""
    sizes, path, inputs = config.student, folder / checkpoint, _inputs(rows, folder)
    for turn, number in _branches(sizes):
        train_branch(config, rows, names, folder, turn, number, checkpoint=checkpoint)
    student = _start(config, names, folder)
    before = _copy(student)
    student.load_state_dict(_mean(config, path, range(sizes.rounds), inputs))
    if sizes.start:
        _move_between(student, before, sizes.start_share)
    polished, settled = (path.with_name(f"{path.name}.{part}") for part in ("polish", "settle"))
    if sizes.polish_epochs:
        polish(config, student, rows, polished, place.device(), inputs)
    if sizes.settle_steps:
        settle(config, student, rows, settled, place.device(), inputs)
    # Not before all is trained: what is interrupted goes on where it was.
    for done in (*(_branch_checkpoint(path, *branch) for branch in _branches(sizes)), polished, settled):
        done.unlink(missing_ok=True)
    return student.cpu().eval()


def train_branch(
    config: Config,
    rows: TrainingRows,
    names: list[str],
    folder: Path,
    turn: int,
    number: int,
    *,
    checkpoint: str = CHECKPOINT,
) -> bool:
    """Train one of the students whose mean is taken, in one of the rounds; it stays in a checkpoint of its own.

    Returns:
        Whether there was anything left to do.

    Raises:
        InputError: the students of the round before are not finished.
    """
    path = folder / checkpoint
    student = _start(config, names, folder)
    inputs = _inputs(rows, folder)
    if turn:
        student.load_state_dict(_mean(config, path, [turn - 1], inputs))
    course, branch = _course(config, turn, number), _branch_checkpoint(path, turn, number)
    return _Trainer(course, student, rows, branch, place.device(), inputs).run()


def _branches(sizes: StudentSizes) -> Iterator[tuple[int, int]]:
    """Round and number of every branch, in the order in which they are trained."""
    return product(range(sizes.rounds), range(sizes.branches))


def _course(config: Config, turn: int, number: int) -> Config:
    """The configuration of a branch: its learning rates and its seed."""
    sizes = config.student
    rate = sizes.start_rate if sizes.start or turn else 1.0
    return _at_rate(config, rate, sizes.epochs, config.seed + _BRANCH_SEEDS * (turn * sizes.branches + number))


def _branch_checkpoint(path: Path, turn: int, number: int) -> Path:
    return path.with_name(f"{path.name}.{turn}.{number}")


def _start(config: Config, names: list[str], folder: Path) -> Student:
    """The student before its training: as a former model is, or afresh with a pre-trained table if there is one."""
    torch.manual_seed(config.seed)
    student = Student(config.student, len(names)).to(place.device())
    if config.student.start:
        student.load_state_dict(reopen.weights(former.directory(config), config.student, names))
    elif (folder / runs.WORD_TABLE).exists():
        student.table.weight.data.copy_(torch.load(folder / runs.WORD_TABLE, weights_only=True))
    return student


def _inputs(rows: TrainingRows, folder: Path) -> str:
    """The rows that a checkpoint must be of to be gone on from."""
    files = runs.fingerprint(folder / name for name in (runs.SPLIT, runs.SOFT_LABELS))
    return f"{len(rows.texts)} rows of {files}"


def _mean(config: Config, path: Path, turns: Iterable[int], inputs: str) -> dict[str, Tensor]:
    """The mean of the weights of all students of these rounds.

    Students that start from the same weights end in one basin, where their mean is better than any of them on what none
    has read ("model soups", Wortsman et al. 2022, arXiv 2203.05482).

    Raises:
        InputError: one of them is not finished, or of another configuration or other rows.
    """
    states = []
    for turn, number in product(turns, range(config.student.branches)):
        branch = _branch_checkpoint(path, turn, number)
        content = torch.load(branch, map_location="cpu", weights_only=False) if branch.exists() else {}
        same = content.get("config") == configs.to_dict(_course(config, turn, number))
        if not (same and content["finished"] and content["inputs"].startswith(inputs)):
            raise InputError(f"round {turn + 2} begins when branch {number} of round {turn + 1} is finished")
        states.append(content["student"])
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}


def _digest(student: Student) -> str:
    """Of the student's weights."""
    digest = hashlib.sha256()
    for value in student.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _copy(student: Student) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in student.state_dict().items()}


def polish(
    config: Config, student: Student, rows: TrainingRows, checkpoint: Path, device: torch.device, inputs: str
) -> None:
    """Train on, without the teacher and at lower rates; resumes from `checkpoint`.

    The result lies between the weights before and after: what the teacher taught about unseen merchants is mostly kept,
    and trained ones are answered about as surely as without it.
    """
    sizes = config.student
    before = _copy(student)
    config = _at_rate(config, sizes.polish_rate, sizes.polish_epochs, config.seed + 1)
    _Trainer(config, student, dataclasses.replace(rows, soft=None), checkpoint, device, inputs).run()
    _move_between(student, before, sizes.polish_share)


def _move_between(student: Student, before: dict[str, Tensor], share: float) -> None:
    """Set the weights to `share` of the way from those before; such means keep what both know (Wortsman et al. 2022,
    arXiv 2109.01903)."""
    after = student.state_dict()
    student.load_state_dict({name: before[name].to(after[name].device).lerp(after[name], share) for name in after})


def settle(
    config: Config, student: Student, rows: TrainingRows, checkpoint: Path, device: torch.device, inputs: str
) -> None:
    """Train a little on, reading the table in the four bits a number that it is shipped in, and leave it so.

    What is exported is then what was trained, and rounding costs no answers. Resumes from `checkpoint`.
    """
    config = _at_rate(config, config.student.settle_rate, epochs=1, seed=config.seed + 2)
    student.rounding = True
    _Trainer(config, student, rows, checkpoint, device, inputs, most_steps=config.student.settle_steps).run()
    student.rounding = False
    with torch.no_grad():
        student.table.weight.copy_(as_shipped(student.table.weight))


def _at_rate(config: Config, rate: float, epochs: int, seed: int) -> Config:
    """For a course of training at `rate` times the learning rates; its own seed, not to repeat disguises and order."""
    sizes = dataclasses.replace(
        config.student,
        epochs=epochs,
        learning_rate=rate * config.student.learning_rate,
        table_learning_rate=rate * config.student.table_learning_rate,
    )
    return dataclasses.replace(config, student=sizes, seed=seed)


Step = tuple[int, int, NDArray[np.int64]]
"""A pass, a step in it, and the rows that it reads."""


class _Batches(Dataset[tuple[NDArray[np.int64], list[Tensor]]]):
    """The input of every step, a function of the step alone: worker processes can make it in any order."""

    def __init__(self, rows: TrainingRows, sizes: StudentSizes, seed: int) -> None:
        self.batcher = Batcher(sizes.buckets, sizes.word_dropout, sizes.pair_dropout)
        self._rows, self._missing_words, self._seed = rows, sizes.missing_words, seed

    def __getitem__(self, step: Step) -> tuple[NDArray[np.int64], list[Tensor]]:
        """The step's rows, and the five tensors of their `train.batches.Batch`."""
        epoch, number, chosen = step
        rng = random.Random(f"{self._seed}-{epoch}-{number}")
        batch = self.batcher.build([self._words(int(row), rng) for row in chosen], rng)
        return chosen, [torch.from_numpy(array) for array in batch.arrays()]

    def _words(self, row: int, rng: random.Random) -> list[str]:
        """The row's words, mostly those of a disguise, and some of them missing; at least one is left."""
        rows = self._rows
        neighbour = self._neighbour(rng) if rows.labels[row] in RISKY else ""
        words = as_met(rows.texts[row], rows.words[row], rows.countries[row], rng, rows.labels[row], neighbour)
        return [word for word in words if rng.random() >= self._missing_words] or words

    def _neighbour(self, rng: random.Random) -> str:
        """The name of a merchant that a risky one may hide behind; mostly a harmless one's, else none."""
        other = rng.randrange(len(self._rows.texts))
        return "" if self._rows.labels[other] in RISKY | {NOT_A_MERCHANT} else self._rows.texts[other]


def _as_made(step: Any) -> Any:
    """What a loader's worker hands on; a function of the module, so that any kind of process can be given it."""
    return step


class _Trainer:
    """One course of training; `most_steps` ends it before its passes do."""

    def __init__(
        self,
        config: Config,
        student: Student,
        rows: TrainingRows,
        checkpoint: Path,
        device: torch.device,
        inputs: str,
        *,
        most_steps: int = sys.maxsize,
    ) -> None:
        self.config, self.student, self.rows, self.device = config, student, rows, device
        self.checkpoint, self.inputs = checkpoint, f"{inputs} from {_digest(student)}"
        sizes = config.student
        self.read = np.repeat(np.arange(len(rows.texts)), rows.repeat)
        self.steps_per_epoch = max(1, len(self.read) // sizes.batch)
        self.total = min(self.steps_per_epoch * sizes.epochs, most_steps)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(student.network.parameters()), "lr": sizes.learning_rate, "weight_decay": 0.01},
                {"params": list(student.table.parameters()), "lr": sizes.table_learning_rate, "weight_decay": 0.0},
            ],
            betas=(0.9, 0.98),
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.batches = _Batches(rows, sizes, config.seed)
        self.table_gradient = torch.zeros_like(student.table.weight)
        self.done = 0

    def _rate(self, step: int) -> float:
        """Linear warm-up, then linear decay to 2 %."""
        return min(1.0, (step + 1) / _WARM_UP_STEPS) * max(0.02, 1 - step / self.total)

    def run(self) -> bool:
        """Train to the end; whether there was anything left to do."""
        torch.manual_seed(self.config.seed)
        self._resume()
        if self.done == self.total:
            return False
        saved = time.monotonic()
        track = tracker.start(self.checkpoint.parent)
        with tqdm(total=self.total, initial=self.done, desc="distill", unit="step") as progress:
            for chosen, batch in self._ahead():
                loss = self._step(chosen, batch)
                self.done += 1
                progress.update()
                if self.done % 20 == 0:
                    track("distill/loss", float(loss), self.done)
                    progress.set_postfix(loss=f"{float(loss):.3f}", rows_s=f"{self._speed(progress):.0f}")
                if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
        self._save()
        return True

    def _speed(self, progress: tqdm) -> float:
        rate = progress.format_dict["rate"] or 0.0
        return float(rate) * self.config.student.batch

    def _ahead(self) -> Iterator[tuple[NDArray[np.int64], list[Tensor]]]:
        """Rows and input of the steps that are not done yet."""
        return iter(
            DataLoader(
                self.batches,
                batch_size=None,
                sampler=self._remaining(),
                collate_fn=_as_made,
                generator=torch.Generator(),  # one of its own: a resumed run must not draw from the network's once more
                num_workers=place.loaders(),
                pin_memory=self.device.type == "cuda",
            )
        )

    def _remaining(self) -> Iterator[Step]:
        """The steps that are not done yet."""
        lengths = np.array([len(words) for words in self.rows.words])[self.read]
        step = 0
        for epoch in range(self.config.student.epochs):
            generator = np.random.default_rng([self.config.seed, epoch])
            batches = shuffled_by_length(lengths, self.config.student.batch, generator)
            for number, chosen in zip(range(min(self.steps_per_epoch, self.total - step)), batches, strict=False):
                step += 1
                if step > self.done:
                    yield epoch, number, self.read[chosen]

    def _step(self, chosen: NDArray[np.int64], batch: list[Tensor]) -> Tensor:
        self.student.train()
        logits, representation = self.student([part.to(self.device, non_blocking=True) for part in batch])
        loss = self._loss(logits, representation, chosen)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._gather_table_gradient()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), _CLIP_NORM)
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()

    def _gather_table_gradient(self) -> None:
        """Add the gradients of the table rows that were read up in one buffer of the table's size.

        A dense gradient, made anew at every step, would take a quarter of the step's time on a CPU.
        """
        read = self.student.table.weight.grad
        assert read is not None
        self.table_gradient.zero_().index_add_(0, read._indices()[0], read._values())
        self.student.table.weight.grad = self.table_gradient

    def _loss(self, logits: Tensor, representation: Tensor, chosen: NDArray[np.int64]) -> Tensor:
        sizes = self.config.student
        targets = torch.from_numpy(self.rows.targets[chosen]).to(self.device)
        weights = torch.from_numpy(self.rows.weights[chosen]).to(self.device)
        hard = F.cross_entropy(logits, targets, reduction="none", label_smoothing=sizes.label_smoothing)
        if self.rows.soft is not None:
            soft = _soft_cross_entropy(logits, self.rows.soft, chosen)
            share = torch.from_numpy(self.rows.distill[chosen]).to(self.device) * sizes.distill_weight
            hard = (1 - share) * hard + share * soft
        loss = (hard * weights).sum() / weights.sum()
        if sizes.contrastive_weight:
            loss = loss + sizes.contrastive_weight * contrastive_loss(representation, targets)
        return loss

    def _save(self) -> None:
        state = {
            "config": configs.to_dict(self.config),
            "inputs": self.inputs,
            "done": self.done,
            "finished": self.done == self.total,
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": (torch.get_rng_state(), torch.cuda.get_rng_state_all()),
        }
        with runs.replacing(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=False)
        if (state["config"], state.get("inputs")) != (configs.to_dict(self.config), self.inputs):
            print(f"{self.checkpoint}: of another configuration or of other rows, starting afresh")
            return
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"][0])
        torch.cuda.set_rng_state_all(state["random"][1])
        self.done = state["done"]


def _soft_cross_entropy(logits: Tensor, soft: SoftLabels, chosen: NDArray[np.int64]) -> Tensor:
    """Cross-entropy with the teacher's most probable labels; the rest of its mass is left out."""
    labels = torch.from_numpy(soft.labels[chosen].astype(np.int64)).to(logits.device)
    probabilities = torch.from_numpy(soft.probabilities[chosen].astype(np.float32)).to(logits.device)
    probabilities = probabilities / probabilities.sum(dim=1, keepdim=True)
    return -(logits.log_softmax(dim=1).gather(1, labels) * probabilities).sum(dim=1)


def contrastive_loss(representation: Tensor, targets: Tensor) -> Tensor:
    """Supervised contrastive loss of unit vectors (rows, size) with class numbers (rows,)."""
    similarity = representation @ representation.T / _CONTRAST_TEMPERATURE
    itself = torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    log_share = similarity.masked_fill(itself, -1e9).log_softmax(dim=1)
    positive = (targets[:, None] == targets[None, :]) & ~itself
    count = positive.sum(dim=1)
    per_row = -(log_share * positive).sum(dim=1) / count.clamp(min=1)
    return per_row[count > 0].mean() if bool((count > 0).any()) else similarity.sum() * 0.0
