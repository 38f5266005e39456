"""A whole run: from an input file to a published output, its rejects and its manifest."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from merchant_classifier.batch import columns, delimited
from merchant_classifier.batch.chunks import CHUNK_BYTES, Counts, Reject
from merchant_classifier.batch.journal import Journal, Targets, part_of
from merchant_classifier.batch.streams import Compression, Lookahead, fingerprint, open_stream
from merchant_classifier.batch.work import REJECTS_HEADER, Plan, outcomes
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.scoring import FIELDS, Request


@dataclass(frozen=True, slots=True)
class Job:
    """What the user asked for."""

    source: str
    output: str
    column: str | None = None
    model: str | None = None
    mode: str = "balanced"
    rejects: str | None = None
    strict: bool = False
    encoding: str = "utf-8"
    delimiter: str | None = None
    chunk_bytes: int = CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it: counts over the whole file; times and classified descriptors of this run."""

    counts: Counts
    classified: int
    seconds: float
    first_reject: Reject | None
    rejects: Path


Say = Callable[[str], None]


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def run(job: Job, say: Say = _say) -> Report:
    """Score a file."""
    started = perf_counter()
    classifier = MerchantClassifier.load(job.model, mode=job.mode)
    text = Lookahead(open_stream(job.source, Compression.NONE, job.encoding))
    delimiter = job.delimiter.encode() if job.delimiter else None
    header = delimited.read_header(job.source, text, delimiter)
    choice = columns.choose(job.source, header.names, job.column, [])
    if job.column is None:
        say(f"{job.source}: descriptions are in column {header.names[choice.index]!r} ({choice.how})")
    suffix = columns.suffix_for(header.names, FIELDS)
    if suffix:
        say(f"{job.source}: has a column of the same name already, so the new ones end in {suffix}")
    width = len(header.names)
    names = [*header.names, *(field + suffix for field in FIELDS)]
    selected: tuple[int | str, ...] = (*range(width), *FIELDS)
    reader = delimited.DelimitedReader(job.source, header.dialect, width, job.rejects is not None)
    writer = delimited.DelimitedWriter(header.dialect, header.ending, selected, width, same=True)
    plan = Plan(
        job.source,
        reader,
        writer,
        choice.index,
        Request(),
        Compression.NONE,
        job.strict,
        job.model,
        classifier.identity,
    )
    output = Path(job.output)
    rejects = Path(job.rejects) if job.rejects else output.with_name(output.name + ".rejects.csv")
    targets = Targets(output, rejects, output.with_name(output.name + ".manifest.json"))
    work = {"input": fingerprint(job.source), "plan": repr(plan), "chunk": job.chunk_bytes}
    classified, first = 0, None
    with Journal(targets, work, header.body) as journal:
        if not journal.finished:
            journal.begin(header.bom + writer.header(names), REJECTS_HEADER)
            text.skip(journal.progress.position.offset)
            pieces = delimited.chunks(text, header.dialect, journal.progress.position, job.chunk_bytes)
            for outcome in outcomes(plan, classifier, pieces):
                journal.append(outcome)
                classified += outcome.classified
                first = first or outcome.first_reject
            journal.seal()
        counts = journal.progress.counts
        manifest = {"input": work["input"], "rows": counts._asdict(), "model": classifier.version}
        part_of(targets.manifest).write_text(json.dumps(manifest, indent=2) + "\n")
        journal.publish(keep_rejects=job.rejects is not None or counts.rejected > 0)
    return Report(counts, classified, perf_counter() - started, first, rejects)
