"""ModelHandle: a classifier that can be replaced while it serves.

The new model is read, verified and warmed up beside the old one, and one
assignment swaps them. A call takes the classifier once and keeps it to its end,
so no answer, and no batch, mixes two models. A model that must not be served
changes nothing but the status: the old one goes on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock, Thread, current_thread
from weakref import WeakSet

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import BundleError
from merchant_classifier.prediction import Mode, Prediction

_LOG = logging.getLogger(__name__)
_LIVE: WeakSet[ModelHandle] = WeakSet()


@dataclass(frozen=True, slots=True)
class HandleStatus:
    """What a handle serves.

    Attributes:
        version, identity: of the model in use.
        swaps: how often the model was replaced.
        failure: why the last attempt to replace it failed; None when it did not.
    """

    version: str
    identity: str
    swaps: int
    failure: str | None


class ModelHandle:
    """Serves the current model of a directory, and the next one when it comes.

    Args:
        path: a directory with a `CURRENT` file, or one model; None is the model shipped with this package.
        load: opens a model directory, for example `partial(MerchantClassifier.load, mode="precise")`.

    Raises:
        BundleError: there is no model to begin with.
    """

    def __init__(
        self, path: str | Path | None = None, load: Callable[[Path], MerchantClassifier] = MerchantClassifier.load
    ) -> None:
        self._path = Path(path) if path is not None else bundles.shipped()
        self._load = load
        self._classifier = load(self._path)
        self._swaps = 0
        self._failure: str | None = None
        self._reloading = Lock()
        self._stop = Event()
        self._interval: float | None = None
        self._watcher: Thread | None = None
        _LIVE.add(self)

    def __enter__(self) -> ModelHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def classifier(self) -> MerchantClassifier:
        """The classifier in use; take it once for calls that belong together."""
        return self._classifier

    def predict(
        self, description: str, *, mode: Mode | str | None = None, budget_ms: float | None = None
    ) -> Prediction:
        """`MerchantClassifier.predict` of the model in use."""
        return self._classifier.predict(description, mode=mode, budget_ms=budget_ms)

    def predict_many(self, descriptions: Iterable[str], *, mode: Mode | str | None = None) -> list[Prediction]:
        """`MerchantClassifier.predict_many` of the model in use: all answers come from one model."""
        return self._classifier.predict_many(descriptions, mode=mode)

    def status(self) -> HandleStatus:
        """What is served, and whether the last attempt to replace it failed."""
        classifier = self._classifier
        return HandleStatus(classifier.version, classifier.identity, self._swaps, self._failure)

    def reload(self) -> bool:
        """Replace the model if the directory holds another one now.

        Returns:
            Whether it was replaced.

        Raises:
            BundleError: the other one must not be served; the old one goes on.
        """
        with self._reloading:
            try:
                if self._offered() == self._classifier.identity:
                    self._failure = None
                    return False
                self._classifier = self._load(self._path)
            except BundleError as error:
                self._failure = str(error)
                raise
            self._swaps += 1
            self._failure = None
        _LOG.info("now serving model %s (%s)", self._classifier.version, self._classifier.identity[:12])
        return True

    def watch(self, seconds: float = 1.0) -> ModelHandle:
        """Reload by itself, looking for another model every so many seconds, until `close`; returns the handle."""
        if self._interval is None:
            self._interval = seconds
            self._start_watching(seconds)
        return self

    def close(self) -> None:
        """Stop watching and wait for a look that has begun; afterwards only `reload` changes the model."""
        self._stop.set()
        self._interval = None
        if self._watcher is not None and self._watcher is not current_thread():
            self._watcher.join()
            self._watcher = None

    def _start_watching(self, seconds: float) -> None:
        self._stop = Event()
        arguments = (self._stop, seconds)
        self._watcher = Thread(target=self._watch, args=arguments, name="merchant-classifier-watch", daemon=True)
        self._watcher.start()

    def _watch(self, stop: Event, seconds: float) -> None:
        while not stop.wait(seconds):
            before = self._failure
            try:
                self.reload()
            except BundleError as error:
                if str(error) != before:
                    _LOG.error("still serving model %s: %s", self._classifier.version, error)
            except Exception:  # whatever it is, it must not end the watch
                _LOG.exception("still serving model %s: the new one could not be opened", self._classifier.version)

    def _offered(self) -> str:
        """Identity of the model the directory holds now, before it is verified."""
        return sha256(bundles.read_bytes(bundles.locate(self._path) / bundles.MANIFEST)).hexdigest()

    def _after_fork(self) -> None:
        """Threads and held locks stay in the parent: a watching child watches for itself."""
        self._reloading = Lock()
        if self._interval is not None:
            self._start_watching(self._interval)


def _renew_after_fork() -> None:
    for handle in list(_LIVE):
        handle._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
