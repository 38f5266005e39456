"""Stage gate: may a new model (challenger) take the place of the current one (champion)?

Both answer the same frozen rows of unseen merchants here and now, as they would
be served. Without a current model the absolute limits alone decide. Refusal is
exit code 1, with every reason. Nothing is moved: `release` reads `gate.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merchant_classifier.bundle import MANIFEST, read
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from train import checks, compare, evidence, former, leaks, publishable, runs, shelf, stress, timing, traffic, trained
from train import config as configs
from train import limits as limit_files
from train.checks import Check
from train.config import Config
from train.judged import Answers, Frozen, Model, Taxonomy, judge, taxonomy_of
from train.leaks import HAND_WRITTEN, Training
from train.limits import Limits
from train.trained import Trained


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything measured on one model.

    Attributes:
        latency: of `timing.summary`.
        stress: of `stress.measure`; empty where labels are not MCCs.
    """

    answers: Answers
    latency: dict[str, Any]
    stress: dict[str, Any]
    size_bytes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The champion and the limits."""
    parser.add_argument(
        "--models", type=Path, default=shelf.MODELS, metavar="DIR", help="where the current model lives (%(default)s)"
    )
    parser.add_argument("--champion", type=Path, metavar="DIR", help="compare with this model instead")
    parser.add_argument(
        "--volumes", type=Path, metavar="FILE", help="recent descriptors, to weigh broken rows by volume"
    )
    parser.add_argument("--column", default="description", help="their column (%(default)s)")
    parser.add_argument("--limits", type=Path, default=limit_files.FILE, metavar="TOML", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Write `gate.json` and `stress.json`; 0 accepts, 1 refuses."""
    config = configs.load(args.config)
    limits = limit_files.load(args.limits)
    challenger = MerchantClassifier.load(config.build / runs.BUNDLE)
    directory = champion_directory(args.models, args.champion)
    champion = MerchantClassifier.load(directory) if directory else None
    rows, taxonomy = unseen_rows(config, directory), taxonomy_of(challenger)
    if args.volumes:
        rows = rows.weighted(traffic.read_lines(args.volumes, args.column))
    measured = measure_all(challenger, champion, rows, taxonomy, sizes(config.build / runs.BUNDLE))
    found = list(rows_checks(config, rows, limits))
    found += judge_models(rows, taxonomy, measured[0], measured[1], limits)
    shown = {f"unseen {name}" for name in publishable.source_names(config)} | {HAND_WRITTEN}
    facts = as_json(challenger, champion, found)
    facts |= comparison(rows, taxonomy, *measured, frozenset(shown), limits)
    runs.write_json(config.build / evidence.GATE, facts)
    if measured[0].stress:
        runs.write_json(config.build / evidence.STRESS, {"bundle": challenger.identity, "rates": measured[0].stress})
    return announce(found, challenger, champion)


def champion_directory(models: Path, named: Path | None) -> Path | None:
    """Where the model to beat is, if there is one."""
    if named is not None:
        return named
    version = shelf.current_version(models)
    return models / version if version else None


def unseen_rows(config: Config, champion: Path | None) -> Frozen:
    """The rows that are judged on: a champion that says what it was trained on is not asked about that."""
    rows = Frozen.read(config.build)
    if champion is None or not (champion / trained.FILE).exists():
        return rows
    rows = rows.where(~leaks.trained_before(rows, Trained.read(champion / trained.FILE)))
    if not rows.texts:
        raise InputError(
            f"{champion} was trained on all merchants that are evaluated here: nothing is left to compare on"
        )
    return rows


def sizes(folder: Path) -> int:
    """Bytes of a bundle."""
    return sum(path.stat().st_size for path in folder.iterdir())


def measure_all(
    challenger: Any, champion: Any | None, rows: Frozen, taxonomy: Taxonomy, size_bytes: int
) -> tuple[Measured, Measured | None]:
    """Measure both models on the same rows, texts and lines."""
    models = [challenger] if champion is None else [challenger, champion]
    texts = list(dict.fromkeys(rows.texts))
    times = timing.in_turns(models, texts[:: max(1, len(texts) // timing.CALLS)])
    measured = [
        Measured(judge(model, rows, taxonomy), timing.summary(taken), stressed(model, taxonomy), size_bytes)
        for model, taken in zip(models, times, strict=True)
    ]
    return measured[0], measured[1] if champion is not None else None


def stressed(model: Model, taxonomy: Taxonomy) -> dict[str, Any]:
    """The stress suite's rates, where its hand-written codes mean anything."""
    return {} if taxonomy.own else stress.measure(model, taxonomy)


def rows_checks(config: Config, rows: Frozen, limits: Limits) -> Iterator[Check]:
    """The rows are unseen, and those of the model."""
    before = former.trained_before(config)
    yield from checks.honest(leaks.find(rows, Training.read(config.build), before), limits)
    manifest = read(config.build / runs.BUNDLE).manifest
    same = leaks.is_manifests(config.build, manifest)
    yield Check("rows of the manifest", same, f"{runs.SPLIT} is {'' if same else 'not '}the file named in {MANIFEST}")


def judge_models(
    rows: Frozen, taxonomy: Taxonomy, challenger: Measured, champion: Measured | None, limits: Limits
) -> list[Check]:
    """Every check on the models themselves."""
    new, old = challenger.answers, champion.answers if champion else None
    found = [checks.learnt(rows, new, limits)]
    if old is not None:
        found += checks.not_worse(rows, old, new, limits)
        found.append(checks.few_flips(compare.flips(rows, old, new), limits))
    found += checks.categories(rows, old, new, taxonomy, limits)
    found += checks.calibrated(rows, old, new, limits)
    found += checks.fast(challenger.latency, champion.latency if champion else None, limits)
    found.append(checks.small(challenger.size_bytes, limits))
    if challenger.stress:
        found.append(checks.invariant(challenger.stress, champion.stress if champion else None, limits))
    return found


def as_json(challenger: Model, champion: Model | None, found: list[Check]) -> dict[str, Any]:
    """The verdict."""
    return {
        "bundle": challenger.identity,
        "version": challenger.version,
        "champion": champion.identity if champion else None,
        "champion_version": champion.version if champion else None,
        "accepted": all(check.passed for check in found),
        "reasons": [f"{check.name}: {check.text}" for check in found if not check.passed],
        "checks": [{"name": check.name, "passed": check.passed, "text": check.text} for check in found],
    }


def comparison(
    rows: Frozen,
    taxonomy: Taxonomy,
    challenger: Measured,
    champion: Measured | None,
    shown: frozenset[str],
    limits: Limits,
) -> dict[str, Any]:
    """What the report shows of both models."""
    facts: dict[str, Any] = {"latency": {"challenger": challenger.latency}}
    if champion is None:
        return facts
    old, new, fewest = champion.answers, challenger.answers, int(limits.fewest_rows)
    categories = compare.by_group(rows, old, new, checks.category_of_rows(rows, taxonomy), fewest)
    sets = compare.by_group(rows, old, new, rows.sets, fewest)
    facts["latency"]["champion"] = champion.latency
    facts["overall"] = compare.overall(rows, old, new, fewest).as_json()
    facts["sets"] = {name: found.as_json() for name, found in sets.items()}
    facts["categories"] = {name: found.as_json() for name, found in categories.items()}
    facts["flips"] = compare.flips(rows, old, new) | {"examples": compare.flip_examples(rows, old, new, shown)}
    return facts


def announce(found: list[Check], challenger: Model, champion: Model | None) -> int:
    """Print the checks and the verdict; returns the exit code."""
    for check in found:
        print(f"gate: {'pass  ' if check.passed else 'REFUSE'} {check.name}: {check.text}")
    accepted = all(check.passed for check in found)
    against = f"against {champion.version}" if champion else "without a current model"
    print(f"gate: {challenger.version} {'accepted' if accepted else 'refused'} {against}")
    return 0 if accepted else 1
