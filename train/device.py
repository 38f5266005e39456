"""Where networks are trained: on the GPU where there is one, else on the CPU."""

from __future__ import annotations

import torch

from train import runs


def device() -> torch.device:
    """The first GPU, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def loaders() -> int:
    """Worker processes that make batches ahead: all cores but one for a GPU; none on a CPU, which needs them itself."""
    return max(1, runs.available_cores() - 1) if device().type == "cuda" else 0
