"""Network brand codes (3000-3999) of the airline, car rental or hotel brand that is named. Standard library only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from merchant_classifier.errors import BundleCorrupt

_CODES_OF_LABEL = {"4511": ("3000", "3350"), "7512": ("3351", "3500"), "7011": ("3501", "3999")}
"""Generic code -> first and last brand code of that trade."""


class Brands:
    """Finds a brand's words inside a description.

    Args:
        codes: normalised brand name ("delta air lines") -> brand code, the `brands` of a model's `labels.json`.
    """

    def __init__(self, codes: Mapping[str, str]) -> None:
        by_first: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for name, code in codes.items():
            words = tuple(name.split())
            if words:
                by_first[words[0]].append((words, code))
        self._by_first = {first: sorted(brands, key=lambda brand: -len(brand[0])) for first, brands in by_first.items()}

    @classmethod
    def from_bundle(cls, path: Path, content: Mapping[str, Any]) -> Brands:
        """Read the `brands` of a parsed `labels.json`; none where it has none.

        Raises:
            BundleCorrupt: not an object of strings.
        """
        codes = content.get("brands", {})
        if not isinstance(codes, dict) or not all(isinstance(code, str) for code in codes.values()):
            raise BundleCorrupt(path, "brands: an object of brand codes by name", type(codes).__name__)
        return cls(codes)

    def code(self, mcc: str | None, words: Sequence[str]) -> str | None:
        """Code of the brand that `words` name, if `mcc` is the generic code of its trade; the longest name wins."""
        span = _CODES_OF_LABEL.get(mcc or "")
        if span is None:
            return None
        words = tuple(words)
        for start, word in enumerate(words):
            for name, code in self._by_first.get(word, ()):
                if span[0] <= code <= span[1] and words[start : start + len(name)] == name:
                    return code
        return None
