"""Stage report: a page about a model that opens offline, and its card, written from the evidence (`metrics.json`)."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from merchant_classifier import bundle as bundles
from merchant_classifier.bundle import Bundle
from train import card, charts, evidence, pages, publishable, runs, study_page
from train import config as configs
from train.pages import Html

Facts = Mapping[str, Any]

_CURVES = 5
_ONE_CHART = 6
_DRAWN = 100
"""Sets of fewer rows are in the table only: their intervals say little."""
_PAIRS = 20
_FEW = 10
_LOW_MS, _HIGH_MS = 0.1, 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Write `report.html` and `CARD.md` into `build/<run>`."""
    config = configs.load(args.config)
    bundle = bundles.read(config.build / runs.BUNDLE)
    facts = evidence.gather(config, bundle.identity, publishable.of(config))
    for name, text in documents(facts, bundle).items():
        with runs.replacing(config.build / name) as temporary:
            temporary.write_text(text, "utf-8")
        print(f"report: {config.build / name}")
    return 0


def documents(facts: Facts, bundle: Bundle) -> dict[str, str]:
    """What is written about a model, file name -> text."""
    written = {"CARD.md": card.page(facts, bundle.manifest, bundle.labels), "report.html": page(facts)}
    if "study" in facts:
        written["study.html"] = study_page.page(facts["study"])
    return written


def page(facts: Facts) -> str:
    """The whole page."""
    sections = (
        _head,
        _headline,
        _confidence,
        _categories,
        _checks,
        _flips,
        _confused,
        _speed,
        _stress,
        _baselines,
        _data,
    )
    parts = (part for section in sections for part in section(facts))
    return pages.page(f"Merchant classifier {facts['version']}", parts)


def _head(facts: Facts) -> Iterator[Html]:
    yield pages.heading(f"Merchant classifier {facts['version']}", 1)
    yield Html(f'<p class="soft">Model <code>{facts["bundle"]}</code>, {facts["size_bytes"] / 1e6:.1f} MB.</p>')
    gate = facts.get("gate")
    if gate is None:
        yield pages.paragraph("The gate has not judged this model yet.", "bad")
        return
    against = f"against {gate['champion_version']}" if gate["champion_version"] else "as the first model"
    verdict, kind = ("Accepted", "good") if gate["accepted"] else ("Refused", "bad")
    yield pages.paragraph(f"{verdict} by the gate, {against}.", kind)
    yield from (pages.paragraph(reason, "bad") for reason in gate["reasons"])


def _checks(facts: Facts) -> Iterator[Html]:
    if "gate" not in facts:
        return
    yield pages.heading("What the gate checked")
    marks = {True: pages.span("pass", "good"), False: pages.span("refused", "bad")}
    rows = [(check["name"], marks[check["passed"]], check["text"]) for check in facts["gate"]["checks"]]
    yield pages.table(["check", "result", "measured (limit)"], rows)


def _headline(facts: Facts) -> Iterator[Html]:
    yield pages.heading("How often it is right")
    yield pages.paragraph(
        "Shares of rows with 95 % intervals, bootstrap over merchants. Unseen: no row of the merchant was trained on."
        " Plain names are disguised as statement lines; lines of the later and the golden set are as they are."
    )
    ordered = sorted(facts["sets"].items(), key=lambda item: (item[1]["seen"], _rank(item[0])))
    yield pages.tiles(
        (name, charts.percent(part["top1"]["value"]), f"MCC; category {charts.percent(part['category']['value'])}")
        for name, part in ordered
        if _rank(name)[0] < _OTHER or part["seen"]
    )
    keys = ("top1", "top3", "category")
    points = [(_plain(name), [_triple(part[key]) for key in keys]) for name, part in ordered if part["rows"] >= _DRAWN]
    half = max(_ONE_CHART, (len(points) + 1) // 2)
    names = ["MCC", "one of three MCCs", "category"]
    yield pages.charts(
        (f"Right, by set{more}", charts.intervals("Shares right by set", part, names))
        for more, part in (("", points[:half]), (", continued", points[half:]))
        if part
    )
    columns = ["set", "merchants", "rows", "MCC %", "top 3 %", "family %", "category %", "macro-F1", "ECE"]
    yield pages.table(columns, [_set_row(name, part) for name, part in ordered])


def _set_row(name: str, part: Facts) -> list[pages.Cell]:
    shares = [_interval(part[key]) for key in ("top1", "top3", "family", "category")]
    return [name, part["merchants"], part["rows"], *shares, f"{part['macro_f1']:.3f}", f"{part['ece']:.3f}"]


def _plain(name: str) -> str:
    """A set's or source's name in a chart: seen or unseen is said where it is not plain."""
    return name.removeprefix("unseen ").removeprefix("register-")


_OTHER = 3


def _rank(name: str) -> tuple[int, str]:
    """Real lines first, then the golden set, then other sets by name."""
    first = ("unseen later", "golden", "unseen curated-real")
    return (first.index(name) if name in first else _OTHER), name


def _drawn(facts: Facts) -> dict[str, Facts]:
    """The sets whose curves are drawn: the ranked ones, then the largest."""
    names = sorted(facts["sets"], key=lambda name: (_rank(name)[0], -facts["sets"][name]["rows"]))
    return {name: facts["sets"][name] for name in names[:_CURVES]}


def _confidence(facts: Facts) -> Iterator[Html]:
    yield pages.heading("Does it know when it is right?")
    sets = _drawn(facts)
    curves = {name: part["risk_coverage"] for name, part in sets.items()}
    highest = max(point[1] for points in curves.values() for point in points)
    risk = charts.lines(
        "Risk and coverage",
        curves,
        charts.shares("share of rows answered, surest first"),
        charts.shares("wrong", highest),
    )
    bins = {name: part["reliability"] for name, part in sets.items()}
    reliability = charts.lines("Reliability", bins, charts.shares("confidence"), charts.shares("right"), diagonal=True)
    yield pages.charts([("Error among answered", risk), ("Reliability", reliability)])
    yield pages.table(
        ["set", "mode", "MCC answered", "wrong", "wrong family", "category answered"],
        [
            [name, mode, *(_share(found[key]) for key in ("answered", "error", "family_error", "category_answered"))]
            for name, part in sets.items()
            for mode, found in part["coverage"].items()
        ],
    )
    if abstention := facts.get("abstention"):
        answered = ", ".join(f"{_share(abstention[mode])} in {mode}" for mode in ("precise", "balanced"))
        yield pages.paragraph(f"Of {abstention['rows']} lines that nobody can classify it gives an MCC to {answered}.")


def _categories(facts: Facts) -> Iterator[Html]:
    yield pages.heading("By spending category")
    yield pages.paragraph(
        f"Rows of all unseen sets together; the share whose MCC is right. Categories of {_FEW} rows or more.", "soft"
    )
    rows: Counter[str] = Counter()
    right: dict[str, float] = defaultdict(float)
    for part in facts["sets"].values():
        for name, found in {} if part["seen"] else part["per_category"].items():
            rows[name] += found["rows"]
            right[name] += found["rows"] * found["top1"]
    shares = sorted(((right[name] / count, name, count) for name, count in rows.items() if count >= _FEW), reverse=True)
    named = [(name, share, f"{charts.percent(share)} of {count:,}") for share, name, count in shares]
    half = (len(named) + 1) // 2
    yield pages.charts(
        [
            (caption, charts.bars(caption, part))
            for caption, part in (("Stronger", named[:half]), ("Weaker", named[half:]))
        ]
    )


def _confused(facts: Facts) -> Iterator[Html]:
    yield pages.heading("Most confused")
    yield pages.paragraph("Over all unseen sets; examples come from the repository's own sources only.", "soft")
    counts: Counter[tuple[str, str]] = Counter()
    for part in facts["sets"].values():
        for true, answer, count in [] if part["seen"] else part["confused"]:
            counts[true, answer] += count
    examples = {(true, answer): texts for true, answer, texts in facts["examples"]["confused"]}
    yield pages.table(
        ["rows", "is", "answered", "examples"],
        [
            [count, _label(facts, true), _label(facts, answer), " / ".join(examples.get((true, answer), []))]
            for (true, answer), count in counts.most_common(_PAIRS)
        ],
        ["examples"],
    )
    yield pages.heading("Perhaps wrongly labelled")
    yield pages.paragraph("The model is sure and the row says otherwise: look at these rows first.", "soft")
    yield pages.table(
        ["description", "row says", "model says", "confidence"],
        [
            [row["text"], _label(facts, row["label"]), _label(facts, row["predicted"]), _share(row["confidence"])]
            for row in facts["examples"]["suspect_labels"]
        ],
        ["description"],
    )


def _flips(facts: Facts) -> Iterator[Html]:
    gate = facts.get("gate", {})
    if "flips" not in gate:
        return
    flips = gate["flips"]
    yield pages.heading(f"Against {gate['champion_version']}")
    yield pages.paragraph(
        f"Of {flips['rows']:,} rows, {flips['broken']:,} that the older model has right are wrong now"
        f" ({_share(flips['broken_share'])} of the volume), {flips['mended']:,} are right that were wrong."
    )
    yield pages.table(["set", "rows", "older", "this", "difference, points"], _differences(gate["sets"]))
    yield pages.table(["category", "rows", "older", "this", "difference, points"], _differences(gate["categories"]))
    yield pages.table(
        ["broken description", "is", "older", "this", "confidence"],
        [
            [
                row["text"],
                " or ".join(row["accepted"]),
                *(_label(facts, row[model]) for model in ("champion", "challenger")),
                _share(row["confidence"]),
            ]
            for row in flips["examples"]
        ],
        ["broken description"],
    )


def _differences(groups: Facts) -> Iterator[list[pages.Cell]]:
    for name, found in groups.items():
        gap = found["difference"]
        text = f"{100 * gap['value']:+.1f} ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f})"
        yield [name, found["rows"], _share(found["champion"]), _share(found["challenger"]), text]


def _speed(facts: Facts) -> Iterator[Html]:
    yield pages.heading("How fast it is")
    latency = facts["latency"]
    yield pages.paragraph(
        f"{latency['calls']:,} single predictions of distinct descriptors on {latency['threads']} thread of the machine"
        f" that evaluated it, with whatever else ran there: {latency['p50_ms']:.2f} ms median,"
        f" {latency['p99_ms']:.2f} ms at the 99th percentile."
    )
    timed = facts.get("gate", {}).get("latency", {})
    if timed:
        names = {"challenger": "this model", "champion": "older model"}
        series = {names[who]: [_closed(part) for part in found["histogram"]] for who, found in timed.items()}
        marks = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
        x = charts.Axis("milliseconds", _LOW_MS, _HIGH_MS, marks, lambda mark: f"{mark:g}", logarithmic=True)
        yield pages.charts([("Best of three calls, by text", charts.histogram("Latency", series, x))])


def _closed(part: list[Any]) -> list[float]:
    low, high, count = part
    return [max(low, _LOW_MS), high if high is not None else _HIGH_MS, count]


def _stress(facts: Facts) -> Iterator[Html]:
    if rates := facts.get("stress", {}).get("rates"):
        yield pages.heading("Does the answer survive?")
        yield pages.paragraph(
            "Lines whose answer stays when an issuer, a terminal or a trickster changes them; for `spoofed prefix` and"
            " `benign words added`, risky merchants in disguise that get an accepted code or none.",
            "soft",
        )
        yield pages.table(
            ["change", "lines", "held %"], [[name, rate["rows"], _interval(rate)] for name, rate in rates.items()]
        )


def _baselines(facts: Facts) -> Iterator[Html]:
    if baselines := facts.get("baselines"):
        yield pages.heading("Simple models on the same rows")
        yield pages.table(
            ["model", "set", "MCC %", "top 3 %", "category %", "this model is not better: p"],
            [
                [
                    model,
                    name,
                    *(_interval(part[key]) for key in ("top1", "top3", "category")),
                    _chance(part["model_not_better_p"]) if "model_not_better_p" in part else "",
                ]
                for model, sets in baselines["models"].items()
                for name, part in sets.items()
            ],
        )


def _chance(p: float) -> str:
    """A bootstrap cannot show that something never happens."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _data(facts: Facts) -> Iterator[Html]:
    data = facts["data"]
    yield pages.heading("What it learnt from")
    split = ", ".join(f"{count:,} {part}" for part, count in data["split_rows"].items() if ":" not in part)
    yield pages.paragraph(f"{data['rows']:,} labelled rows, divided by base merchant: {split}.")
    found = sorted(data["rows_by_source"].items(), key=lambda item: -item[1])
    most = found[0][1] if found else 1
    chart = charts.bars(
        "Rows by source", [(_plain(name), count / most, f"{count:,}") for name, count in found], charts.COLOURS[2]
    )
    yield pages.charts([("Rows by source", chart)])
    yield pages.paragraph(
        "Every number on this page stands in metrics.json beside it, or is a sum of numbers there.", "soft"
    )


def _label(facts: Facts, name: str) -> str:
    """Names joined by "|" with the text of the first."""
    text = facts["labels"].get(name.partition("|")[0], "")
    return name if text == name or not text else f"{name} {text}"


def _triple(interval: Facts) -> tuple[float, float, float]:
    return interval["value"], interval["low"], interval["high"]


def _interval(interval: Facts) -> str:
    return f"{100 * interval['value']:.1f} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})"


def _share(value: float) -> str:
    return f"{100 * value:.1f}\u202f%"
