"""Sources of labelled rows: one module a source, each with `read(path) -> Iterator[Entry]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from merchant_classifier.errors import InputError
from train.sources.rows import Entry

Reader = Callable[[Path], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class Adapter:
    """How a source is read.

    Attributes:
        module: where `read` lives.
        foreign: the codes are somebody else's, so one that the taxonomy lacks is left out and counted
            instead of refused.
    """

    module: str
    foreign: bool = False

    def reader(self) -> Reader:
        """The module's `read`."""
        return cast(Reader, import_module(self.module).read)


ADAPTERS = {
    "labelled": Adapter("train.sources.labelled"),
    "bank_export": Adapter("train.sources.bank_export"),
    "merchants": Adapter("train.sources.merchants"),
    "curated": Adapter("train.sources.curated"),
    "registers": Adapter("train.sources.registers"),
    "toronto": Adapter("train.sources.toronto", foreign=True),
    "delaware": Adapter("train.sources.delaware", foreign=True),
    "oklahoma": Adapter("train.sources.oklahoma", foreign=True),
    "washington": Adapter("train.sources.washington", foreign=True),
    "whosonfirst": Adapter("train.sources.whosonfirst"),
    "food_hygiene": Adapter("train.sources.food_hygiene"),
    "memory": Adapter("train.sources.memory"),
}


def adapter(name: str) -> Adapter:
    """The adapter of this name.

    Raises:
        InputError: there is none.
    """
    try:
        return ADAPTERS[name]
    except KeyError:
        raise InputError(f"unknown source adapter {name!r}; expected one of {', '.join(ADAPTERS)}") from None
