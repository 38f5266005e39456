"""The network of a model, run by ONNX Runtime; the only module that imports onnxruntime, when a model is opened."""

from __future__ import annotations

import ctypes
import os
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import BundleCorrupt

if TYPE_CHECKING:
    import onnxruntime

INPUT = "words"
LOGITS = "logits"
REPRESENTATION = "representation"


def runtime() -> ModuleType:
    """The onnxruntime module, without its telemetry.

    Official builds send usage events to their maker over HTTPS by default, from a thread started at import, under an
    identifier they keep in the user's cache directory (`Privacy.md` of onnxruntime). None of it belongs in a payments
    service; that thread also kept forked workers from exiting. Set `ORT_DISABLE_TELEMETRY=0` to have it nevertheless.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return import_module("onnxruntime")


class Network:
    """An opened network. `run` releases the GIL while it computes and may be called by many threads at once.

    Args:
        bundle: a verified model.
        threads: threads of one run.

    Raises:
        BundleCorrupt: not a graph that can be run, or one with other inputs and outputs.
    """

    def __init__(self, bundle: bundles.Bundle, threads: int) -> None:
        self._path = bundle.directory / bundles.NETWORK
        self._threads = threads
        self._content = bundle.files[bundles.NETWORK]
        self._session = self._open()
        self._running: list[None] = []
        self.dimensions = self._last_size(self._session.get_inputs(), INPUT)
        self.sizes = {name: self._last_size(self._session.get_outputs(), name) for name in (LOGITS, REPRESENTATION)}

    def run(self, output: str, words: NDArray[np.float32]) -> NDArray[np.float32]:
        """One output for words of shape (rows, positions, dimensions): float32 (rows, sizes[output])."""
        result: NDArray[np.float32] = self._run([output], words)[0]
        return result

    def run_both(self, words: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits and representation of one forward pass."""
        logits, representation = self._run([LOGITS, REPRESENTATION], words)
        return logits, representation

    def _run(self, outputs: list[str], words: NDArray[np.float32]) -> Any:
        self._running.append(None)
        try:
            return self._session.run(outputs, {INPUT: words})
        finally:
            self._running.pop()

    def renew_after_fork(self) -> None:
        """For a forked child: open the network again where the parent's cannot be used.

        A pool's threads stay in the parent, and so do threads that were inside a run with its locks. Otherwise the
        session is shared with the parent, memory page by memory page.
        """
        if self._threads > 1 or self._running:
            # Closing the parent's session would wait for its threads for ever, so it is never closed here.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._session))
            self._running = []
            self._session = self._open()

    def _open(self) -> onnxruntime.InferenceSession:
        ort = runtime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # what goes wrong is raised
        # Threads that wait must not take the core from the payments service they run in.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session: onnxruntime.InferenceSession = ort.InferenceSession(
                self._content, options, providers=["CPUExecutionProvider"]
            )
            return session
        except Exception as error:  # onnxruntime raises classes of its own C++ bridge, without a common base
            raise BundleCorrupt(self._path, "an ONNX graph onnxruntime can open", str(error)) from error

    def _last_size(self, tensors: list[onnxruntime.NodeArg], name: str) -> int:
        shape = next((tensor.shape for tensor in tensors if tensor.name == name), None)
        if not shape or not isinstance(shape[-1], int):
            raise BundleCorrupt(self._path, f"a tensor {name} of fixed width", f"shape {shape}")
        return shape[-1]
