"""What kind of merchant is this? A card statement descriptor in, a merchant category code out.

from merchant_classifier import MerchantClassifier
classifier = MerchantClassifier.load()
classifier.predict("SQ *BLUE BOTTLE COF OAKLAND CA").mcc
"""

from merchant_classifier.classifier import MerchantClassifier
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

__version__ = "0.1.0"

__all__ = [
    "BundleCorrupt",
    "BundleError",
    "BundleIncompatible",
    "BundleNotFound",
    "Candidate",
    "DeadlineExceeded",
    "InputError",
    "MemoryFileError",
    "MerchantClassifier",
    "MerchantClassifierError",
    "Mode",
    "Prediction",
    "Reason",
    "SignatureInvalid",
    "__version__",
]
