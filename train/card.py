"""The model card (`CARD.md`) and the changelog's lines, written from the evidence and the manifest alone."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_ATTRIBUTION = Path(__file__).with_name("attribution.toml")
_WEAKEST = 8
_FEWEST_ROWS = 30
"""A set or category with fewer rows says little."""
_TOLD_ROWS = 400
"""The changelog tells of larger sets only; the card and the report have them all."""

Facts = Mapping[str, Any]

_PURPOSE = """## Intended use

Naming the merchant category code (ISO 18245) and the spending category of a card payment from its statement
descriptor, offline: budgeting and expense tools, analytics, checking codes that merchants were boarded under.

Not for decisions about a person on their own: declining a payment, credit, tax, or law enforcement. Not for finding
out what somebody bought: the descriptor names the merchant only.
"""

_LIMITS = """* A name that says nothing about its trade cannot be classified by anybody: the reason is `low_confidence`.
* Banks disagree on codes: within a confusable family (`data/families.csv`) two codes are often both in use.
* The bounds on errors hold for descriptors like those they were certified on; other countries, banks and
  facilitators shift them. `python -m train drift` measures how far.
* Names and descriptors of sources below decide what is known: brands that came up later are unknown.
"""


def page(facts: Facts, manifest: Facts, labels: Facts) -> str:
    """The card as Markdown."""
    sections = (
        _head(facts, manifest, labels),
        [_PURPOSE],
        ["## Results", "", *results(facts), ""],
        ["## Against simple models", "", *_baselines(facts), ""],
        ["## Knowing when not to answer", "", *_modes(facts), ""],
        ["## Limits", "", _LIMITS + "\n".join(_weak(facts)), ""],
        ["## Data", "", *_data(facts), ""],
        ["## Origin", "", *_origin(manifest), ""],
    )
    return "\n".join(line for section in sections for line in section)


def changes(facts: Facts, former: str | None, override: str | None = None) -> list[str]:
    """What the changelog says of a release."""
    lines = [f"Identity `{facts['bundle'][:16]}`, {_megabytes(facts)}; replaces {former or 'nothing'}."]
    lines += [
        f"{name}: top-1 {_percent(part['top1'])}, top-3 {_percent(part['top3'])}, category {_percent(part['category'])}"
        f" ({part['rows']} rows)."
        for name, part in facts["sets"].items()
        if part["rows"] >= _TOLD_ROWS
    ]
    if override:
        lines.append(f"Released without the gate's approval: {override}")
    elif flips := facts.get("gate", {}).get("flips"):
        lines.append(f"Flips against {former}: {flips['broken']} rows broken, {flips['mended']} mended.")
    return lines


def _head(facts: Facts, manifest: Facts, labels: Facts) -> Iterator[str]:
    network = manifest.get("provenance", {}).get("config", {}).get("student", {})
    latency = facts["latency"]
    yield f"# Merchant classifier {facts['version']}"
    yield ""
    yield f"Identity (SHA-256 of `manifest.json`): `{facts['bundle']}`"
    yield ""
    yield (
        f"A {network.get('layers', '?')}-layer word-level transformer over hashed character n-grams,"
        f" {len(labels['labels'])} labels, {_megabytes(facts)}. One prediction takes {latency['p50_ms']:.2f} ms"
        f" in the middle and {latency['p99_ms']:.2f} ms at the 99th percentile (one thread,"
        f" {latency['calls']} distinct descriptors, on the machine that evaluated it)."
    )
    yield ""


def results(facts: Facts) -> Iterator[str]:
    """A table of the evaluation sets."""
    yield "Shares of rows with 95 % intervals (bootstrap over merchants). Unseen merchants have no row in training;"
    yield "half of the golden lines are of well-known merchants, which have. Lines of the later year also fit the"
    yield "thresholds, so their ECE is not of untouched rows."
    yield f"Sets of fewer than {_FEWEST_ROWS} rows are in `metrics.json` only."
    yield ""
    yield "| set | merchants | rows | top-1 | top-3 | family | category | macro-F1 | ECE |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, part in facts["sets"].items():
        if part["rows"] < _FEWEST_ROWS:
            continue
        shares = " | ".join(_percent(part[key]) for key in ("top1", "top3", "family", "category"))
        seen = "seen" if part["seen"] else "unseen"
        scores = f"{part['macro_f1']:.3f} | {part['ece']:.3f}"
        yield f"| {name} | {part['merchants']} {seen} | {part['rows']} | {shares} | {scores} |"


def _baselines(facts: Facts) -> Iterator[str]:
    """Top-1 of each model, and where the difference could be chance."""
    if "baselines" not in facts:
        yield "Not measured for this model."
        return
    found = facts["baselines"]
    models = found["models"]
    yield f"Top-1 on the same descriptions; all were trained on the same {found['training_rows']} rows."
    yield "`*`: this model is better with p < 0.01 (paired bootstrap over merchants)."
    if "teacher" in models:
        yield "The teacher is the mean of slower models, each of which left out some merchants' rows."
    yield ""
    yield f"| set | rows | this model | {' | '.join(models)} |"
    yield f"|---|---|---|{'---|' * len(models)}"
    for name, part in facts["sets"].items():
        if part["rows"] >= _FEWEST_ROWS:
            yield f"| {name} | {part['rows']} | {part['top1']['value']:.1%} | {' | '.join(_cells(models, name))} |"


def _cells(models: Facts, name: str) -> Iterator[str]:
    for sets in models.values():
        part = sets.get(name)
        mark = "*" if part and part.get("model_not_better_p", 1.0) < 0.01 else ""
        yield f"{part['top1']['value']:.1%}{mark}" if part else ""


def _modes(facts: Facts) -> Iterator[str]:
    modes = facts["calibration"].get("modes", {})
    for mode, levels in modes.items():
        for level, certified in levels.items():
            yield f"* `{mode}`, {'MCC' if level == 'label' else 'category'}: {_bound(certified)}"
    yield "* `best_guess` always answers when there is text."
    if abstention := facts.get("abstention"):
        yield (
            f"* Descriptors that nobody can classify ({abstention['rows']} hand-written) get an MCC all the same:"
            f" {abstention['precise']:.1%} in `precise`, {abstention['balanced']:.1%} in `balanced`."
        )
    yield ""
    yield "An MCC counts as right here when it is of the row's confusable family."


def _bound(certified: Facts) -> str:
    if not certified["answered"]:
        return f"no threshold met the bound of {certified['bound']:.0%}; it abstains."
    return (
        f"answers {certified['coverage']:.1%} of validation rows; an error of at most {certified['bound']:.0%} is"
        f" certified with {certified['confidence']:.0%} confidence ({certified['errors']} of"
        f" {certified['answered']} wrong)."
    )


def _weak(facts: Facts) -> Iterator[str]:
    found = [
        (part["top1"], name, set_name, part["rows"])
        for set_name, scores in facts["sets"].items()
        if not scores["seen"]
        for name, part in scores["per_category"].items()
        if part["rows"] >= _FEWEST_ROWS
    ]
    for share, name, set_name, rows in sorted(found)[:_WEAKEST]:
        yield f"* Weak: `{name}` on {set_name}, {share:.0%} of {rows} rows."


def _data(facts: Facts) -> Iterator[str]:
    data = facts["data"]
    rows, merchants = data["split_rows"], data["split_merchants"]
    yield (
        f"{data['rows']} labelled rows were read; {rows.get('train', 0)} of {merchants.get('train', 0)} merchants were"
        f" trained on, {rows.get('validation', 0) + rows.get('later', 0)} kept for calibration and"
        f" {rows.get('test', 0)} for testing, apart by base merchant. `data/README.md` describes the repository's own."
    )
    yield ""
    yield "| source | licence and credit |"
    yield "|---|---|"
    credits = tomllib.loads(_ATTRIBUTION.read_text("utf-8"))
    for adapter in dict.fromkeys(source["adapter"] for source in data["sources"]):
        credit = credits.get(adapter, {"title": f"Rows of one's own ({adapter})", "licence": "its owner's"})
        yield f"| {credit['title']} | {credit['licence']} |"


def _origin(manifest: Facts) -> Iterator[str]:
    origin = manifest.get("provenance", {})
    base = origin.get("base_model", {})
    packages = ", ".join(f"{name} {version}" for name, version in origin.get("packages", {}).items() if version)
    yield f"* Source revision `{origin.get('git')}`, rows SHA-256 `{origin.get('data_sha256')}`."
    yield f"* Word knowledge comes from `{base.get('name')}` ({base.get('licence') or 'licence not stated'})."
    yield f"* Python {origin.get('python')}; {packages}."
    yield "* The resolved configuration stands in `manifest.json`; `make train` with it repeats the run."


def _percent(share: Facts) -> str:
    return f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%})"


def _megabytes(facts: Facts) -> str:
    return f"{facts['size_bytes'] / 1e6:.1f} MB"
