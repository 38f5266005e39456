"""Puts the current model, and no older one, into the wheel and the source archive: a hatchling hook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_POINTER = Path("models/CURRENT")
# A model's report is for people who choose models, and what it was trained on for those who train the next one.
_LEFT_OUT = ("*.html", "trained.npy")


class CurrentModel(BuildHookInterface[Any]):
    """Adds `models/CURRENT` and the model it names, for a wheel as `merchant_classifier/models`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Extend the list of files; an editable installation finds the repository's own `models`."""
        if version == "editable":
            return
        root = Path(self.root)
        if not (root / _POINTER).is_file():
            self.app.display_warning(f"{_POINTER} does not exist: building without a model")
            return
        model = _POINTER.parent / (root / _POINTER).read_text("utf-8").strip()
        if not (root / model / "manifest.json").is_file():
            raise FileNotFoundError(f"{_POINTER} names {model.name!r}, which is not a finished model")
        target = Path("merchant_classifier") if self.target_name == "wheel" else Path()
        for path in (root / _POINTER, *sorted((root / model).iterdir())):
            if not any(map(path.match, _LEFT_OUT)):
                build_data["force_include"][str(path)] = str(target / path.relative_to(root))
