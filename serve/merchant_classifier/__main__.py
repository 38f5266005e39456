"""`python -m merchant_classifier` is the command `merchant-classifier`."""

import sys

from merchant_classifier.cli import main

sys.exit(main())
