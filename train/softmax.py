"""Multinomial logistic regression on sparse rows, by minibatches of Adagrad (Duchi et al. 2011). numpy and scipy.

scikit-learn's linear models fit one class after the other, which takes 320
passes over the rows here; this fits all classes in one and gives one
probability distribution. Only the weights of features that occur in a batch are
read and written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

CHARACTER_BUCKETS = WORD_BUCKETS = 1 << 16
_BATCH = 512
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Softmax:
    """Fitted weights (features, classes) and biases (classes)."""

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]

    def probabilities(self, rows: sp.csr_matrix) -> NDArray[np.float32]:
        """Distribution over classes of every row: (rows, classes)."""
        found = np.empty((rows.shape[0], len(self.biases)), np.float32)
        for start in range(0, rows.shape[0], _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            found[part] = _normalized(rows[part] @ self.weights + self.biases)
        return found


class Features:
    """Hashed, tf-idf weighted character 3-5-grams and word 1-2-grams of normalised lines."""

    def __init__(self) -> None:
        self._characters = _hashing(analyzer="char_wb", ngram_range=(3, 5), n_features=CHARACTER_BUCKETS)
        self._words = _hashing(analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2), n_features=WORD_BUCKETS)
        self._rarity = TfidfTransformer(sublinear_tf=True)

    def fit(self, lines: list[str]) -> Features:
        """Learn how rare each n-gram is."""
        self._rarity.fit(self._counts(lines))
        return self

    def of(self, lines: list[str]) -> sp.csr_matrix:
        """Rows of unit length: float32 (lines, 2 ** 17)."""
        return self._rarity.transform(self._counts(lines)).astype(np.float32)

    def _counts(self, lines: list[str]) -> sp.csr_matrix:
        return sp.hstack([self._characters.transform(lines), self._words.transform(lines)]).tocsr()


def word_weights(lines: list[str]) -> sp.csr_matrix:
    """Words of normalised lines, each weighing by its rarity; rows have unit length."""
    words = _hashing(analyzer="word", token_pattern=r"\S+", n_features=4 * WORD_BUCKETS, binary=True)
    return TfidfTransformer().fit_transform(words.transform(lines)).astype(np.float32)


def _hashing(**options: object) -> HashingVectorizer:
    return HashingVectorizer(alternate_sign=False, norm=None, dtype=np.float32, lowercase=False, **options)


def fit(
    rows: sp.csr_matrix,
    targets: NDArray[np.int64],
    classes: int,
    epochs: int = 4,
    learning_rate: float = 1.5,
    row_weights: NDArray[np.float32] | None = None,
) -> Softmax:
    """Fit; the same rows give the same weights.

    Args:
        rows: (rows, features) float32.
        targets: class of each row.
        classes: how many there are.
        epochs: passes over the rows; the learning rate falls to 0 over all of them.
        row_weights: how much each row counts; all 1 if left out.
    """
    model = Softmax(np.zeros((rows.shape[1], classes), np.float32), np.zeros(classes, np.float32))
    squares = np.full(rows.shape[1], 1e-8, np.float32)
    weights = np.ones(len(targets), np.float32) if row_weights is None else row_weights
    rng = np.random.default_rng(0)
    steps = epochs * -(-len(targets) // _BATCH)
    step = 0
    for _ in range(epochs):
        order = rng.permutation(len(targets))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            rate = learning_rate * (1 - step / steps)
            _step(model, squares, rows[chosen], targets[chosen], weights[chosen], rate)
            step += 1
    return model


def _step(
    model: Softmax,
    squares: NDArray[np.float32],
    batch: sp.csr_matrix,
    targets: NDArray[np.int64],
    weights: NDArray[np.float32],
    rate: float,
) -> None:
    """One update in place."""
    columns, places = np.unique(batch.indices, return_inverse=True)
    shape = (batch.shape[0], len(columns))
    local = sp.csr_matrix((batch.data, places.astype(np.int32), batch.indptr), shape=shape)
    error = _normalized(local @ model.weights[columns] + model.biases)
    error[np.arange(len(targets)), targets] -= 1
    error *= weights[:, None]
    gradient = local.T @ error
    squares[columns] += np.einsum("ij,ij->i", gradient, gradient)
    model.weights[columns] -= (rate / np.sqrt(squares[columns]))[:, None] * gradient
    model.biases[:] -= 0.05 * rate * error.mean(0)


def _normalized(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    logits -= logits.max(1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(1, keepdims=True)
    return logits
