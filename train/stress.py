"""Stage stress: does an answer survive what issuers, terminals and tricksters do to a line? A rate for each.

The same merchant in twelve issuer formats, cut at 18, 22 and 25 characters, with
store numbers, accents, look-alike letters and invisible characters, behind
facilitator prefixes; and merchants of gambling, adult goods and crypto that hide
behind prefixes and benign words. Lines are hand-written (`tests/golden/`).
"""

from __future__ import annotations

import argparse
import json
import runpy
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.prediction import Mode
from merchant_classifier.text import normalize
from train import config as configs
from train import evidence, metrics, runs
from train.augment import RISKY
from train.judged import Model, Taxonomy, taxonomy_of

FORMATS = Path("tests/golden/formats.py")
MERCHANTS = Path("tests/golden/merchants.jsonl")

_PLAIN_STRATA = ("easy", "medium", "hard")
_TAIL = " STORE 1234 SPRINGFIELD"
_ACCENTS = str.maketrans("aeioucnAEIOUCN", "áèîöüçñÁÈÎÖÜÇÑ")
_LOOK_ALIKE = str.maketrans("aeopcxyAEOPCXTHKM", "аеорсхуАЕОРСХТНКМ")
_PREFIXES = ("SQ *", "TST* ", "PAYPAL *", "SP ", "SumUp  *")
_BENIGN = (" COFFEE BAKERY", " GROCERY STORE", " BOOKSHOP", " PHARMACY", " SCHOOL SUPPLIES")


@dataclass(frozen=True, slots=True)
class Line:
    """A hand-written line and the labels that count as right."""

    text: str
    accepted: frozenset[str]
    stratum: str


def _hidden(name: str, character: str) -> str:
    return " ".join(word[:2] + character + word[2:] for word in name.split(" "))


CHANGES: dict[str, Callable[[str], str]] = {
    "cut at 18": lambda name: (name + _TAIL)[:18],
    "cut at 22": lambda name: (name + _TAIL)[:22],
    "cut at 25": lambda name: (name + _TAIL)[:25],
    "store number": lambda name: f"{name} #04471",
    "terminal digits": lambda name: f"{name} 24224431105",
    "lower case": str.lower,
    "accents": lambda name: name.translate(_ACCENTS),
    "look-alike letters": lambda name: name.translate(_LOOK_ALIKE),
    "zero-width space": lambda name: _hidden(name, "\u200b"),
    "soft hyphen": lambda name: _hidden(name, "\u00ad"),
}
"""What is done to a merchant's name; the answer should stay the same."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Write `stress.json` of a run's bundle."""
    config = configs.load(args.config)
    classifier = MerchantClassifier.load(config.build / runs.BUNDLE)
    found = measure(classifier, taxonomy_of(classifier))
    runs.write_json(config.build / evidence.STRESS, {"bundle": classifier.identity, "rates": found})
    for name, rate in found.items():
        print(f"stress: {name:<22} {rate['value']:6.1%} of {rate['rows']}")
    return 0


def measure(model: Model, taxonomy: Taxonomy) -> dict[str, dict[str, Any]]:
    """Every rate: share of rows whose answer stays (or, for spoofs, is not a benign MCC), with interval.

    Raises:
        InputError: the hand-written lines are not there.
    """
    lines = [line for line in read_lines() if line.accepted & taxonomy.category.keys()]
    plain = [line for line in lines if line.stratum in _PLAIN_STRATA]
    names = list(dict.fromkeys(name for line in plain if (name := normalize(line.text).merchant)))
    found = formats(model, taxonomy)
    best = _best(model, taxonomy, names)
    for change, function in CHANGES.items():
        found[change] = _rate(_same(best, _best(model, taxonomy, map(function, names))), names)
    prefixed = [[prefix + name for name in names] for prefix in _PREFIXES]
    same = [_same(best, _best(model, taxonomy, texts)) for texts in prefixed]
    found["facilitator prefix"] = _rate(np.concatenate(same), names * len(_PREFIXES))
    return found | spoofs(model, [line for line in lines if line.stratum == "spoof"])


def read_lines() -> list[Line]:
    """The hand-written merchants."""
    rows = map(json.loads, runs.needed(MERCHANTS).read_text("utf-8").splitlines())
    return [Line(row["text"], frozenset(row["accept"]), row["stratum"]) for row in rows]


def formats(model: Model, taxonomy: Taxonomy) -> dict[str, dict[str, Any]]:
    """Known brands in twelve formats: lines with the brand's usual answer, and brands with one answer in all."""
    golden = runpy.run_path(str(runs.needed(FORMATS)))
    brands = list(golden["BRANDS"])
    answers = [_best(model, taxonomy, golden["descriptors"](brand)) for brand in brands]
    usual = [Counter(lines).most_common(1)[0][0] for lines in answers]
    same = [_same([name] * len(lines), lines) for name, lines in zip(usual, answers, strict=True)]
    owners = [brand for brand, lines in zip(brands, answers, strict=True) for _ in lines]
    return {
        "issuer formats": _rate(np.concatenate(same), owners),
        "brands alike in all formats": _rate(np.array([lines.all() for lines in same]), brands),
    }


def spoofs(model: Model, lines: list[Line]) -> dict[str, dict[str, Any]]:
    """Risky merchants in disguise: an accepted code or an abstention is right, a benign code is a flip."""
    stuffed = [
        Line(line.text + suffix, line.accepted, line.stratum)
        for line in lines
        if line.accepted & RISKY
        for suffix in _BENIGN
    ]
    owners = [line.text for line in lines if line.accepted & RISKY for _ in _BENIGN]
    return {
        "spoofed prefix": _rate(_not_flipped(model, lines), [line.text for line in lines]),
        "benign words added": _rate(_not_flipped(model, stuffed), owners),
    }


def _not_flipped(model: Model, lines: list[Line]) -> Any:
    answers = model.predict_many([line.text for line in lines], mode=Mode.BALANCED)
    return np.array([p.mcc is None or p.mcc in line.accepted for p, line in zip(answers, lines, strict=True)])


def _best(model: Model, taxonomy: Taxonomy, texts: Iterable[str]) -> list[str]:
    return [taxonomy.best(prediction) for prediction in model.predict_many(texts, mode=Mode.BEST_GUESS)]


def _same(first: list[str], second: list[str]) -> Any:
    return np.array([one == other for one, other in zip(first, second, strict=True)])


def _rate(held: Any, owners: list[str]) -> dict[str, Any]:
    return {"rows": len(held), **metrics.interval(held, owners)}
