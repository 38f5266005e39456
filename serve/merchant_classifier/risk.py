"""Listed words and names that say gambling, adult content, dating or crypto, and are not drowned out by harmless ones.

`BET365 SUPERMARKET GROCERIES FOOD` has three words for a grocer and one for a
bookmaker, and a network that weighs words goes with the three. Whoever hides
behind harmless words counts on that. So where a line holds a risky word, the labels
of risky trades keep at least `FLOOR` of the probability, before calibration, and
`train/calibrate.py` chooses no threshold that a harmless code could reach then. The
words come from the training rows (`train/risk_words.py`), single ones and pairs (`paddy power`), and so
do the pairs in which they mean something else (`geant casino`, a supermarket).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.decision import Label
from merchant_classifier.errors import BundleCorrupt

FLOOR = 0.45
"""Less than half: a merchant that the network is sure of stays its best guess, only an unsure one."""


class RiskWords:
    """The risky words of a model.

    Args:
        words: risky word, or two words with a space, -> position of the label that it says.
        harmless_pairs: two words with a space, one of them risky, that together are not.
        risky: bool (labels,), which labels are risky trades'.
    """

    def __init__(self, words: Mapping[str, int], harmless_pairs: frozenset[str], risky: NDArray[np.bool_]) -> None:
        self._label_of = dict(words)
        self._harmless_pairs = harmless_pairs
        self._risky = risky

    @classmethod
    def from_bundle(cls, path: Path, content: Mapping[str, Any], labels: Sequence[Label]) -> RiskWords:
        """Read the part `risk` of a parsed `labels.json`; a model without it listens to no word.

        Raises:
            BundleCorrupt: it is of another form, or names a label that there is not.
        """
        place = {label.name: number for number, label in enumerate(labels)}
        found = content.get("risk", {"labels": [], "words": {}, "harmless_pairs": []})
        risky = np.zeros(len(labels), np.bool_)
        try:
            risky[[place[name] for name in found["labels"]]] = True
            words = {str(word): place[name] for word, name in found["words"].items()}
            return cls(words, frozenset(map(str, found["harmless_pairs"])), risky)
        except (KeyError, TypeError, AttributeError) as error:
            raise BundleCorrupt(path, "risky words and labels", f"{type(error).__name__}: {error}") from error

    def heard(self, logits: NDArray[np.float32], rows: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """The logits, (rows, labels), with the floor in rows of words that hold a risky one; changed in place."""
        for place, words in enumerate(rows):
            if (label := self._said(words)) is not None:
                logits[place] = self._with_floor(logits[place], label)
        return logits

    def _said(self, words: Sequence[str]) -> int | None:
        """The label of the first risky pair, or else of the first risky word that stands in no harmless one."""
        pairs = [" ".join(pair) for pair in pairwise(words)]
        for pair in pairs:
            if pair in self._label_of:
                return self._label_of[pair]
        for place, word in enumerate(words):
            if word in self._label_of and self._harmless_pairs.isdisjoint(pairs[max(0, place - 1) : place + 1]):
                return self._label_of[word]
        return None

    def _with_floor(self, logits: NDArray[np.float32], label: int) -> NDArray[np.float32]:
        """One row, with its label's logit raised until the risky labels together have `FLOOR` of the probability."""
        largest = logits.max()
        weights = np.exp(logits - largest, dtype=np.float64)
        total, risky = weights.sum(), weights[self._risky].sum()
        missing = (FLOOR * total - risky) / (1.0 - FLOOR)
        if missing <= 0:
            return logits
        raised = logits.copy()
        raised[label] = np.log(weights[label] + missing) + largest
        return raised
