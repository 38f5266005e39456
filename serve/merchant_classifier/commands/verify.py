"""`verify`: is this model whole, does it answer as where it was made, and fast enough? Exit code 1 if not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from merchant_classifier import bundle as bundles
from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import BundleCorrupt, BundleError, InputError
from merchant_classifier.prediction import Mode
from merchant_classifier.sample import descriptors
from merchant_classifier.signing import KEY_BYTES
from merchant_classifier.timing import relative_tail

CONFIDENCE_TOLERANCE = 1e-4
"""Largest difference of a confidence: processors round sums in different orders."""

LATENCY_BOUND = 15.0
"""Largest 99th percentile of one call, in reference operations (see `timing`): twice what was measured."""

_TIMED_CALLS, _TIMED_ROUNDS = 1000, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--public-key", metavar="FILE", help="Ed25519 key it must be signed with (raw or hex)")
    parser.add_argument("--sha256", metavar="HEX", help="identity the model must have")
    parser.add_argument(
        "--latency-bound",
        type=float,
        default=LATENCY_BOUND,
        help="reference operations the 99th percentile may take; 0 skips the check (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Check in order of cost, print one line a check."""
    public_key = read_public_key(args.public_key) if args.public_key else None
    try:
        classifier = MerchantClassifier.load(args.model, expected_sha256=args.sha256, public_key=public_key)
    except BundleError as error:
        print(f"FAILED  files: {error}")
        return 1
    signed = ", signature fits" if public_key else ""
    print(f"ok      files: {len(bundles.DECIDING_FILES)} hashes fit{signed}; model {classifier.version}")
    print(f"        identity {classifier.identity}")
    checks: list[Callable[[], str | None]] = [lambda: check_golden(classifier, bundles.locate(args.model))]
    if args.latency_bound > 0:
        checks.append(lambda: check_latency(classifier.predict, descriptors(_TIMED_CALLS), args.latency_bound))
    complaints = [complaint for check in checks if (complaint := check())]
    for complaint in complaints:
        print(f"FAILED  {complaint}")
    return 1 if complaints else 0


def read_public_key(path: str | Path) -> bytes:
    """A raw 32-byte key, or the same in hexadecimal.

    Raises:
        InputError: the file holds neither.
    """
    try:
        content = Path(path).read_bytes()
        key = content if len(content) == KEY_BYTES else bytes.fromhex(content.decode("ascii").strip())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(f"{path}: expected an Ed25519 public key of {KEY_BYTES} bytes, raw or hexadecimal")
    return key


def check_golden(classifier: MerchantClassifier, directory: Path) -> str | None:
    """Repeat the answers in `golden.jsonl`; what is wrong, or None."""
    path = directory / bundles.GOLDEN
    if not path.is_file():
        return f"golden answers: {path} is missing"
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
        answers = classifier.predict_many([row["text"] for row in rows], mode=Mode.BEST_GUESS)
        wrong = [
            row["text"]
            for row, answer in zip(rows, answers, strict=True)
            if (answer.mcc, answer.category) != (row["mcc"], row["category"])
            or abs(answer.confidence - row["confidence"]) > CONFIDENCE_TOLERANCE
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleCorrupt(path, "lines of text, mcc, category and confidence", repr(error)) from error
    if wrong:
        return f"golden answers: {len(wrong)} of {len(rows)} differ, first: {wrong[0]!r}"
    print(f"ok      golden answers: {len(rows)} repeated within {CONFIDENCE_TOLERANCE:g}")
    return None


def check_latency(call: Callable[[str], object], texts: Sequence[str], bound: float) -> str | None:
    """Time calls against the reference operation; what is wrong, or None. The best of three rounds counts."""
    tail = float("inf")
    for _ in range(_TIMED_ROUNDS):
        tail = min(tail, relative_tail(call, texts))
        if tail <= bound:
            print(f"ok      latency: p99 is {tail:.1f} reference operations, at most {bound:g} allowed")
            return None
    return f"latency: p99 is {tail:.1f} reference operations, at most {bound:g} allowed"
