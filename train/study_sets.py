"""Merchants of the study: seen, unseen, new and changed ones, and lines that spell them.

New and changed merchants stand for knowledge that came after training: a shop
that opened, and one whose code a risk team corrected. The network cannot know
either; what it costs to tell it is what the study is about.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from merchant_classifier.memory_file import append
from merchant_classifier.rules import Kind, NewRule
from merchant_classifier.text import normalize
from train import runs
from train.augment import disguise
from train.neighbours import SOURCES
from train.trained import NOTHING, Trained

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant of the repository's own data; `old` is the label it was trained under, where it has changed."""

    name: str
    label: str
    country: str
    key: str
    old: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Statement lines with the label that is right now, and the merchant key of each."""

    texts: list[str]
    labels: list[str]
    keys: list[str]


@dataclass(frozen=True, slots=True)
class Sets:
    """Groups of merchants; none is in two."""

    seen: list[Merchant]
    unseen: list[Merchant]
    new: list[Merchant]
    changed: list[Merchant]
    tuning: list[Merchant]


def draw(
    split_path: Path,
    size: int,
    updates: int,
    category_of: dict[str, str],
    seed: int,
    before: Trained = NOTHING,
) -> Sets:
    """Draw the groups from a run's division.

    Args:
        split_path: `split.parquet`.
        size: merchants seen, unseen and for tuning, at most.
        updates: merchants new and changed, at most.
        category_of: category of each label the model knows; a changed merchant changes its category too.
        before: merchants that the model was trained on in a former run, which are not unseen.
    """
    rng = random.Random(seed)
    parts = {runs.TRAIN: NOTHING, runs.VALIDATION: before, runs.TEST: before}
    merchants = {part: _merchants(split_path, part, category_of, left_out) for part, left_out in parts.items()}
    for group in merchants.values():
        rng.shuffle(group)
    known, unknown = merchants[runs.TRAIN], merchants[runs.TEST]
    updates = min(updates, len(unknown) // 2, len(known) // 2)
    labels = sorted(category_of)
    changed = [_with_other_label(merchant, labels, category_of, rng) for merchant in known[:updates]]
    return Sets(
        seen=known[updates : updates + size],
        unseen=unknown[updates : updates + size],
        new=unknown[:updates],
        changed=changed,
        tuning=merchants[runs.VALIDATION][:size],
    )


def _merchants(split_path: Path, part: str, category_of: dict[str, str], left_out: Trained) -> list[Merchant]:
    """One merchant a key, of sources that may be shown."""
    columns = ["text", "label", "country", "key", "source", "part", "words"]
    table = runs.read_table(split_path, columns).to_pydict()
    found: dict[str, Merchant] = {}
    for text, label, country, key, source, of_part, words in zip(*(table[name] for name in columns), strict=True):
        asked = of_part == part and words and source in SOURCES and label in category_of
        if asked and not left_out.has(key, words):
            found.setdefault(key, Merchant(text, label, country, key))
    return list(found.values())


def _with_other_label(
    merchant: Merchant, labels: Sequence[str], category_of: dict[str, str], rng: random.Random
) -> Merchant:
    others = [label for label in labels if category_of[label] != category_of[merchant.label]]
    return Merchant(merchant.name, rng.choice(others), merchant.country, merchant.key, merchant.label)


def lines(merchants: Sequence[Merchant], each: int, seed: int, *, other_spellings: bool = False) -> Lines:
    """`each` disguises of every merchant; with `other_spellings` only such as do not normalise to its name."""
    rng = random.Random(seed)
    drawn = Lines([], [], [])
    for merchant in merchants:
        for _ in range(each):
            text = _other_spelling(merchant, rng) if other_spellings else _disguised(merchant, rng)
            if text:
                drawn.texts.append(text)
                drawn.labels.append(merchant.label)
                drawn.keys.append(merchant.key)
    return drawn


def _disguised(merchant: Merchant, rng: random.Random) -> str:
    return disguise(merchant.name, merchant.country, rng, merchant.label)


def _other_spelling(merchant: Merchant, rng: random.Random) -> str:
    """A disguise that reads otherwise than the name, or "" when none comes up."""
    name = normalize(merchant.name).text
    tries = (_disguised(merchant, rng) for _ in range(_TRIES))
    return next((text for text in tries if normalize(text).text not in ("", name)), "")


def write_memory(path: Path, merchants: Sequence[Merchant]) -> Path:
    """A merchant memory file that confirms merchants; a file from an earlier study is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    reasons = ["opened after training" if not merchant.old else f"was {merchant.old}" for merchant in merchants]
    append(
        path,
        [
            NewRule(Kind.MERCHANT, merchant.name, merchant.label, author="study", reason=reason)
            for merchant, reason in zip(merchants, reasons, strict=True)
        ],
    )
    return path
