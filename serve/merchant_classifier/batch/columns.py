"""Which column holds the descriptions, and what the output's columns are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from merchant_classifier.errors import InputError

# Names by their letters, the surest first: what banks, processors and ledgers call the line that a statement shows.
KNOWN_NAMES = (
    *(
        "descriptor",
        "merchantdescriptor",
        "statementdescriptor",
        "softdescriptor",
        "description",
        "transactiondescription",
    ),
    *("originaldescription", "merchantname", "cardacceptorname", "merchant", "payee", "narrative", "particulars"),
    *("verwendungszweck", "buchungstext", "libelle", "intitule", "concepto", "descripcion", "descrizione", "causale"),
    *("omschrijving", "descricao", "opis", "popis", "text", "details", "memo", "name", "reference"),
)

SUFFIX = "_predicted"
"""Of new columns when one of their names is taken."""

_SAMPLE_LETTERS = 0.5


@dataclass(frozen=True, slots=True)
class Choice:
    """The column with descriptions, and how it was found."""

    index: int
    how: str


def choose(
    path: str, names: Sequence[str], wanted: str | None, sample: Callable[[], Sequence[Sequence[str]]]
) -> Choice:
    """Find the column with descriptions.

    Args:
        path: for messages.
        names: of the columns.
        wanted: a name, or `#3` for the third column; None looks for one.
        sample: gives values of the first rows, by column; asked only when no name is known.

    Raises:
        InputError: no such column, several of that name, or none looks like descriptions.
    """
    if wanted is not None:
        return Choice(_named(path, names, wanted), "as asked")
    letters = [_letters(name) for name in names]
    for known in KNOWN_NAMES:
        if known in letters:
            return Choice(letters.index(known), "by its name")
    scores = [_text_share(values) for values in sample()]
    if scores and max(scores) >= _SAMPLE_LETTERS:
        return Choice(scores.index(max(scores)), "it holds the most text")
    raise InputError(f"{path}: no column looks like descriptions among {_listed(names)}; say --column NAME")


def _named(path: str, names: Sequence[str], wanted: str) -> int:
    found = [i for i, name in enumerate(names) if name == wanted]
    if not found and wanted[:1] == "#" and wanted[1:].isdecimal() and 1 <= int(wanted[1:]) <= len(names):
        return int(wanted[1:]) - 1
    if not found:
        raise InputError(f"{path}: no column {wanted!r}; its columns are {_listed(names)}")
    if len(found) > 1:
        places = " or ".join(f"#{i + 1}" for i in found)
        raise InputError(f"{path}: {len(found)} columns are called {wanted!r}; say --column {places}")
    return found[0]


def _letters(name: str) -> str:
    """`Transaction Description` and `transaction_description` are one name."""
    return re.sub(
        r"[\W_]+", "", name.casefold().replace("é", "e").replace("ç", "c").replace("ã", "a").replace("ó", "o")
    )


def _text_share(values: Sequence[str]) -> float:
    """How much a column looks like descriptions: letters, several words, not always the same."""
    filled = [value for value in values if value.strip()]
    if not filled:
        return 0.0
    worded = sum(len(re.findall(r"[^\W\d_]{2,}", value)) >= 2 for value in filled)
    return worded / len(values) * (len(set(filled)) > len(filled) / 10 or len(filled) < 3)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def suffix_for(names: Sequence[str], fields: Sequence[str]) -> str:
    """What to append to the names of the new columns, so that none is taken."""
    if not set(names) & set(fields):
        return ""
    suffix, number = SUFFIX, 1
    while set(names) & {field + suffix for field in fields}:
        number += 1
        suffix = f"{SUFFIX}_{number}"
    return suffix


def select(path: str, wanted: Sequence[str], names: Sequence[str]) -> list[int]:
    """Indices of the wanted columns; a name that stands twice means the first.

    Raises:
        InputError: a column that does not exist.
    """
    for name in wanted:
        if name not in names:
            raise InputError(f"{path}: --columns: no column {name!r} among {_listed(names)}")
    return [names.index(name) for name in wanted]
