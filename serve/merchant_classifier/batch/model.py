"""Which model answers, in words that another process understands."""

from __future__ import annotations

from dataclasses import dataclass

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.prediction import Mode


@dataclass(frozen=True, slots=True)
class Model:
    """A model and how it is asked.

    Attributes:
        path: its directory; None is the one that ships with the package.
        memory: a merchant memory file, or None.
        mode: how sure an answer must be.
        threshold: confidence above which everything is named, whatever the mode; None leaves it to the mode.
        identity: what the model's must be, so that every process answers from the same; None takes any.
    """

    path: str | None = None
    memory: str | None = None
    mode: str = Mode.BALANCED.value
    threshold: float | None = None
    identity: str | None = None

    def load(self) -> MerchantClassifier:
        """Open it.

        Raises:
            BundleError: it must not be used.
            InputError: the threshold is no probability.
        """
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise InputError(f"--threshold: expected 0 to 1, found {self.threshold}")
        classifier = MerchantClassifier.load(
            self.path, mode=self.mode, memory=self.memory, expected_sha256=self.identity
        )
        return classifier if self.threshold is None else classifier.at_threshold(self.threshold)
