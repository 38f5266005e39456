"""The study as one page that opens offline: what was compared, the plots, and whether the rule of thumb held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from merchant_classifier.neighbours import EXACT
from train import charts, pages
from train.pages import Html
from train.study_accuracy import FROZEN, LARGE, MEMORY, NEAREST, NETWORK, SHOWN, SMALL, SYSTEMS, UPDATED

Facts = Mapping[str, Any]

_MINUTE, _FAST_MS = 60.0, 100.0


def page(facts: Facts) -> str:
    """The whole page."""
    sections = (_head, _verdict, _accuracy, _evidence, _spelling, _elsewhere, _latency, _updates, _audit, _method)
    return pages.page("Fine-tuning against retrieval", (part for section in sections for part in section(facts)))


def _head(facts: Facts) -> Iterator[Html]:
    yield pages.heading("Fine-tuning against retrieval", 1)
    machine = facts["machine"]
    yield pages.paragraph(
        f"Model {facts['version']} ({facts['bundle'][:12]}); {machine['cpu']}, {machine['cores']} cores, one thread,"
        f" load {machine['load']} while measuring. Written by python -m train study.",
        "soft",
    )


def _verdict(facts: Facts) -> Iterator[Html]:
    yield pages.heading("The rule of thumb, tested")
    yield pages.paragraph(
        "Under test: knowledge that changes faster than monthly, retrieve; knowledge that is stable for quarters and"
        " needed within 100 ms, fine-tune."
    )
    yield pages.table(["claim", "measured", "verdict"], [_claim(*claim) for claim in _claims(facts)])


def _claim(text: str, measured: str, holds: bool) -> tuple[str, str, Html]:
    return text, measured, pages.span("holds", "good") if holds else pages.span("fails", "bad")


def _claims(facts: Facts) -> Iterator[tuple[str, str, bool]]:
    accuracy, latency = facts["accuracy"], facts["latency"]
    for name in UPDATED:
        alone, memory = accuracy[NETWORK][name], accuracy[MEMORY][name]
        yield (
            f"What is {name} since training must be retrieved",
            f"network {_share(alone)}, with memory {_share(memory)}",
            memory["low"] > alone["high"],
        )
    changed = {name: accuracy[name]["changed"] for name in (LARGE, NEAREST, MEMORY)}
    yield (
        "Any retrieval will do for what has changed",
        f"five votes {_share(changed[LARGE])}, nearest {_share(changed[NEAREST])}, memory {_share(changed[MEMORY])}",
        min(changed[LARGE]["high"], changed[NEAREST]["high"]) >= changed[MEMORY]["low"],
    )
    if FROZEN in accuracy:
        frozen, tuned = accuracy[FROZEN]["unseen"], accuracy[SMALL]["unseen"]
        yield (
            "A store needs no fine-tuned encoder",
            f"unseen merchants, same rows: frozen {_share(frozen)}, fine-tuned {_share(tuned)}",
            frozen["high"] >= tuned["low"],
        )
    for name, text in (
        ("unseen", "What is stable belongs in weights: on unseen merchants the network beats retrieval"),
        ("seen", "The same on merchants that were trained on"),
    ):
        network, retrieval, ahead = accuracy[NETWORK][name], accuracy[LARGE][name], facts["network_ahead"][name]
        yield (
            text,
            f"network {_share(network)}, retrieval {_share(retrieval)}, difference line by line {_points(ahead)}",
            ahead["low"] > 0,
        )
    slow = max(part["p99_ms"] for name, part in latency.items() if name.startswith("explain"))
    yield (
        "Retrieval is for those who have more than 100 ms",
        f"answer with evidence from {facts['index']['large']:,} rows: p99 {slow:.1f} ms",
        slow > _FAST_MS,
    )
    yield from _cost_claim(facts["updates"])


def _cost_claim(updates: Facts) -> Iterator[tuple[str, str, bool]]:
    again, append = updates["train_again"], updates["append_to_memory"]
    if again:
        yield (
            "An update by retrieval is cheaper",
            f"append {append['seconds']:.2f} s, train again {again['seconds'] / _MINUTE:.0f} min",
            append["seconds"] < again["seconds"],
        )


def _accuracy(facts: Facts) -> Iterator[Html]:
    yield pages.heading("How often each system is right")
    yield pages.paragraph(
        "Share of lines with the right MCC, best guess, 95 % intervals over merchants. Seen: trained on. Unseen: never."
        " New: unseen ones, told to each system by name. Changed: trained on, then given another code of another"
        " category, told by name. Lines of new and changed merchants are other spellings than the name told."
        " Frozen retrieval embeds with the base model as it came, tuned retrieval with the shipped network; the small"
        " index holds as many rows as the frozen one. Retrieval takes the commonest label of five neighbours, or the"
        " nearest one's."
        f" The mixture gives the neighbours a share of {facts['neighbours_share']:.0%}, chosen on validation merchants."
    )
    after, before = _by_system(facts["accuracy"]), _by_system(facts["accuracy_before"])
    rows = [(system, [_triple(sets[name]) for name in SHOWN]) for system, sets in after]
    yield pages.charts([("Right MCC, by system", charts.intervals("Right MCC, by system", rows, list(SHOWN)))])
    for when, names, systems in (("after", SHOWN, after), ("before", UPDATED, before)):
        table = [(system, *(_share(sets[name]) for name in names)) for system, sets in systems]
        yield pages.table([f"system, {when} the update", *names], table)


def _by_system(found: Facts) -> list[tuple[str, Facts]]:
    return [(system, found[system]) for system in SYSTEMS if system in found]


def _evidence(facts: Facts) -> Iterator[Html]:
    found = facts["evidence"]
    yield pages.heading("Evidence")
    yield pages.paragraph(
        "Lines of unseen merchants, five neighbours from the shipped index. The network alone shows no source at all."
    )
    rows = [(name.replace("_", " "), _share(value)) for name, value in sorted(found.items())]
    yield pages.table(["share of lines", "value"], rows)


def _spelling(facts: Facts) -> Iterator[Html]:
    found = facts["spelling"]
    yield pages.heading("Recognising a confirmed merchant's other spellings")
    yield pages.paragraph(
        "Nearness of representations cannot do it: training brings merchants of one trade together. Letters can."
        " Mistaken: lines of merchants that were not confirmed, taken for one that was."
    )
    points = [(part["mistaken"], part["recognised"]) for part in found["nearness"]]
    highest = max(point[0] for point in points)
    x = charts.shares("mistaken", highest or 0.02)
    series = {
        "nearness, thresholds 0.98 to 0.5": sorted(points),
        "letters": [_corner(found["letters"]), _corner(found["letters"], 0.03 * x.high)],
        "as shipped": [_corner(found["as_shipped"]), _corner(found["as_shipped"], 0.03 * x.high)],
    }
    yield pages.charts(
        [("Recognised against mistaken", charts.lines("Recognised", series, x, charts.shares("recognised")))]
    )
    rows = [
        *(
            (f"nearness, {part['likeness']}", _percent(part["recognised"]), _percent(part["mistaken"]))
            for part in found["nearness"]
        ),
        ("letters", _percent(found["letters"]["recognised"]), _percent(found["letters"]["mistaken"])),
        ("as shipped", _percent(found["as_shipped"]["recognised"]), _percent(found["as_shipped"]["mistaken"])),
    ]
    yield pages.table(["method", "recognised", "mistaken"], rows)
    yield pages.paragraph(
        f"{_percent(found['as_shipped']['training_rows_mistaken'])} of the run's training rows were taken for a"
        " merchant that was trained under another label. Where confirmed merchants make up 1 % of the lines,"
        f" {_percent(found['as_shipped']['right_at_one_percent'])} of recognised spellings are right."
    )


def _corner(part: Facts, aside: float = 0.0) -> tuple[float, float]:
    return part["mistaken"] + aside, part["recognised"]


def _elsewhere(facts: Facts) -> Iterator[Html]:
    found = facts["elsewhere"]
    yield pages.heading("What an update costs elsewhere")
    gain = found["gain"]
    yield pages.paragraph(
        f"{found['merchants_in_memory']:,} confirmed merchants changed {found['answers_changed']} of {found['lines']:,}"
        f" answers about other merchants, {found['changed_for_the_worse']} for the worse; accuracy moved by"
        f" {gain['value'] * 100:+.2f} points (95 % interval {gain['low'] * 100:+.2f} to {gain['high'] * 100:+.2f})."
    )


def _latency(facts: Facts) -> Iterator[Html]:
    yield pages.heading("Milliseconds of one answer")
    yield pages.paragraph(
        "Distinct lines one by one on one thread, each the best of three rounds in turns. Explain: the answer and five"
        " neighbours, from the shipped index and from one of the study's size. Frozen encoder: one line's vector alone."
    )
    timed = facts["latency"]
    # The name decides between equals: study.json does not keep the order in which things were timed.
    quickest_first = sorted(timed.items(), key=lambda entry: (entry[1]["p99_ms"], entry[0]))
    slowest = quickest_first[-1][1]["p99_ms"]
    bars = [(name, part["p99_ms"] / slowest, f"{part['p99_ms']:.2f} ms") for name, part in quickest_first]
    yield pages.charts([("99 of 100 answers come within", charts.bars("Milliseconds, p99", bars))])
    rows = [(name, part["p50_ms"], part["p95_ms"], part["p99_ms"]) for name, part in quickest_first]
    yield pages.table(["what", "p50 ms", "p95 ms", "p99 ms"], rows)
    reload, held = facts["reload"], facts["bytes"]
    yield pages.paragraph(
        f"A line added to a memory file of {reload['rules']:,} rules decided"
        f" {reload['seconds_until_a_new_line_decides']} s later. An index of {held['rows']:,} merchants holds"
        f" {held['index_with_names'] / 1e6:.0f} MB with its names."
    )


def _updates(facts: Facts) -> Iterator[Html]:
    updates = facts["updates"]
    yield pages.heading("What an update costs")
    yield pages.paragraph(
        f"{updates['merchants']} new merchants. Energy is seconds times {updates['watts']:.0f} W, taken for one busy"
        " core; no meter was read. Training again is the wall-clock time of the run's stages, whatever else the machine"
        " did."
    )
    rows = [
        (name.replace("_", " "), f"{part['seconds']:,.2f}", f"{part['joules']:,.0f}")
        for name, part in sorted(updates.items())
        if isinstance(part, dict)
    ]
    yield pages.table(["update", "seconds", "joules"], rows)


def _audit(facts: Facts) -> Iterator[Html]:
    found = facts["audit"]
    yield pages.heading("Audit of declared codes")
    yield pages.paragraph(
        f"{found['merchants']:,} merchants never trained on, plain names. Planted: {found['planted_of_each_kind']} with"
        " a code of another family at random, as many high-risk ones under a benign code, drawn 20 times. The network"
        f" names the right code of {_percent(found['accuracy'])} of them, and all but rules out the given code of"
        f" {_percent(found['noise_floor'])} while sure of another: label noise or its own errors, which the top of the"
        " ranking holds too."
    )
    rows = [(name.replace("_", " "), _share(part)) for name, part in sorted(found.items()) if isinstance(part, dict)]
    yield pages.table(["share", "mean (95 % of draws)"], rows)


def _method(facts: Facts) -> Iterator[Html]:
    sizes = ", ".join(f"{count:,} {name}" for name, count in sorted(facts["sizes"].items()))
    yield pages.heading("Method")
    yield pages.paragraph(
        f"Lines: {sizes}. Names come from the repository's own data and are disguised as statement lines from the"
        f" seed; indexes hold {facts['index']['large']:,} and {facts['index']['small']:,} of the run's training rows."
        f" Above {EXACT:,} rows a search compares the tenth nearest to a line, as serving does."
        " Retrieval answers with the commonest label of five neighbours; an entry of the same words is replaced,"
        " others are appended. The network is not trained again unless a row of the table says so. Codes of changed"
        " merchants are drawn at random: real corrections are closer to the old code."
    )


def _triple(part: Facts) -> tuple[float, float, float]:
    return part["value"], part["low"], part["high"]


def _share(part: Facts) -> str:
    return f"{part['value']:.1%} ({part['low']:.1%} to {part['high']:.1%})"


def _points(part: Facts) -> str:
    """A difference of shares, in points."""
    return f"{100 * part['value']:+.1f} ({100 * part['low']:+.1f} to {100 * part['high']:+.1f})"


def _percent(value: float) -> str:
    return f"{value:.2%}"
