"""Export files of some banks: what stands above the header, how they are encoded, which column to read.

Layouts change when a bank redesigns its pages; these are written down from
general knowledge, and `--column`, `--encoding` and `--delimiter` go before them.
"""

from __future__ import annotations

from dataclasses import dataclass

from merchant_classifier.errors import InputError


@dataclass(frozen=True, slots=True)
class Preset:
    """How an export is read.

    Attributes:
        columns: names of the column with descriptions, newest layout first, or `#5` for the fifth.
        marker: text in the header line; lines above it are skipped.
        delimiter: None finds out.
        encoding: of the file.
        named: whether there is a header.
    """

    columns: tuple[str, ...] = ()
    marker: str = ""
    delimiter: str | None = None
    encoding: str = "utf-8"
    named: bool = True

    def column(self, names: tuple[str, ...]) -> str | None:
        """The column to read, of those that a file has."""
        return next((column for column in self.columns if column in names or column.startswith("#")), None)


PRESETS = {
    "amex": Preset(("Description",)),
    "bank-of-america": Preset(("Description",), marker="Date,Description,Amount"),
    "capital-one": Preset(("Description", "Transaction Description")),
    "chase": Preset(("Description",)),
    "dkb": Preset(("Zahlungsempfänger*in", "Auftraggeber / Begünstigter"), marker="Wertstellung", delimiter=";"),
    "ing-de": Preset(("Auftraggeber/Empfänger",), marker="Buchung;", delimiter=";", encoding="cp1252"),
    "monzo": Preset(("Description", "Name")),
    "n26": Preset(("Partner Name", "Payee")),
    "rabobank": Preset(("Naam tegenpartij",), encoding="cp1252"),
    "revolut": Preset(("Description",)),
    "sparkasse": Preset(("Beguenstigter/Zahlungspflichtiger",), delimiter=";", encoding="cp1252"),
    "starling": Preset(("Counter Party",)),
    "wells-fargo": Preset(("#5",), named=False),
    "wise": Preset(("Merchant", "Description")),
}


def find(name: str | None) -> Preset:
    """A preset by its name; None is one that says nothing.

    Raises:
        InputError: there is none of that name.
    """
    if name is None:
        return Preset()
    if name not in PRESETS:
        raise InputError(f"--preset {name}: expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
