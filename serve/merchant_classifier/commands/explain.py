"""`explain`: the answer for descriptions, and the labelled merchants nearest to each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.neighbours import Evidence
from merchant_classifier.prediction import Mode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("descriptions", nargs="*", help="descriptions; none: one a line from standard input")
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--memory", help="merchant memory file; its confirmed merchants are neighbours too")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.BALANCED.value)
    parser.add_argument("-k", "--count", type=int, default=5, help="neighbours to show (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with every field")


def run(args: argparse.Namespace) -> int:
    """Explain and print."""
    if args.count < 1:
        raise InputError(f"--count: expected at least 1, found {args.count}")
    classifier = MerchantClassifier.load(args.model, mode=args.mode, memory=args.memory)
    descriptions: Iterable[str] = args.descriptions or (line.rstrip("\r\n") for line in sys.stdin)
    for description in descriptions:
        evidence = classifier.explain(description, count=args.count)
        print(json.dumps(asdict(evidence), ensure_ascii=False) if args.json else _lines(description, evidence))
    return 0


def _lines(description: str, evidence: Evidence) -> str:
    answer = evidence.prediction
    said = f"{answer.mcc or '-':<4}  {answer.label or answer.category or '-'}  {answer.confidence:.0%}"
    head = f"{description}\n  {said}  {answer.reason}, {answer.decided_by}"
    near = [f"    {n.similarity:5.2f}  {n.label:<14}  {n.name[:44]:<44}  {n.source}" for n in evidence.neighbours]
    return "\n".join([head, *near, f"  {_verdict(evidence)}"])


def _verdict(evidence: Evidence) -> str:
    if evidence.agree is None:
        return "nothing to compare with"
    if evidence.agree:
        return "the network and its neighbours agree"
    return f"the network and its neighbours DISAGREE: most of them are {evidence.majority}"
