"""What every source adapter yields: labelled rows, and rows left out with the reason, so that counts add up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled merchant text.

    Attributes:
        text: name or descriptor as written in the source.
        label: MCC, `not_a_merchant`, or the user's own label.
        country: ISO 3166 alpha-2, or "".
        brand_id: identifies the merchant across spellings (Wikidata id), or "".
        weight: how far the label is trusted, in (0, 1].
        year: when it was seen, or 0.
        source: refines the adapter's name in reports, or "".
        line: where the row stands in its file, counted from 1; the header is line 1 of a CSV.
        repeat: how often a pass of the student reads it.
        distill: factor of how far the student follows its teacher on it.
    """

    text: str
    label: str
    country: str = ""
    brand_id: str = ""
    weight: float = 1.0
    year: int = 0
    source: str = ""
    line: int = 0
    repeat: int = 1
    distill: float = 1.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that cannot teach anything, and why: counted in `collect.json`."""

    reason: str
    line: int = 0


Entry = Row | Dropped


def folded(mcc: str) -> str:
    """The generic code of a brand's own: airlines 3000-3350, car rental 3351-3500, hotels 3501-3999."""
    if len(mcc) != 4 or mcc[0] != "3" or not mcc.isdigit():
        return mcc
    if mcc <= "3350":
        return "4511"
    return "7512" if mcc <= "3500" else "7011"
