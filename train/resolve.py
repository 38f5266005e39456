"""One label for a text that stands under several: votes, then a table of preferences, then a family's generic code.

The rule is the same wherever files of labelled texts are made (`data`, `curate`).
Nothing in it depends on the order of rows, so the same rows always give the same file.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import InputError

DATA = Path("data")
CURATED = DATA / "curated_merchants.csv"


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """What conflicts are decided by.

    Attributes:
        family: the confusable family of each label; a label without one is its own family.
        generic: the member of a family that takes the texts which might be any of them.
        preferred: pairs (a, b) where a text that might be either is labelled a.
    """

    family: Mapping[str, str]
    generic: Mapping[str, str]
    preferred: Collection[tuple[str, str]] = ()

    def decide(self, votes: Mapping[str, int]) -> str | None:
        """The label with most votes; among equals the one preferred to all, or the family's generic; else None."""
        most = max(votes.values())
        leaders = sorted(label for label, count in votes.items() if count == most)
        for label in leaders:
            if all(other == label or (label, other) in self.preferred for other in leaders):
                return label
        families = {self.family[label] for label in leaders}
        generic = self.generic.get(families.pop()) if len(families) == 1 else None
        return generic if generic in leaders else None


def read_taxonomy(folder: Path = DATA) -> Taxonomy:
    """The families of `labels.csv`, their generic codes of `families.csv`, the pairs of `preferences.csv`.

    Raises:
        InputError: a file is not there, a generic code is not a member of its family, a pair holds no known code.
    """
    labels, families, preferences = (folder / name for name in ("labels.csv", "families.csv", "preferences.csv"))
    family = {row["mcc"]: row["family"] or row["mcc"] for row in _rows(labels)}
    generic = {row["family"]: row["generic"] for row in _rows(families)}
    for name, code in generic.items():
        if family.get(code) != name:
            raise InputError(f"{families}: expected a code of family {name!r} of {labels}, found {code!r}")
    preferred = frozenset((row["preferred"], row["over"]) for row in _rows(preferences))
    for code in {code for pair in preferred for code in pair} - family.keys():
        raise InputError(f"{preferences}: expected codes of {labels}, found {code!r}")
    return Taxonomy(family, generic, preferred)


def text_key(text: str) -> str:
    """What two spellings of one text share: compatibility form, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
