"""Every exception this package raises on purpose.

    MerchantClassifierError
    ├── BundleError                 a model directory that must not be served
    │   ├── BundleNotFound          no such directory, or no manifest in it
    │   ├── BundleCorrupt           a file is missing, truncated or not the one that was hashed
    │   ├── BundleIncompatible      made for another normaliser, encoder or format version
    │   └── SignatureInvalid        not signed by the pinned key
    ├── MemoryFileError             a merchant memory file with a wrong line
    ├── InputError                  a file to be scored, audited or trained on that cannot be read
    └── DeadlineExceeded            an answer would come later than the caller's budget

Bundle errors say which file, what was expected and what was found. A user's
mistake is always one of these; anything else is a defect of ours.
"""

from __future__ import annotations

from pathlib import Path


class MerchantClassifierError(Exception):
    """Base of every deliberate error of this package."""


class BundleError(MerchantClassifierError):
    """A model directory that must not be served.

    Attributes:
        file: the file at fault.
        expected: what the bundle promises or this library needs.
        found: what is there.
    """

    def __init__(self, file: str | Path, expected: str, found: str) -> None:
        super().__init__(f"{file}: expected {expected}, found {found}")
        self.file = str(file)
        self.expected = expected
        self.found = found


class BundleNotFound(BundleError):
    """There is no model at this path."""


class BundleCorrupt(BundleError):
    """A file of the model is not the one its manifest names."""


class BundleIncompatible(BundleError):
    """The model was made for another version of this library's text processing."""


class SignatureInvalid(BundleError):
    """The manifest's signature does not fit the pinned public key."""


class MemoryFileError(MerchantClassifierError):
    """A merchant memory file cannot be used; says which line and why."""


class InputError(MerchantClassifierError):
    """An input file cannot be used; says which file, which line, what was expected."""


class DeadlineExceeded(MerchantClassifierError):
    """The estimated time of an answer is over the caller's budget."""
