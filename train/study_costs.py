"""What each system of the study costs: milliseconds of an answer, seconds and energy of an update, bytes held."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.memory import Memory
from merchant_classifier.memory_file import TITLE, lines
from merchant_classifier.rules import COLUMNS, Kind, NewRule
from merchant_classifier.text import normalize
from train import runs, timing
from train.config import Config
from train.neighbours import quantized
from train.study_accuracy import Comparison, Facts

WATTS = 15.0
"""Taken for one busy core of a server, memory and cooling included; no meter was read."""

_CALLS = 300
_MIXTURE = ((Kind.EXACT, 6), (Kind.PREFIX, 2), (Kind.DOMAIN, 1), (Kind.PATTERN, 1))
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class _Call:
    """Anything that takes a text, as something whose predictions can be timed."""

    answer: Callable[[str], object]

    def predict(self, description: str) -> object:
        """The answer."""
        return self.answer(description)


def measure(
    config: Config, comparison: Comparison, with_memory: MerchantClassifier, texts: Sequence[str], rules: int
) -> Facts:
    """Latency, updates and sizes.

    Args:
        texts: distinct lines to time answers of.
        rules: in a large memory file.
    """
    texts = list(dict.fromkeys(texts))[:_CALLS]
    with tempfile.TemporaryDirectory() as folder:
        large = _large_memory(comparison, Path(folder) / "memory.csv", rules)
        indexed = _with_index(config.build / runs.BUNDLE, comparison, Path(folder) / "bundle")
        latency = _latency(config, comparison, {"memory": with_memory, "index": indexed}, large, texts)
        reload = {"rules": len(large.content.rules), "seconds_until_a_new_line_decides": _until_it_decides(large)}
        large.close()
        names = (Path(folder) / "bundle" / bundles.NEIGHBOUR_NAMES).stat().st_size
    return {
        "latency": latency,
        "reload": reload,
        "updates": _updates(config, comparison, with_memory),
        "bytes": {"rows": len(comparison.index.labels), "index_with_names": comparison.index.nbytes + names},
    }


def _with_index(bundle: Path, comparison: Comparison, folder: Path) -> MerchantClassifier:
    """The model with the study's large index in the place of its own."""
    index, labels = comparison.index, comparison.classifier.decider.labels
    shutil.copytree(bundle, folder)
    np.save(folder / bundles.NEIGHBOUR_VECTORS, quantized(index.vectors))
    lines_of = (f"{name}\t{labels[label].name}\tstudy\n" for name, label in zip(index.names, index.labels, strict=True))
    (folder / bundles.NEIGHBOUR_NAMES).write_text("".join(lines_of), "utf-8")
    manifest = runs.read_json(folder / bundles.MANIFEST)
    for name in (bundles.NEIGHBOUR_VECTORS, bundles.NEIGHBOUR_NAMES):
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    runs.write_json(folder / bundles.MANIFEST, manifest)
    return MerchantClassifier.load(folder)


def _latency(
    config: Config, comparison: Comparison, loaded: dict[str, MerchantClassifier], large: Memory, texts: list[str]
) -> Facts:
    """Quantiles of single calls on one thread, each the best of three rounds in turns."""
    rules, merchants = len(large.content.rules), len(comparison.index.labels)
    calls: dict[str, Callable[[str], object]] = {
        "predict": comparison.classifier.predict,
        "predict with memory": loaded["memory"].predict,
        "explain": comparison.classifier.explain,
        f"explain, {merchants:,}": loaded["index"].explain,
        "normalise": normalize,
        f"and look up {rules:,} rules": large.decide,
    }
    if comparison.sizes["small"]:
        calls["frozen encoder"] = _frozen_encoder(config)
    timed = timing.in_turns([_Call(call) for call in calls.values()], texts)
    return {name: timing.summary(times) for name, times in zip(calls, timed, strict=True)}


def _frozen_encoder(config: Config) -> Callable[[str], object]:
    from train.base_model import single_embedder

    return single_embedder(config.teacher.base)


def _updates(config: Config, comparison: Comparison, with_memory: MerchantClassifier) -> Facts:
    """Seconds until new knowledge decides: appended to the memory or an index, or trained again."""
    merchants = comparison.sets.new
    rules = [NewRule(Kind.MERCHANT, merchant.name, merchant.label) for merchant in merchants]
    memory = with_memory.memory
    assert memory is not None  # the study loaded it
    appended = _timed(lambda: memory.add(rules))
    words = [normalize(merchant.name).text for merchant in merchants]
    numbers = np.zeros(len(words), np.int64)
    indexed = _timed(lambda: comparison.index.changed(comparison.classifier.represent(words), numbers, words))
    training = _training_seconds(config)
    facts: Facts = {"merchants": len(merchants), "watts": WATTS}
    for name, seconds in (("append_to_memory", appended), ("append_to_index", indexed), ("train_again", training)):
        facts[name] = {"seconds": round(seconds, 3), "joules": round(seconds * WATTS, 1)} if seconds else None
    return facts


def _training_seconds(config: Config) -> float:
    """Wall-clock time from the rows to the sealed bundle of the run, as its files tell; 0 when they do not."""
    marks = [config.build / "collect.json", config.build / runs.BUNDLE / bundles.MANIFEST]
    if not all(mark.exists() for mark in marks):
        return 0.0
    first, last = (mark.stat().st_mtime for mark in marks)
    return max(0.0, last - first)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _large_memory(comparison: Comparison, path: Path, count: int) -> Memory:
    """A memory of rules of every kind about the rows of the index."""
    rng = random.Random(0)
    kinds = [kind for kind, parts in _MIXTURE for _ in range(parts)]
    label = comparison.sets.new[0].label
    rules = []
    for number in range(count):
        words = comparison.index.names[number % len(comparison.index.names)]
        kind = kinds[number % len(kinds)]
        text = {Kind.DOMAIN: f"shop{number}.example.com", Kind.PATTERN: f"*{words}*{rng.randrange(100)}*"}.get(
            kind, words
        )
        try:
            rules.append(NewRule(kind, text, label).numbered(number + 1))
        except ValueError:
            continue  # a name too short for a pattern
    path.write_text(f"{TITLE}\n{','.join(COLUMNS)}\n{lines(rules)}", "utf-8")
    # No rule of these kinds needs a vector.
    return Memory(path, {label}, lambda rows: np.zeros((len(rows), 1), np.float32))


def _until_it_decides(memory: Memory) -> float:
    """Seconds between writing a line to the file and the first call that obeys it."""
    mcc = memory.content.rules[0].mcc
    added = NewRule(Kind.EXACT, "quxwert zuiopas", mcc).numbered(10 * len(memory.content.rules))
    with memory.path.open("a", encoding="utf-8") as file:
        file.write(lines([added]))
    start = time.perf_counter()
    while memory.decide("QUXWERT ZUIOPAS") is None:
        if time.perf_counter() - start > _PATIENCE:
            return float("nan")
        time.sleep(0.01)
    return round(time.perf_counter() - start, 3)
