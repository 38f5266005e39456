"""The student: a small word-level transformer over hashed n-gram vectors (torch).

The last layer computes only position 0, the one that is read, so a network of
one layer is attention over the words and one feed-forward step. There is no
padding at serving time (rows of equal length run together), so the exported
graph has no mask; training passes one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from merchant_classifier.text import MAX_WORDS
from merchant_classifier.word_table import WordTable, pack
from train.config import Student as StudentSizes


class Layer(nn.Module):
    """Pre-norm transformer layer. With `first_only`, queries come from position 0 alone."""

    def __init__(self, width: int, heads: int, hidden: int, first_only: bool) -> None:
        super().__init__()
        self.heads, self.first_only = heads, first_only
        self.attention_norm, self.hidden_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.mix = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (batch, positions, width) to the same shape, or to one position.

        The mask, (batch, 1, 1, positions), is True where text is.
        """
        normed = self.attention_norm(x)
        if self.first_only:
            x, queries = x[:, :1], normed[:, :1]
        else:
            queries = normed
        query = self._split(self.query(queries))
        key, value = (self._split(part) for part in self.key_value(normed).chunk(2, dim=-1))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.mix(attended.transpose(1, 2).flatten(2))
        hidden = F.relu(self.widen(self.hidden_norm(x)))
        return x + self.narrow(hidden)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class StudentNetwork(nn.Module):
    """Word vectors -> logits and a unit-length representation.

    Args:
        sizes: the configuration's student section.
        labels: number of classes.
    """

    def __init__(self, sizes: StudentSizes, labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        width = sizes.width
        self.project = nn.Linear(sizes.dimensions, width)
        self.position = nn.Parameter(torch.randn(1 + MAX_WORDS, width) * 0.02)
        self.input_norm, self.output_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            Layer(width, sizes.heads, sizes.hidden, first_only=number == sizes.layers - 1)
            for number in range(sizes.layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(width, labels)
        # A linear shortcut from the mean word vector, all that fastText is: it learns fast what single words mean.
        self.shortcut = nn.Linear(sizes.dimensions, labels, bias=False)
        self.represent = nn.Linear(width, sizes.representation)

    def forward(self, words: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map (batch, positions, dimensions) to (batch, labels) logits and (batch, representation) unit vectors."""
        x = self.project(words) + self.position[: words.shape[1]]
        x = self.dropout(self.input_norm(x))
        for layer in self.layers:
            x = layer(x, mask)
        pooled = self.output_norm(x[:, 0])
        logits = self.classify(pooled) + self.shortcut(_mean(words, mask))
        return logits, F.normalize(self.represent(pooled), dim=-1)


def _mean(words: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the positions where text is, (batch, dimensions)."""
    if mask is None:
        # A product with ones, not words.mean(): ONNX Runtime adds up a mean in another order when there is one row, and
        # a row's answer must not depend on its batch.
        positions = words.shape[1]
        return (torch.ones(1, positions) @ words)[:, 0] / positions
    present = mask[:, 0, 0, :, None].to(words.dtype)
    return (words * present).sum(dim=1) / present.sum(dim=1)


class Student(nn.Module):
    """The whole shipped model while it learns: the hashed table and the network above it.

    Args:
        sizes: the configuration's student section.
        labels: number of classes.
    """

    def __init__(self, sizes: StudentSizes, labels: int) -> None:
        super().__init__()
        # A step reads few of the rows: only their gradients are made (`train.teaching` adds them up in one buffer).
        self.table = nn.EmbeddingBag(sizes.buckets, sizes.dimensions, mode="sum", sparse=True)
        nn.init.normal_(self.table.weight, std=0.1)
        self.network = StudentNetwork(sizes, labels)
        self.rounding = False

    def forward(self, batch: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Map the five tensors of a `train.batches.Batch` to logits and representations.

        With `rounding`, by the table's numbers as they are shipped.
        """
        word_index, word_features, word_offsets, pair_features, pair_offsets = batch
        offsets = torch.cat([word_offsets, pair_offsets + len(word_features)])
        sums = self._sums(torch.cat([word_features, pair_features]), offsets)
        distinct, pairs = sums.split([len(word_offsets), len(pair_offsets)])
        distinct = torch.cat([distinct.new_zeros(1, distinct.shape[1]), distinct])
        vectors = torch.cat([pairs[:, None], F.embedding(word_index, distinct)], dim=1)
        present = F.pad(word_index > 0, (1, 0), value=True)
        logits, representation = self.network(vectors, present[:, None, None, :])
        return logits, representation

    def _sums(self, features: Tensor, offsets: Tensor) -> Tensor:
        if not self.rounding:
            return self.table(features, offsets)
        read, place = features.unique(return_inverse=True)
        rows = F.embedding(read, self.table.weight, sparse=True)
        # The gradient passes as if nothing were rounded: the straight-through estimator of Bengio et al. 2013
        # (arXiv 1308.3432).
        rows = rows + (as_shipped(rows) - rows).detach()
        return F.embedding_bag(place, rows, offsets, mode="sum")


def as_shipped(rows: Tensor) -> Tensor:
    """Rows of the table (n, dimensions) as `word_table` gives them back; no gradient passes."""
    packed = WordTable(pack(rows.detach().cpu().numpy()))
    return torch.from_numpy(packed.rows(range(len(rows)))).to(rows.device)
