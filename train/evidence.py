"""Everything a run measured about its model, in one value: what `metrics.json` of a released model holds.

Report and card are written from this value alone, so that every number in them
can be traced to it. Parts that carry another model's identity are left out.
Descriptions in it come from the repository's own sources.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from merchant_classifier.decision import NOT_A_MERCHANT
from merchant_classifier.errors import InputError
from train import runs
from train.config import Config
from train.leaks import HAND_WRITTEN
from train.publishable import Publishable, inside

GATE = "gate.json"
STRESS = "stress.json"
BASELINES = "baselines.json"
STUDY = "study.json"

_PAIR_EXAMPLES = 3
_SUSPECTS = 25
_SUSPECT_CONFIDENCE = 0.9


def gather(config: Config, identity: str, shown: Publishable) -> dict[str, Any]:
    """The evidence on the model with this identity.

    Args:
        config: of the run that made it.
        identity: SHA-256 of its manifest.
        shown: what may be shown of the rows.

    Raises:
        InputError: `metrics.json` is missing or about another model. Other parts are left out then.
    """
    build = config.build
    facts: dict[str, Any] = runs.read_json(build / runs.METRICS)
    if facts.get("bundle") != identity:
        raise InputError(
            f"{build / runs.METRICS}: is about model {str(facts.get('bundle'))[:12]}, expected {identity[:12]}:"
            " run the stage evaluate again"
        )
    facts["data"] = _data(config)
    content = runs.read_json(build / runs.BUNDLE / "labels.json")
    scales = {"temperature": content["temperature"], "temperature_slope": content.get("temperature_slope", 0.0)}
    facts["calibration"] = {**scales, **content.get("calibration", {})}
    facts["labels"] = {_name(label): label["text"] for label in content["labels"]}
    for name, file in {"gate": GATE, "stress": STRESS, "baselines": BASELINES, "study": STUDY}.items():
        if not (build / file).exists():
            continue
        found = runs.read_json(build / file)
        if found.get("bundle") == identity:
            facts[name] = found
        else:
            print(f"{build / file}: left out, it is about another model")
    pairs = {(true, answer) for part in facts["sets"].values() for true, answer, _ in part["confused"]}
    facts["examples"] = _examples(build / runs.PREDICTIONS, shown, list(facts["labels"]), pairs)
    return facts


def _data(config: Config) -> dict[str, Any]:
    account, split = runs.read_json(config.build / "collect.json"), runs.read_json(config.build / "split.json")
    return {
        "rows": account["rows"],
        "rows_by_source": account["rows_by_source"],
        "split_rows": split["rows"],
        "split_merchants": split["merchants"],
        "sources": [{"adapter": s.adapter, "in_repository": inside(s.path)} for s in config.data.sources],
    }


def _name(label: dict[str, Any]) -> str:
    if label["mcc"]:
        return str(label["mcc"])
    return NOT_A_MERCHANT if label["category"] == NOT_A_MERCHANT else str(label["text"])


def _examples(path: Path, shown: Publishable, labels: list[str], pairs: set[tuple[str, str]]) -> dict[str, Any]:
    """Confused descriptions and suspect labels of sets that may be shown; of accepted labels the first one counts."""
    wanted = {f"unseen {name}" for name in shown.sources} | {HAND_WRITTEN}
    rows = [row for row in runs.read_table(path).to_pylist() if row["set"] in wanted and not row["right"]]
    rows.sort(key=lambda row: (-row["confidence"], row["text"]))
    confused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        row["label"] = min(row["label"].split(runs.BETWEEN_LABELS), key=labels.index)
        texts = confused[row["label"], row["predicted"]]
        if len(texts) < _PAIR_EXAMPLES:
            texts.append(row["text"])
    suspects = [row for row in rows if row["set"] != HAND_WRITTEN and row["confidence"] >= _SUSPECT_CONFIDENCE]
    return {
        "confused": [[*pair, texts] for pair, texts in confused.items() if pair in pairs],
        "suspect_labels": [
            {name: row[name] for name in ("text", "label", "predicted")} | {"confidence": round(row["confidence"], 4)}
            for row in suspects[:_SUSPECTS]
        ],
    }
