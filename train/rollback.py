"""Stage rollback: make the model that was current before the current one, or a named one, the current one again."""

from __future__ import annotations

import argparse
from pathlib import Path

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import InputError
from train import changelog, shelf


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, to which version, and why."""
    parser.add_argument("--models", type=Path, default=shelf.MODELS, metavar="DIR", help="where models live")
    parser.add_argument("--to", metavar="VERSION", help="version to go back to (default: the one before)")
    parser.add_argument("--reason", default="", help="goes into the changelog")


def run(args: argparse.Namespace) -> int:
    """Verify the older model, then point `CURRENT` at it."""
    current = bundles.current(args.models).name
    target = args.to or before(args.models, current)
    bundles.read(args.models / target)
    reason = f": {args.reason}" if args.reason else ""
    shelf.make_current(args.models, target, [f"Rolled back from {current}{reason}."], again=True)
    print(f"rollback: {args.models / target} is the current model again, instead of {current}")
    return 0


def before(models: Path, current: str) -> str:
    """The version in use before the current one, as the changelog tells it.

    Raises:
        InputError: there is none, or the changelog does not agree with `CURRENT`.
    """
    stack = changelog.stack(models)
    if stack[-1:] != [current]:
        raise InputError(
            f"{models / changelog.FILE}: expected {current} on top, found {stack[-1:]}; name one with --to"
        )
    if len(stack) < 2:
        raise InputError(f"{models / changelog.FILE}: no model was in use before {current}")
    return stack[-2]
