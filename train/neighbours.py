"""The index of labelled merchants inside a bundle: which training merchants `explain` may show, and their vectors.

The names are copied into the bundle, so only rows of sources that live in this
repository may enter: the other sources of a run teach the network and stay
behind. The merchants that make up most payments always enter, for they are asked
about most. Every label gets its fair share of the other places (a small label
keeps all its merchants before a large one may fill the rest), and within a label
merchants that stand too close to one already chosen wait until the others
had their turn, so that the index spreads over what a label covers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from train import runs
from train.sources import mcc_wordings, name_suggestion_index, statement_lines
from train.sources.curated import FREQUENT, INDEPENDENT, REAL

PLACES = 24_000
"""Merchants in an index: 64 bytes each and about 40 for the name."""

SOURCES = frozenset(
    {
        FREQUENT,
        REAL,
        INDEPENDENT,
        statement_lines.SOURCE,
        name_suggestion_index.SOURCE,
        mcc_wordings.SOURCE,
    }
)
"""Sources of `data/curated_merchants.csv` and `data/merchants.csv`; words for a kind of place are not merchants."""

ALIKE = 0.95
"""Cosine from which a merchant adds little to one that is there already."""

_COLUMNS = ["text", "label", "source", "weight", "words", "key", "part"]


@dataclass(frozen=True, slots=True)
class Merchant:
    """One labelled merchant that may enter the index; `key` names its base merchant."""

    text: str
    label: str
    source: str
    weight: float
    key: str


def write_index(
    folder: Path, classifier: MerchantClassifier, split_path: Path, sources: frozenset[str] = SOURCES
) -> int:
    """Choose training merchants and write their names and vectors into a bundle that is still open.

    Args:
        folder: the bundle.
        classifier: the bundle's own network; its pooled representation is what is stored.
        split_path: `split.parquet` of the run; only rows of its training part are taken.
        sources: names of the sources whose merchants may be shown.

    Returns:
        How many were written: 0 when the run has no row of these sources.
    """
    merchants = candidates(split_path, sources)
    vectors = classifier.represent([merchant.text for merchant in merchants])
    frequent = sum(merchant.source == FREQUENT for merchant in merchants)
    chosen = choose([merchant.label for merchant in merchants], vectors, PLACES, always=frequent)
    write(folder, [merchants[place] for place in chosen], vectors[chosen])
    return len(chosen)


def candidates(split_path: Path, sources: frozenset[str] = SOURCES) -> list[Merchant]:
    """One spelling of every base merchant and label: frequent merchants', the most trusted, then by a hash."""
    table = runs.read_table(split_path, _COLUMNS).to_pydict()
    best: dict[tuple[str, str], tuple[tuple[bool, float, int, str], Merchant]] = {}
    for text, label, source, weight, words, key, part in zip(*(table[name] for name in _COLUMNS), strict=True):
        if part != runs.TRAIN or source not in sources or not words or text != " ".join(text.split()):
            continue
        order = (source != FREQUENT, -weight, crc32(words.encode("utf-8")), text)
        known = best.get((key, label))
        if known is None or order < known[0]:
            best[key, label] = order, Merchant(text, label, source, weight, key)
    return [merchant for _, merchant in sorted(best.values(), key=lambda pair: pair[0])]


def choose(labels: Sequence[str], vectors: NDArray[np.float32], places: int, always: int = 0) -> NDArray[np.int64]:
    """Positions of well-spread rows, in ascending order.

    Args:
        labels: label of each row, rows in the order of preference.
        vectors: unit vectors, shape (rows, size).
        places: rows to choose at most.
        always: so many rows from the first enter before any place is shared out.
    """
    always = min(always, places)
    members: dict[str, list[int]] = defaultdict(list)
    for place in range(always, len(labels)):
        members[labels[place]].append(place)
    share = fair_share([len(group) for group in members.values()], places - always)
    chosen = [np.arange(always)]
    for group, count in zip(members.values(), share, strict=True):
        chosen.append(np.array(group)[spread(vectors[group], count)])
    return np.sort(np.concatenate(chosen))


def fair_share(sizes: Sequence[int], places: int) -> list[int]:
    """Divide places: every group may have as many as every other, and what a small one cannot use goes to the rest."""
    share = [0] * len(sizes)
    left = places
    order = sorted(range(len(sizes)), key=lambda group: (sizes[group], group))
    for done, group in enumerate(order):
        share[group] = min(sizes[group], left // (len(order) - done))
        left -= share[group]
    return share


def spread(vectors: NDArray[np.float32], count: int) -> list[int]:
    """The first `count` rows of which none is `ALIKE` an earlier one; when they run out, the others in their order."""
    if count >= len(vectors):
        return list(range(len(vectors)))
    chosen: list[int] = []
    waiting: list[int] = []
    kept = np.empty((count, vectors.shape[1]), np.float32)
    for row, vector in enumerate(vectors):
        if len(chosen) == count:
            break
        if chosen and float((kept[: len(chosen)] @ vector).max()) >= ALIKE:
            waiting.append(row)
            continue
        kept[len(chosen)] = vector
        chosen.append(row)
    return chosen + waiting[: count - len(chosen)]


def quantized(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Unit vectors as int8: 127 stands for 1; cosines of the result are within 0.02 of the exact ones."""
    stored: NDArray[np.int8] = np.round(vectors * 127).astype(np.int8)
    return stored


def write(folder: Path, merchants: Sequence[Merchant], vectors: NDArray[np.float32]) -> None:
    """Write `neighbours.npy` (int8, shape (merchants, size)) and `neighbours.tsv` (text, label, source)."""
    with runs.replacing(folder / bundles.NEIGHBOUR_VECTORS) as temporary, temporary.open("wb") as file:
        np.save(file, quantized(vectors))
    with runs.replacing(folder / bundles.NEIGHBOUR_NAMES) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in map(_line, merchants)), "utf-8")


def _line(merchant: Merchant) -> str:
    return "\t".join(" ".join(part.split()) for part in (merchant.text, merchant.label, merchant.source))
