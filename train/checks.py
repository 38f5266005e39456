"""What the gate checks: each function turns measurements into pass or refusal, with the numbers in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import compare, metrics
from train.judged import Answers, Frozen, Taxonomy
from train.leaks import Leaks
from train.limits import Limits


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `text` gives the numbers and the limit."""

    name: str
    passed: bool
    text: str


def honest(leaks: Leaks, limits: Limits) -> Iterator[Check]:
    """The evaluation rows were not trained on."""
    yield Check(
        "unseen merchants",
        leaks.merchants <= limits.leaked_merchants,
        f"{leaks.merchants} evaluation merchants stand in the training rows (at most {limits.leaked_merchants:.0f})",
    )
    name, share = max(leaks.lines.items(), key=lambda item: item[1], default=("no set", 0.0))
    yield Check(
        "unseen lines",
        share <= limits.leaked_lines,
        f"{share:.1%} of the lines of {name!r} stand in the training rows (at most {limits.leaked_lines:.1%})",
    )


def learnt(rows: Frozen, challenger: Answers, limits: Limits) -> Check:
    """The model knows more than the commonest label; one trained on shuffled labels does not."""
    labels = Counter(min(accepted) for accepted in rows.accepted)
    commonest, count = labels.most_common(1)[0]
    low = metrics.interval(challenger.right, rows.merchants)["low"]
    share = count / len(rows.texts)
    return Check(
        "has learnt",
        low >= share + limits.majority_margin,
        f"top-1 is at least {low:.1%}; always guessing {commonest} is right in {share:.1%}"
        f" (must be {limits.majority_margin:.0%} above)",
    )


def not_worse(rows: Frozen, champion: Answers, challenger: Answers, limits: Limits) -> Iterator[Check]:
    """Overall and on every set: the paired tests."""
    total = compare.overall(rows, champion, challenger, int(limits.fewest_rows))
    yield Check(
        "overall",
        total.low >= -limits.overall_margin,
        f"top-1 {total.challenger:.1%}, champion {total.champion:.1%}, difference {total.value:+.1%}"
        f" ({total.low:+.1%} to {total.high:+.1%}; the lower end must be above {-limits.overall_margin:+.1%})",
    )
    sets = compare.by_group(rows, champion, challenger, rows.sets, int(limits.fewest_rows))
    yield _worst_group("every set", sets, limits.set_margin)


def categories(
    rows: Frozen, champion: Answers | None, challenger: Answers, taxonomy: Taxonomy, limits: Limits
) -> Iterator[Check]:
    """No spending category is broken."""
    own = category_of_rows(rows, taxonomy)
    names, counts = np.unique(own, return_counts=True)
    shares = {
        str(name): float(challenger.right[own == name].mean())
        for name, count in zip(names, counts, strict=True)
        if count >= limits.fewest_rows and name
    }
    name, share = min(shares.items(), key=lambda item: item[1], default=("none", 1.0))
    yield Check(
        "category floor",
        share >= limits.category_floor,
        f"weakest category {name}: top-1 {share:.1%} (at least {limits.category_floor:.0%})",
    )
    if champion is not None:
        groups = compare.by_group(rows, champion, challenger, own, int(limits.fewest_rows))
        yield _worst_group("every category", groups, limits.category_margin)


def category_of_rows(rows: Frozen, taxonomy: Taxonomy) -> NDArray[np.str_]:
    """Spending category of each row's first accepted label; "" where the model lacks it."""
    return np.array([taxonomy.category.get(min(accepted), "") for accepted in rows.accepted])


def _worst_group(what: str, groups: Mapping[str, compare.Difference], margin: float) -> Check:
    if not groups:
        return Check(what, True, "none has rows enough to be judged on its own")
    name, worst = min(groups.items(), key=lambda item: item[1].high)
    return Check(
        what,
        worst.high >= -margin,
        f"worst is {name}: {worst.challenger:.1%}, champion {worst.champion:.1%}, difference {worst.value:+.1%}"
        f" ({worst.low:+.1%} to {worst.high:+.1%}, {len(groups)} tested together; the upper end must be above"
        f" {-margin:+.0%})",
    )


_FEWEST_FOR_ECE = 300


def calibrated(rows: Frozen, champion: Answers | None, challenger: Answers, limits: Limits) -> Iterator[Check]:
    """Confidence means what it says, and abstention is neither too rare nor too common."""
    ece = mean_ece(rows, challenger)
    ceiling = max(limits.ece_ceiling, mean_ece(rows, champion) + limits.ece_margin if champion else 0.0)
    yield Check("calibration", ece <= ceiling, f"calibration error {ece:.3f} (at most {ceiling:.3f})")
    error = _over_kinds(rows, ~challenger.family_right, challenger.answered, fewest=limits.fewest_rows)
    yield Check(
        "answered error",
        error <= limits.answered_error,
        f"{error:.1%} of rows answered in mode balanced are wrong (at most {limits.answered_error:.0%})",
    )
    share = _over_kinds(rows, challenger.answered)
    floor = limits.answered_floor
    if champion is not None:
        floor = max(floor, _over_kinds(rows, champion.answered) - limits.answered_margin)
    yield Check(
        "abstention", share >= floor, f"mode balanced answers {share:.1%} of rows (at least {floor:.1%} must be)"
    )


def mean_ece(rows: Frozen, answers: Answers) -> float:
    """Expected calibration error, mean over kinds of sets.

    Fifteen bins of a few dozen rows differ from their confidence by chance alone.
    """
    at = _of_each_kind(rows, np.ones(len(rows.sets), np.bool_), _FEWEST_FOR_ECE)
    return float(np.mean([metrics.expected_calibration_error(answers.confidence[i], answers.right[i]) for i in at]))


def _over_kinds(
    rows: Frozen, hits: NDArray[np.bool_], among: NDArray[np.bool_] | None = None, fewest: float = 1
) -> float:
    """Share of hits, mean over the kinds of sets; one wrong answer of one would weigh as much as a large kind's all."""
    at = _of_each_kind(rows, np.ones(len(rows.sets), np.bool_) if among is None else among, fewest)
    return float(np.mean([hits[i].mean() for i in at])) if at else 0.0


def _of_each_kind(rows: Frozen, among: NDArray[np.bool_], fewest: float) -> list[NDArray[np.bool_]]:
    """Where the rows of each kind of sets are; kinds with less than `fewest` stand aside where there are others."""
    kinds = np.array([compare.kind(name) for name in rows.sets])
    at = [(kinds == name) & among for name in np.unique(kinds)]
    return [chosen for chosen in at if chosen.sum() >= fewest] or [chosen for chosen in at if chosen.any()]


def fast(challenger: Mapping[str, Any], champion: Mapping[str, Any] | None, limits: Limits) -> Iterator[Check]:
    """Latency, absolute and against the champion in the same process."""
    p50, p99 = challenger["p50_ms"], challenger["p99_ms"]
    yield Check(
        "latency",
        p50 <= limits.p50_ms and p99 <= limits.p99_ms,
        f"{p50:.2f} ms median, {p99:.2f} ms at the 99th percentile (at most {limits.p50_ms:g} and {limits.p99_ms:g})",
    )
    if champion is not None:
        ratio = p50 / champion["p50_ms"]
        yield Check(
            "not slower",
            ratio <= limits.slower,
            f"median is {ratio:.2f} times the champion's {champion['p50_ms']:.2f} ms (at most {limits.slower:g})",
        )


def small(size_bytes: int, limits: Limits) -> Check:
    """Size of the bundle."""
    size = size_bytes / 1e6
    return Check("size", size <= limits.size_mb, f"{size:.1f} MB (at most {limits.size_mb:g})")


def invariant(challenger: Mapping[str, Any], champion: Mapping[str, Any] | None, limits: Limits) -> Check:
    """The same merchant gets the same answer in every issuer format."""
    share = challenger["issuer formats"]["value"]
    floor = limits.invariance_floor
    if champion is not None:
        floor = max(floor, champion["issuer formats"]["value"] - limits.invariance_margin)
    return Check("invariance", share >= floor, f"{share:.1%} of lines keep their brand's answer (at least {floor:.1%})")


def few_flips(flips: Mapping[str, Any], limits: Limits) -> Check:
    """The negative-flip budget."""
    return Check(
        "flips",
        flips["broken_share"] <= limits.flip_budget,
        f"{flips['broken']} of {flips['rows']} rows are broken that the champion has right, {flips['broken_share']:.1%}"
        f" of the volume (at most {limits.flip_budget:.0%}); {flips['mended']} are mended",
    )
