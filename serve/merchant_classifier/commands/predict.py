"""`predict`: descriptions from arguments or standard input, one answer a line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.prediction import Mode, Prediction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("descriptions", nargs="*", help="descriptions; none: one a line from standard input")
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.BALANCED.value)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with every field")


def run(args: argparse.Namespace) -> int:
    """Classify and print."""
    classifier = MerchantClassifier.load(args.model, mode=args.mode)
    descriptions: Iterable[str] = args.descriptions or (line.rstrip("\r\n") for line in sys.stdin)
    for description in descriptions:
        prediction = classifier.predict(description)
        print(json.dumps(asdict(prediction), ensure_ascii=False) if args.json else _line(description, prediction))
    return 0


def _line(description: str, prediction: Prediction) -> str:
    """Columns a person can read: description, MCC, label or category, confidence, reason."""
    answer = prediction.label or prediction.category or "-"
    mcc = prediction.mcc or "-"
    return f"{description[:44]:<44}  {mcc:<4}  {answer[:44]:<44}  {prediction.confidence:4.0%}  {prediction.reason}"
