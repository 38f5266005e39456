"""From what the user asked and what the input has, to a plan every worker can follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from merchant_classifier.batch import columns
from merchant_classifier.batch.columnar import ArrowWriter, ColumnarReader
from merchant_classifier.batch.delimited import DelimitedReader, DelimitedWriter
from merchant_classifier.batch.formats import Format
from merchant_classifier.batch.jsonlines import JsonReader, JsonWriter
from merchant_classifier.batch.lexing import Dialect
from merchant_classifier.batch.presets import Preset
from merchant_classifier.batch.sources import DelimitedSource, Source
from merchant_classifier.batch.work import Reader, Writer
from merchant_classifier.errors import InputError
from merchant_classifier.scoring import FIELDS, MORE_FIELDS, Request, answer_schema, text_column, top_fields

SUMMARY_FIELDS = ("mcc", "label", "category", "confidence", "reason")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the output shall hold.

    Attributes:
        column: name of the column with descriptions; None looks for one.
        kept: output columns in their order, of the input's and the answers'; None keeps all and adds `FIELDS`.
        top: how many candidates to add.
        wrong_bytes: whether rows that are not UTF-8 are rejected; else they stop the run.
        summary: whether a summary is made, which needs some answers in any case.
    """

    column: str | None = None
    kept: tuple[str, ...] | None = None
    top: int = 0
    wrong_bytes: bool = False
    summary: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of the output.

    Attributes:
        column: index of the input column with descriptions.
        names: of the output's columns.
        selected: the index of an input column, or the name of an answer, for each.
        answers: all answers that are needed.
    """

    column: int
    names: tuple[str, ...]
    selected: tuple[int | str, ...]
    answers: tuple[str, ...]


def lay_out(source: Source, wishes: Wishes, preset: Preset, say: Callable[[str], None]) -> Layout:
    """Decide the columns; choices that were made for the user are said.

    Raises:
        InputError: a column that does not exist, cannot be told from another or holds no text.
    """
    for remark in source.remarks:
        say(f"{source.path}: {remark}")
    column = _description_column(source, wishes, preset, say)
    added = (*FIELDS, *top_fields(wishes.top))
    wanted = (*added, *(MORE_FIELDS if wishes.kept is not None else ()))
    suffix = columns.suffix_for(source.names, added)
    if suffix:
        say(f"{source.path}: has columns named like the new ones, which therefore end in {suffix!r}")
    every = (*range(len(source.names)), *wanted)
    names = (*source.names, *(name + suffix for name in wanted))
    places = range(len(names)) if wishes.kept is None else columns.select(source.path, wishes.kept, names)
    selected = tuple(every[i] for i in places)
    needed = [column for column in selected if isinstance(column, str)] + list(SUMMARY_FIELDS if wishes.summary else ())
    return Layout(column, tuple(names[i] for i in places), selected, tuple(dict.fromkeys(needed)))


def _description_column(source: Source, wishes: Wishes, preset: Preset, say: Callable[[str], None]) -> int:
    wanted = wishes.column or preset.column(source.names)
    choice = columns.choose(source.path, source.names, wanted, source.sample)
    if wishes.column is None:
        say(f"{source.path}: descriptions are in column {source.names[choice.index]!r} ({choice.how})")
    if source.schema is not None:
        text_column(source.schema, source.names[choice.index])
    return choice.index


def make_reader(source: Source, layout: Layout, wishes: Wishes, output: Format) -> Reader:
    """The reader of a source."""
    if isinstance(source, DelimitedSource):
        return DelimitedReader(source.path, source.header.dialect, len(source.names), wishes.wrong_bytes)
    if source.format is Format.JSONL:
        closed = output is not Format.JSONL
        return JsonReader(source.path, source.names, layout.column, closed, wishes.wrong_bytes)
    return ColumnarReader(source.schema)


def make_writer(source: Source, layout: Layout, output: Format) -> Writer:
    """The writer of an output.

    Raises:
        InputError: the format cannot hold these columns.
    """
    if output.is_delimited:
        return _delimited_writer(source, layout, output)
    _check_distinct(source, layout.names, output)
    if output is Format.JSONL:
        same = source.format is Format.JSONL
        return JsonWriter(layout.names, layout.selected, len(source.names), same)
    return ArrowWriter(_schema(source, layout), layout.selected)


def _delimited_writer(source: Source, layout: Layout, output: Format) -> DelimitedWriter:
    _check_text(source, layout)
    width = len(source.names)
    if isinstance(source, DelimitedSource) and source.format is output:
        return DelimitedWriter(source.header.dialect, source.header.ending, layout.selected, width, same=True)
    dialect = Dialect(b"\t" if output is Format.TSV else b",")
    return DelimitedWriter(dialect, b"\n", layout.selected, width, same=False)


def _check_text(source: Source, layout: Layout) -> None:
    for column in layout.selected:
        if source.schema is None or isinstance(column, str):
            continue
        kind = source.schema.field(column).type
        try:
            pa.nulls(0, kind).cast(pa.string())
        except pa.ArrowException as error:
            name = source.names[column]
            raise InputError(f"{source.path}: column {name!r} ({kind}) cannot be text; say --columns") from error


def _check_distinct(source: Source, names: Sequence[str], output: Format) -> None:
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"{source.path}: {count} columns are called {name!r}, which {output} cannot hold; say --columns"
        )


def _schema(source: Source, layout: Layout) -> pa.Schema:
    answers = answer_schema(Request(layout.answers))
    fields = []
    for column, name in zip(layout.selected, layout.names, strict=True):
        if isinstance(column, str):
            fields.append(answers.field(column).with_name(name))
        else:
            fields.append(source.schema.field(column) if source.schema is not None else pa.field(name, pa.string()))
    return pa.schema(fields, source.schema.metadata if source.schema is not None else None)
