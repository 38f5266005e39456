"""What the classifier answers: small immutable values, standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How sure the classifier must be before it names an MCC.

    `PRECISE` and `BALANCED` bound the error among answered rows (2 % and 5 %,
    see the model card for the rows the bound was certified on); `BEST_GUESS`
    always answers when there is any text.
    """

    PRECISE = "precise"
    BALANCED = "balanced"
    BEST_GUESS = "best_guess"


class Reason(StrEnum):
    """Why a prediction says what it says."""

    CONFIDENT = "confident"  # the MCC passed the mode's threshold
    CATEGORY_ONLY = "category_only"  # the MCC is unsure, its spending category is not
    LOW_CONFIDENCE = "low_confidence"  # neither is sure enough: an honest "don't know"
    NOT_A_MERCHANT = "not_a_merchant"  # transfer, salary, fee, cash
    NO_TEXT = "no_text"  # nothing readable in the description
    MEMORY = "memory"  # a rule of the merchant memory decided


@dataclass(frozen=True, slots=True)
class Candidate:
    """One label the network considered, with its calibrated probability (0 to 1)."""

    mcc: str | None
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one description.

    Attributes:
        mcc: ISO 18245 code to act on; None when abstaining, or when the model's labels are not MCCs.
        label: text of the label to act on; None when abstaining.
        category: spending category to act on; None when that is unsure too.
        confidence: calibrated probability of what is answered (of the best label when abstaining).
        reason: why.
        brand_mcc: network brand code (3000-3999) of a named airline, car rental or hotel brand.
        model_mcc: what the network alone said, before thresholds and memory.
        candidates: the network's best labels, most probable first.
        merchant: merchant name found in the description.
        intermediary: payment facilitator, marketplace or wallet in front of it.
        decided_by: "model", or "memory#<rule id>".
        model_version: version of the bundle that answered.
    """

    mcc: str | None
    label: str | None
    category: str | None
    confidence: float
    reason: Reason
    brand_mcc: str | None
    model_mcc: str | None
    candidates: tuple[Candidate, ...]
    merchant: str
    intermediary: str | None
    decided_by: str
    model_version: str
