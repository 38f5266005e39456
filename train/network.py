"""The student: a small word-level transformer over hashed n-gram vectors (torch).

The last layer computes only position 0, the one that is read, which saves
nearly half of a two-layer network. There is no padding at serving time (rows
of equal length run together), so the exported graph has no mask; training
passes one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Layer(nn.Module):
    """Pre-norm transformer layer. With `first_only`, queries come from position 0 alone."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, first_only: bool) -> None:
        super().__init__()
        self.heads, self.first_only = heads, first_only
        self.attention_norm, self.hidden_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.mix = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (batch, positions, width) to the same shape, or to one position; mask (batch, 1, 1, positions) is True where text is."""
        normed = self.attention_norm(x)
        if self.first_only:
            x, queries = x[:, :1], normed[:, :1]
        else:
            queries = normed
        query = self._split(self.query(queries))
        key, value = (self._split(part) for part in self.key_value(normed).chunk(2, dim=-1))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.dropout(self.mix(attended.transpose(1, 2).flatten(2)))
        hidden = F.relu(self.widen(self.hidden_norm(x)))
        return x + self.dropout(self.narrow(hidden))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class StudentNetwork(nn.Module):
    """Word vectors -> logits and a unit-length representation.

    Args:
        dimensions: size of a word vector.
        width, heads, hidden, layers: of the transformer.
        labels: number of classes.
        positions: the most positions a description can take (1 + words).
        representation: size of the vector that neighbours are searched with.
    """

    def __init__(
        self,
        dimensions: int,
        width: int,
        heads: int,
        hidden: int,
        layers: int,
        labels: int,
        positions: int,
        representation: int,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.project = nn.Linear(dimensions, width)
        self.position = nn.Parameter(torch.randn(positions, width) * 0.02)
        self.input_norm, self.output_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            Layer(width, heads, hidden, dropout, first_only=number == layers - 1) for number in range(layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(width, labels)
        self.represent = nn.Linear(width, representation)

    def forward(self, words: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map (batch, positions, dimensions) to (batch, labels) logits and (batch, representation) unit vectors."""
        x = self.project(words) + self.position[: words.shape[1]]
        x = self.dropout(self.input_norm(x))
        for layer in self.layers:
            x = layer(x, mask)
        pooled = self.output_norm(x[:, 0])
        return self.classify(pooled), F.normalize(self.represent(pooled), dim=-1)
