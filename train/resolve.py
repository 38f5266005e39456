"""One label for a text that stands under several: votes first, then the generic code of a family, else none.

The rule is the same wherever files of labelled texts are made (`data`, `curate`).
Nothing in it depends on the order of rows, so the same rows always give the same file.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.errors import InputError

LABELS = Path("data/labels.csv")
FAMILIES = Path("data/families.csv")


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """What conflicts are decided by.

    Attributes:
        family: the confusable family of each label; a label without one is its own family.
        generic: the member of a family that takes the texts which might be any of them.
    """

    family: Mapping[str, str]
    generic: Mapping[str, str]

    def decide(self, votes: Mapping[str, int]) -> str | None:
        """The label with most votes; among equals of one family the family's generic code; else None."""
        most = max(votes.values())
        leaders = {label for label, count in votes.items() if count == most}
        if len(leaders) == 1:
            return leaders.pop()
        families = {self.family[label] for label in leaders}
        return self.generic.get(families.pop()) if len(families) == 1 else None


def read_taxonomy(labels: Path = LABELS, families: Path = FAMILIES) -> Taxonomy:
    """The families of `data/labels.csv` and their generic codes of `data/families.csv`.

    Raises:
        InputError: a file is not there, or a generic code is not a member of its family.
    """
    family = {row["mcc"]: row["family"] or row["mcc"] for row in _rows(labels)}
    generic = {row["family"]: row["generic"] for row in _rows(families)}
    for name, code in generic.items():
        if family.get(code) != name:
            raise InputError(f"{families}: expected a code of family {name!r} of {labels}, found {code!r}")
    return Taxonomy(family, generic)


def text_key(text: str) -> str:
    """What two spellings of one text share: compatibility form, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
