"""What kind of merchant is this? A card statement descriptor in, a merchant category code out.

from merchant_classifier import MerchantClassifier
classifier = MerchantClassifier.load()
classifier.predict("SQ *BLUE BOTTLE COF OAKLAND CA").mcc
"""

from typing import TYPE_CHECKING

from merchant_classifier.errors import (
    BundleCorrupt,
    BundleError,
    BundleIncompatible,
    BundleNotFound,
    DeadlineExceeded,
    InputError,
    MemoryFileError,
    MerchantClassifierError,
    SignatureInvalid,
)
from merchant_classifier.prediction import Candidate, Mode, Prediction, Reason

if TYPE_CHECKING:
    from merchant_classifier.classifier import MerchantClassifier
    from merchant_classifier.handle import HandleStatus, ModelHandle
    from merchant_classifier.memo import MemoStatistics
    from merchant_classifier.neighbours import Evidence, Neighbour
    from merchant_classifier.rules import Kind, NewRule

__version__ = "0.1.0"

__all__ = [
    "BundleCorrupt",
    "BundleError",
    "BundleIncompatible",
    "BundleNotFound",
    "Candidate",
    "DeadlineExceeded",
    "Evidence",
    "HandleStatus",
    "InputError",
    "Kind",
    "MemoStatistics",
    "MemoryFileError",
    "MerchantClassifier",
    "MerchantClassifierError",
    "Mode",
    "ModelHandle",
    "Neighbour",
    "NewRule",
    "Prediction",
    "Reason",
    "SignatureInvalid",
    "__version__",
]

_HOMES = {
    "MerchantClassifier": "classifier",
    "ModelHandle": "handle",
    "HandleStatus": "handle",
    "MemoStatistics": "memo",
    "Evidence": "neighbours",
    "Neighbour": "neighbours",
    "Kind": "rules",
    "NewRule": "rules",
}
"""Modules that are imported at the first use of a name: numpy is most of the time an import would take."""


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
