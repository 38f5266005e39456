"""A model made of rules, for tests of the gate and of drift: how often it is right, how sure, how slow, all chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from zlib import crc32

from merchant_classifier.decision import Label
from merchant_classifier.prediction import Candidate, Mode, Prediction, Reason
from train.judged import Frozen, Taxonomy

CATEGORIES = ("groceries", "fuel", "travel", "health", "clothing", "pets")
LABELS = tuple(
    Label(f"{5000 + 100 * number + code}", f"{category} {code}", category, f"{category} {code // 2}")
    for number, category in enumerate(CATEGORIES)
    for code in range(5)
)
TAXONOMY = Taxonomy.of(LABELS)
CODES = tuple(str(label.mcc) for label in LABELS)

_THRESHOLD = 0.85


def share(text: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on the text alone."""
    return crc32(f"{salt}|{text}".encode()) % 100_000 / 100_000


def rows(count: int = 1800, name: str = "unseen real") -> Frozen:
    """Rows of `count // 2` merchants, two each, the labels in turn."""
    return Frozen.of(
        {
            "set": name,
            "text": f"MERCHANT {number // 2} SHOP {number}",
            "label": CODES[(number // 2) % len(CODES)],
            "merchant": f"merchant {number // 2}",
        }
        for number in range(count)
    )


class Synthetic:
    """Right on a share of the texts, with the confidence to match.

    Args:
        truth: text -> label.
        accuracy: text's true label -> share of texts it has right.
        confidence: chance of being right -> what it says.
        salt: two models of the same salt and accuracy are right on the same texts.
        delay: seconds that one prediction takes.
    """

    version = "synthetic"

    def __init__(
        self,
        truth: Mapping[str, str],
        accuracy: Callable[[str], float] = lambda _: 0.7,
        confidence: Callable[[float], float] = lambda chance: chance,
        salt: str = "",
        delay: float = 0.0,
    ) -> None:
        self._truth, self._accuracy, self._confidence = truth, accuracy, confidence
        self._salt, self._delay = salt, delay
        self.identity = salt or "synthetic"

    @classmethod
    def on(cls, frozen: Frozen, **options: object) -> Synthetic:
        """A model that knows these rows."""
        truth = {text: min(accepted) for text, accepted in zip(frozen.texts, frozen.accepted, strict=True)}
        return cls(truth, **options)  # type: ignore[arg-type]

    def predict(self, description: str) -> Prediction:
        """One answer."""
        time.sleep(self._delay)
        return self._answer(description)

    def predict_many(self, descriptions: Iterable[str], *, mode: Mode | str | None = None) -> list[Prediction]:
        """Answers in order; the same in every mode."""
        del mode
        return [self._answer(description) for description in descriptions]

    def _answer(self, text: str) -> Prediction:
        true = self._truth[text]
        accuracy = self._accuracy(true)
        # Chances spread around the accuracy, so that some rows are surer than others.
        chance = min(1.0, max(0.0, accuracy + (share(text, "sure") - 0.5) * 2 * min(accuracy, 1 - accuracy)))
        right = share(text, f"right{self._salt}") < chance
        best = true if right else CODES[(CODES.index(true) + 7) % len(CODES)]
        label, sure = LABELS[CODES.index(best)], self._confidence(chance)
        named = sure >= _THRESHOLD
        return Prediction(
            mcc=best if named else None,
            label=label.text if named else None,
            category=label.category if named else None,
            confidence=sure,
            reason=Reason.CONFIDENT if named else Reason.LOW_CONFIDENCE,
            brand_mcc=None,
            model_mcc=best,
            candidates=(Candidate(best, label.text, sure),),
            merchant=text,
            intermediary=None,
            decided_by="model",
            model_version=self.version,
        )
