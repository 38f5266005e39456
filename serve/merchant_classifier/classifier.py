"""MerchantClassifier: one forward pass from description to answer. The only module that runs onnxruntime."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.decision import Decider, Verdict
from merchant_classifier.encoding import Encoder
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.prediction import Mode, Prediction, Reason
from merchant_classifier.text import Descriptor, normalize

ROWS_PER_RUN = 256
"""Rows given to the network at once: enough to use a core fully, small enough to stay in its cache."""


class MerchantClassifier:
    """A loaded model. Immutable after `load`, safe to share between threads.

    Use `load`, not the constructor. `predict(t)` is `predict_many([t])[0]`: an
    answer depends on its description alone, never on the batch it came in.
    """

    def __init__(self, bundle: bundles.Bundle, *, mode: Mode, threads: int) -> None:
        self.version = bundle.version
        self.identity = bundle.identity
        self.mode = mode
        self._bundle = bundle
        self._decider = Decider.from_bundle(bundle.directory / bundles.LABELS, bundle.labels)
        self._encoder = _open_encoder(bundle)
        self._session = _open_session(bundle, threads)

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        mode: Mode | str = Mode.BALANCED,
        threads: int = 1,
        expected_sha256: str | None = None,
        public_key: bytes | None = None,
    ) -> MerchantClassifier:
        """Verify, open and warm up a model.

        Args:
            path: a model directory, or a directory with a `CURRENT` file; None is the model shipped with this package.
            mode: default mode of `predict`.
            threads: threads of one forward pass; more raise throughput of large batches only and hurt the tail.
            expected_sha256: identity the model must have.
            public_key: raw Ed25519 key the manifest must be signed with.

        Raises:
            BundleError: the model is missing, damaged, incompatible or not signed.
            ValueError: unknown mode, or threads below 1.
        """
        if threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        directory = Path(path) if path is not None else shipped_models()
        if (directory / "CURRENT").is_file():
            directory = bundles.current(directory)
        bundle = bundles.read(directory, expected_sha256=expected_sha256, public_key=public_key)
        classifier = cls(bundle, mode=Mode(mode), threads=threads)
        classifier._warm_up()
        return classifier

    @property
    def decider(self) -> Decider:
        """The labels and the rule from logits to answers."""
        return self._decider

    @property
    def labels(self) -> tuple[str, ...]:
        """Texts of the labels, in the order of the network's classes."""
        return tuple(label.text for label in self._decider.labels)

    def predict(self, description: str, *, mode: Mode | str | None = None) -> Prediction:
        """Classify one description.

        Args:
            description: any string: empty, emoji, a megabyte.
            mode: overrides the classifier's.

        Raises:
            TypeError: `description` is not a `str`.
        """
        return self.predict_many([description], mode=mode)[0]

    def predict_many(self, descriptions: Iterable[str], *, mode: Mode | str | None = None) -> list[Prediction]:
        """Classify descriptions; answers come in their order.

        Raises:
            TypeError: one is not a `str`, or the whole argument is one.
        """
        if isinstance(descriptions, str):
            raise TypeError("predict_many takes several descriptions, got one str")
        mode = self.mode if mode is None else Mode(mode)
        descriptors = [normalize(description) for description in descriptions]
        logits, _ = self._forward(descriptors)
        verdicts = iter(self._decider.decide(logits, mode)) if len(logits) else iter(())
        return [
            self._prediction(descriptor, next(verdicts) if descriptor.words else _NO_TEXT) for descriptor in descriptors
        ]

    def logits(self, descriptions: Sequence[str]) -> NDArray[np.float32]:
        """Raw network outputs, float32 (descriptions, labels), zeros where there is no text. For calibration and evaluation."""
        descriptors = [normalize(description) for description in descriptions]
        readable = [i for i, descriptor in enumerate(descriptors) if descriptor.words]
        out = np.zeros((len(descriptors), len(self._decider.labels)), np.float32)
        out[readable] = self._forward(descriptors)[0]
        return out

    def represent(self, descriptions: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the same forward pass, float32 (descriptions, size), zeros where there is no text."""
        descriptors = [normalize(description) for description in descriptions]
        readable = [i for i, descriptor in enumerate(descriptors) if descriptor.words]
        vectors = self._forward(descriptors)[1]
        out = np.zeros((len(descriptors), vectors.shape[1]), np.float32)
        out[readable] = vectors
        return out

    def _forward(self, descriptors: Sequence[Descriptor]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits and representations of the descriptors that have words, in their order."""
        groups: dict[int, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        row = 0
        for descriptor in descriptors:
            if descriptor.words:
                groups[len(descriptor.words)].append((row, descriptor.words))
                row += 1
        logits = np.empty((row, len(self._decider.labels)), np.float32)
        vectors = np.empty((row, self._representation_size), np.float32)
        for group in groups.values():
            for start in range(0, len(group), ROWS_PER_RUN):
                chunk = group[start : start + ROWS_PER_RUN]
                rows = [row for row, _ in chunk]
                words = self._encoder.encode([words for _, words in chunk])
                logits[rows], vectors[rows] = self._session.run(["logits", "representation"], {"words": words})
        return logits, vectors

    @property
    def _representation_size(self) -> int:
        return int(self._session.get_outputs()[1].shape[1])

    def _prediction(self, descriptor: Descriptor, verdict: Verdict) -> Prediction:
        label = verdict.label
        return Prediction(
            mcc=label.mcc if label else None,
            label=label.text if label else None,
            category=verdict.category,
            confidence=verdict.confidence,
            reason=verdict.reason,
            brand_mcc=None,
            model_mcc=verdict.candidates[0].mcc if verdict.candidates else None,
            candidates=verdict.candidates,
            merchant=descriptor.merchant,
            intermediary=descriptor.intermediary,
            decided_by="model",
            model_version=self.version,
        )

    def _warm_up(self) -> None:
        """Run every description length once, so that no first call pays for memory planning."""
        for length in range(1, 13):
            self.predict(" ".join(["warm"] * length))


_NO_TEXT = Verdict(None, None, 0.0, Reason.NO_TEXT, ())


def shipped_models() -> Path:
    """The models directory inside the installed package, or of the repository an editable installation points to."""
    packaged = Path(__file__).with_name("models")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "models"


def _open_encoder(bundle: bundles.Bundle) -> Encoder:
    path = bundle.directory / bundles.WORD_TABLE
    try:
        table = np.load(io.BytesIO(bundle.files[bundles.WORD_TABLE]), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleCorrupt(path, "a numpy array", str(error)) from error
    if table.dtype != np.int8 or table.ndim != 2 or table.shape[1] <= 4:
        raise BundleCorrupt(path, "int8 (buckets, 4 + dimensions)", f"{table.dtype} {table.shape}")
    # The first four bytes of a row are its float32 scale, so that table and scales are one file.
    scale = np.ascontiguousarray(table[:, :4]).view(np.float32)[:, 0]
    return Encoder(table[:, 4:], scale)


def _open_session(bundle: bundles.Bundle, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    path = bundle.directory / bundles.NETWORK
    try:
        session = onnxruntime.InferenceSession(
            bundle.files[bundles.NETWORK], options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its own C++ bridge, without a common base
        raise BundleCorrupt(path, "an ONNX graph onnxruntime can open", str(error)) from error
    names = [output.name for output in session.get_outputs()]
    if names != ["logits", "representation"]:
        raise BundleCorrupt(path, "outputs logits, representation", repr(names))
    return session
