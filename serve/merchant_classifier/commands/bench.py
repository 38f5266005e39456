"""`bench`: start-up, memory, latency and throughput of a model on this machine, alone or beside its rivals."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.plot import latency_svg
from merchant_classifier.rivals import RIVALS, Call, Rival, read_rows
from merchant_classifier.sample import descriptors
from merchant_classifier.timing import Latency, time_each

_STARTS, _ROUNDS, _RIVAL_CALLS = 5, 3, 300

_START_UP = """
from time import perf_counter, process_time
start = perf_counter()
import sys, merchant_classifier
imported = perf_counter()
classifier = merchant_classifier.MerchantClassifier.load(sys.argv[1])
loaded = perf_counter()
classifier.predict("SQ *BLUE BOTTLE COF OAKLAND CA")
answered = perf_counter()
try:
    pages = int(open("/proc/self/statm").read().split()[1])
    import resource
    rss = pages * resource.getpagesize() / 1e6
except OSError:
    rss = float("nan")
print(imported - start, loaded - imported, answered - loaded, answered - start, rss)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--count", type=int, default=10_000, help="made-up descriptors to time (default: %(default)s)")
    parser.add_argument("--descriptors", metavar="FILE", help="time these, one a line, instead of made-up ones")
    parser.add_argument("--compare", action="store_true", help="time what one would use instead, where it is installed")
    parser.add_argument("--rows", metavar="CSV", default="data/merchants.csv", help="rows the rivals are trained on")
    parser.add_argument("--row-count", type=int, default=10_000, help="how many of them (default: %(default)s)")
    parser.add_argument("--svg", metavar="FILE", help="draw the latency curves")
    parser.add_argument("--json", metavar="FILE", help="write every number")


def run(args: argparse.Namespace) -> int:
    """Measure, print as it goes, write the files."""
    directory = bundles.locate(args.model)
    texts = _texts(args)
    rows = read_rows(args.rows, args.row_count) if args.compare else []
    facts: dict[str, Any] = {"machine": machine(), "start_up": start_up(directory)}
    print("\n".join(f"{name:<22} {value}" for name, value in {**facts["machine"], **facts["start_up"]}.items()))
    classifier = MerchantClassifier.load(directory)
    pin_to_one_core()
    series = {}
    print(f"\n{'one call, milliseconds':<44}{'calls':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'p99.9':>9}{'worst':>9}")
    series["alone"] = _timed(facts, "alone", classifier.predict, texts)
    with busy_cores(2 * (os.cpu_count() or 1)):
        name = "two busy processes a core"
        series[name] = _timed(facts, name, classifier.predict, texts)
    facts |= throughput(directory, texts)
    print(f"\nbatch of {len(texts)} different descriptors on one core: {facts['rows_per_second']} a second,")
    print(f"{facts['rows_per_processor_second']} a second of processor time\n")
    if args.compare:
        series |= compare(facts, rows, texts, classifier)
    if args.svg:
        Path(args.svg).write_text(latency_svg(f"{facts['machine']['processor']}, one thread", series), "utf-8")
    if args.json:
        Path(args.json).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    return 0


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "load before": round(load, 2),
        "python": platform.python_version(),
    }


def start_up(directory: Path) -> dict[str, Any]:
    """Seconds of a fresh process: the first, with whatever the disk cache held, and the median of the next ones."""
    source = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))}
    runs = []
    for _ in range(1 + _STARTS):
        command = [sys.executable, "-c", _START_UP, str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        runs.append([float(value) for value in done.stdout.split()])
    imported, loaded, answered, total, rss = (median(column) for column in zip(*runs[1:], strict=True))
    return {
        "first start s": round(runs[0][3], 3),
        "import s": round(imported, 3),
        "load s": round(loaded, 3),
        "first answer ms": round(answered * 1000, 2),
        "together s": round(total, 3),
        "resident MB": round(rss, 1),
    }


def pin_to_one_core() -> None:
    """Keep this process on the last core it may use, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """That many processes that do nothing but work, on the same cores as this one may use."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def throughput(directory: Path, texts: Sequence[str]) -> dict[str, int]:
    """Descriptors a second in one `predict_many`: by the clock, and by processor time, for busy machines.

    Each round has a fresh classifier that knows none of the words.
    """
    by_clock, by_processor = [], []
    for _ in range(_ROUNDS):
        classifier = MerchantClassifier.load(directory)
        start, processor_start = perf_counter(), process_time()
        classifier.predict_many(texts)
        by_clock.append(len(texts) / (perf_counter() - start))
        by_processor.append(len(texts) / (process_time() - processor_start))
    return {
        "rows_per_second": round(median(by_clock)),
        "rows_per_processor_second": round(median(by_processor)),
    }


def compare(
    facts: dict[str, Any], rows: list[tuple[str, str]], texts: Sequence[str], classifier: MerchantClassifier
) -> dict[str, list[float]]:
    """Time the installed rivals, trained on `rows`, and this classifier on the same descriptors, in turn."""
    chosen = texts[:: max(1, len(texts) // _RIVAL_CALLS)]
    series = {"this model, again": _timed(facts, "this model, again", classifier.predict, chosen)}
    own = facts["latency"]["this model, again"]["p50"]
    for rival in RIVALS:
        if missing := rival.missing():
            print(f"{rival.name:<44} left out: not installed: {', '.join(missing)}")
            continue
        series[rival.name] = _timed(facts, rival.name, _made(rival, rows), chosen)
        ratio = facts["latency"][rival.name]["p50"] / own
        facts.setdefault("p50_over_this_model", {})[rival.name] = round(ratio, 3)
        print(f"{'':<44} p50 is {ratio:.3g} times this model's")
    return series


def _made(rival: Rival, rows: list[tuple[str, str]]) -> Call:
    call = rival.make(rows)
    call("WARM UP 123")
    return call


def _timed(facts: dict[str, Any], name: str, call: Call, texts: Sequence[str]) -> list[float]:
    """Time, print and keep the percentiles: of all calls, and of those from which the system did not take the core."""
    timed = time_each(call, texts)
    latency = Latency.of(timed.all)
    undisturbed = Latency.of(timed.undisturbed or timed.all)
    facts.setdefault("latency", {})[name] = {**asdict(latency), "undisturbed": asdict(undisturbed)}
    for label, found in ((name, latency), ("  undisturbed by other processes", undisturbed)):
        times = (found.p50, found.p95, found.p99, found.p999, found.worst)
        print(f"{label:<44}{found.calls:>7}" + "".join(f"{time:>9.3f}" for time in times))
    return timed.all


def _texts(args: argparse.Namespace) -> list[str]:
    if not args.descriptors:
        return descriptors(args.count)
    try:
        lines = Path(args.descriptors).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{args.descriptors}: expected UTF-8 text, one descriptor a line: {error}") from error
    texts = list(dict.fromkeys(line for line in lines if line.strip()))
    if not texts:
        raise InputError(f"{args.descriptors}: expected one descriptor a line, found none")
    return texts
