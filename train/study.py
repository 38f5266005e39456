"""Stage study: fine-tuning against retrieval, measured on the same merchants, lines and machine.

The rule of thumb under test: knowledge that changes faster than monthly belongs
in a store that is looked up, knowledge that is stable for quarters and needed
within 100 ms belongs in weights. Compared are the network alone, retrieval
alone (with a frozen and with the fine-tuned encoder), a mixture of both, and the
network with the merchant memory, on merchants that were seen in training, never
seen, new since, and changed since.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path
from typing import Any

from merchant_classifier.classifier import MerchantClassifier
from train import config as configs
from train import evidence, former, runs, study_audit, study_costs, study_page, study_sets
from train.config import Config
from train.study_accuracy import Comparison
from train.study_sets import Sets

PAGE = "study.html"
FOLDER = "study"

_SPELLINGS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes, and a model that was retrained with the changes."""
    parser.add_argument("--size", type=int, default=2000, help="merchants seen and unseen (default: %(default)s)")
    parser.add_argument("--updates", type=int, default=500, help="merchants new and changed (default: %(default)s)")
    parser.add_argument("--index", type=int, default=200_000, help="rows in the large index (default: %(default)s)")
    parser.add_argument("--rules", type=int, default=100_000, help="rules in the large memory (default: %(default)s)")
    parser.add_argument(
        "--frozen",
        type=int,
        default=40_000,
        help="rows in the frozen encoder's index, 0 for none (default: %(default)s)",
    )
    parser.add_argument("--retrained", type=Path, help="bundle of a run that had study/memory.csv as a source")


def run(args: argparse.Namespace) -> int:
    """Write `study/memory.csv`, `study.json` and `study.html` of a run."""
    config = configs.load(args.config)
    facts = measure(config, args)
    runs.write_json(config.build / evidence.STUDY, facts)
    with runs.replacing(config.build / PAGE) as temporary:
        temporary.write_text(study_page.page(facts), "utf-8")
    print(f"study: {config.build / PAGE}")
    return 0


def measure(config: Config, args: argparse.Namespace) -> dict[str, Any]:
    """Everything the page says."""
    classifier = MerchantClassifier.load(config.build / runs.BUNDLE)
    category_of = {label.name: label.category for label in classifier.decider.labels}
    before = former.trained_before(config)
    sets = study_sets.draw(config.build / runs.SPLIT, args.size, args.updates, category_of, config.seed, before)
    memory = study_sets.write_memory(config.build / FOLDER / "memory.csv", [*sets.new, *sets.changed])
    comparison = Comparison(config, classifier, sets, args.index, args.frozen)
    with_memory = MerchantClassifier.load(config.build / runs.BUNDLE, memory=memory)
    retrained = MerchantClassifier.load(args.retrained) if args.retrained else None
    lines = _lines(sets, config.seed)
    return {
        "bundle": classifier.identity,
        "version": classifier.version,
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "threads": 1},
        "sizes": {name: len(part.texts) for name, part in lines.items()},
        "index": comparison.sizes,
        **comparison.accuracy(lines, with_memory, retrained),
        "evidence": comparison.evidence(lines, with_memory),
        "elsewhere": comparison.elsewhere(lines, with_memory),
        "spelling": comparison.spelling(lines, with_memory),
        "audit": study_audit.measure(classifier, [*sets.unseen, *sets.new, *sets.tuning], config.seed),
        **study_costs.measure(config, comparison, with_memory, lines["unseen"].texts, args.rules),
    }


def _lines(sets: Sets, seed: int) -> dict[str, study_sets.Lines]:
    """One line of each seen and unseen merchant, several other spellings of each new and changed one."""
    return {
        "seen": study_sets.lines(sets.seen, 1, seed),
        "unseen": study_sets.lines(sets.unseen, 1, seed),
        "new": study_sets.lines(sets.new, _SPELLINGS, seed, other_spellings=True),
        "changed": study_sets.lines(sets.changed, _SPELLINGS, seed, other_spellings=True),
        "tuning": study_sets.lines(sets.tuning, 1, seed),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
