"""A whole run: from an input file to a published output, its rejects, its manifest and its summary."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from merchant_classifier import __version__
from merchant_classifier.batch import manifest, pool, work
from merchant_classifier.batch.chunks import Chunk, Counts, Outcome, Reject
from merchant_classifier.batch.columnar import ArrowWriter
from merchant_classifier.batch.formats import STANDARD, Format, recognise
from merchant_classifier.batch.journal import Journal, Targets
from merchant_classifier.batch.manifest import Answering
from merchant_classifier.batch.model import Model
from merchant_classifier.batch.passing import Passing
from merchant_classifier.batch.planning import Layout, Wishes, lay_out, make_reader, make_writer
from merchant_classifier.batch.progress import Bar
from merchant_classifier.batch.sources import DelimitedSource, Opening, Source, open_source
from merchant_classifier.batch.statistics import Statistics, total
from merchant_classifier.batch.streams import compress, fingerprint
from merchant_classifier.batch.summary_page import page
from merchant_classifier.batch.work import REJECTS_HEADER, Plan
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.scoring import WINDOW, Request

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What the user asked for.

    Attributes:
        source, output: paths, or `-`.
        opening: how the input is read.
        wishes: what the output holds.
        model: what answers.
        output_format: None goes by the output's name, on standard output by the input.
        rejects: file for rows that cannot be read; None puts one beside the output when there are any.
        strict: stop at the first such row.
        jobs: processes.
    """

    source: str
    output: str
    opening: Opening = field(default_factory=Opening)
    wishes: Wishes = field(default_factory=Wishes)
    model: Model = field(default_factory=Model)
    output_format: str | None = None
    rejects: str | None = None
    strict: bool = False
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it.

    Attributes:
        counts: over the whole file.
        resumed: rows of them that an earlier, interrupted run had read.
        classified: distinct descriptors that went through the model in this run.
        seconds: of this run.
        first_reject: of this run.
        rejects: the rejects file, if there is one.
        statistics: for the summary, if it was asked for.
        summary: the page with the summary, if there is one.
    """

    counts: Counts
    resumed: int
    classified: int
    seconds: float
    first_reject: Reject | None
    rejects: Path | None
    statistics: Statistics | None
    summary: Path | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    source: Source
    layout: Layout
    plan: Plan
    format: Format
    hashes: dict[str, str | None]
    rejects: Path | None

    @property
    def schema(self) -> Any:
        """Of an output that is put together at the end; None for text."""
        return self.plan.writer.schema if isinstance(self.plan.writer, ArrowWriter) else None


def say_to_user(line: str) -> None:
    """A remark on standard error, where it does not mix with output."""
    print(line, file=sys.stderr)


def run(job: Job, say: Say = say_to_user) -> Report:
    """Score a file.

    Raises:
        InputError: the input or a wish is at fault; nothing was published.
        BundleError: the model must not be used.
    """
    started = perf_counter()
    opened = job.model.load()
    answering = Answering(opened.version, opened.identity)
    # Several processes open one each; this one's would only take up memory then.
    classifier = opened if job.jobs == 1 else None
    del opened
    prepared = _prepare(job, answering.identity, say)
    with _writing(job.output), _open_sink(job, prepared) as sink:
        resumed = sink.progress.counts.read
        if resumed:
            say(f"{job.output}: goes on behind row {resumed:,}, where an interrupted run was")
        classified, first = (0, None) if sink.finished else _score(job, prepared, sink, classifier)
        counts = sink.progress.counts
        _check_unchanged(job, prepared)
        statistics = total(sink.statistics_lines()) if job.wishes.summary else None
        keep = prepared.rejects is not None and (job.rejects is not None or counts.rejected > 0)
        small = _small_files(job, prepared, answering, counts, statistics)
        sink.publish(small, keep_rejects=keep)
    return Report(
        counts=counts,
        resumed=resumed,
        classified=classified,
        seconds=perf_counter() - started,
        first_reject=first,
        rejects=prepared.rejects if keep else None,
        statistics=statistics,
        summary=next((path for path in small if path.suffix == ".html"), None),
    )


@contextmanager
def _writing(output: str) -> Iterator[None]:
    """Errors of reading name their file already; what is left is the output's disk."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{error.filename or output}: cannot be written ({error.strerror or error})") from error


def _small_files(
    job: Job, prepared: _Prepared, answering: Answering, counts: Counts, statistics: Statistics | None
) -> dict[Path, bytes]:
    """Paths and contents of what stands beside the output."""
    if job.output == STANDARD:
        return {}
    output = Path(job.output)
    described = manifest.describe(prepared.source, prepared.hashes, prepared.layout, job.model, answering, counts)
    files = {output.with_name(output.name + ".manifest.json"): described}
    if statistics:
        drawn = page(statistics, Path(job.source).name, answering.version)
        files[output.with_name(output.name + ".summary.html")] = drawn
    return files


def _prepare(job: Job, identity: str, say: Say) -> _Prepared:
    _check_paths(job)
    source = open_source(job.source, job.opening)
    by_input = source.format.value if job.output == STANDARD else None
    output, compression = recognise(job.output, job.output_format or by_input, "--output-format")
    layout = lay_out(source, job.wishes, job.opening.preset, say)
    plan = Plan(
        path=job.source,
        reader=make_reader(source, layout, job.wishes, output),
        writer=make_writer(source, layout, output),
        column=layout.column,
        request=Request(layout.answers),
        compression=compression,
        strict=job.strict,
        statistics=job.wishes.summary,
        model=replace(job.model, identity=identity),
        window=WINDOW // job.jobs,
    )
    return _Prepared(source, layout, plan, output, _hashes(job), _rejects_path(job))


def _hashes(job: Job) -> dict[str, str | None]:
    """SHA-256 of the files that decide the output; None for a pipe and for no file."""
    files = {"input": job.source if job.source != STANDARD else None, "memory": job.model.memory}
    return {name: fingerprint(path) if path else None for name, path in files.items()}


def _check_unchanged(job: Job, prepared: _Prepared) -> None:
    """A memory file is followed while it changes, and then the rows would not have been answered by the same rules."""
    memory = job.model.memory
    if memory and fingerprint(memory) != prepared.hashes["memory"]:
        raise InputError(f"{memory}: changed during the run; run again")


def _check_paths(job: Job) -> None:
    if job.jobs < 1:
        raise InputError(f"--jobs: expected at least 1, found {job.jobs}")
    source, output = Path(job.source), Path(job.output)
    if STANDARD not in (job.source, job.output) and source.exists() and output.exists() and output.samefile(source):
        raise InputError(f"{job.output}: is the input; expected another name")


def _rejects_path(job: Job) -> Path | None:
    if job.rejects is not None:
        return Path(job.rejects)
    return _rejects_beside(job.output) if job.output != STANDARD else None


def _rejects_beside(output: str) -> Path:
    return Path(output + ".rejects.csv")


def _open_sink(job: Job, prepared: _Prepared) -> Journal | Passing:
    source, parquet = prepared.source, prepared.format is Format.PARQUET
    if job.output == STANDARD:
        return Passing(source.start, prepared.rejects, prepared.schema, parquet)
    targets = Targets(Path(job.output), prepared.rejects or _rejects_beside(job.output))
    return Journal(targets, _work(job, prepared), source.start, resumable=job.source != STANDARD)


def _work(job: Job, prepared: _Prepared) -> dict[str, Any]:
    """Everything that decides the bytes of the output."""
    libraries = ("pyarrow", "numpy", "onnxruntime")
    return {
        "hashes": prepared.hashes,
        "plan": repr(prepared.plan),
        "names": prepared.layout.names,
        "chunk": job.opening.chunk_bytes,
        "rejects": job.rejects,
        "versions": {"merchant-classifier": __version__} | {name: version(name) for name in libraries},
    }


def _score(
    job: Job, prepared: _Prepared, sink: Journal | Passing, classifier: MerchantClassifier | None
) -> tuple[int, Reject | None]:
    """Score all chunks that are left; returns how many descriptors were classified, and the first reject."""
    plan, source = prepared.plan, prepared.source
    sink.begin(_top(prepared), REJECTS_HEADER)
    classified, first = 0, None
    with Bar(Path(job.source).name, sink.progress.counts.read) as bar:
        for outcome in _outcomes(job, plan, classifier, source.chunks(sink.progress.position)):
            sink.append(outcome)
            classified += outcome.classified
            first = first or outcome.first_reject
            bar.show(sink.progress.counts.read, source.share(outcome.end))
    sink.seal()
    if prepared.schema is not None:
        sink.assemble(prepared.schema, prepared.format is Format.PARQUET)
    return classified, first


def _outcomes(
    job: Job, plan: Plan, classifier: MerchantClassifier | None, chunks: Iterator[Chunk]
) -> Iterator[Outcome]:
    return work.outcomes(plan, classifier, chunks) if classifier else pool.outcomes(plan, chunks, job.jobs)


def _top(prepared: _Prepared) -> bytes:
    """What stands above the first row."""
    header = prepared.source.header if isinstance(prepared.source, DelimitedSource) else None
    mark, written = (header.bom, header.text) if header and prepared.format.is_delimited else (b"", b"")
    return compress(mark + prepared.plan.writer.header(prepared.layout.names, written), prepared.plan.compression)
