"""`python -m train STAGE`: one module a stage, imported only when it is asked for. `train/stages.py` lists them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from merchant_classifier.errors import MerchantClassifierError
from train.stages import STAGES, Stage

DEFAULT_CONFIG = "train/configs/default.toml"

BAD_INPUT = 2
"""Exit code of a user's mistake; 1 means that a check or gate said no."""

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(arguments[0] if arguments else "")
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args))
    except (MerchantClassifierError, OSError) as error:
        print(f"train {args.stage}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"train {args.stage}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser(wanted: str) -> argparse.ArgumentParser:
    """The parser; only the wanted stage's module is imported."""
    parser = argparse.ArgumentParser(prog="python -m train", description="The stages, in the order in which they run.")
    commands = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for stage in STAGES:
        command = commands.add_parser(
            stage.name, help=stage.summary, description=stage.summary[0].upper() + stage.summary[1:] + "."
        )
        if stage.name == wanted:
            _fill(command, stage)
    return parser


def _fill(command: argparse.ArgumentParser, stage: Stage) -> None:
    if stage.reads:
        command.add_argument(
            "--config", default=DEFAULT_CONFIG, metavar="TOML", help="configuration of the run (default: %(default)s)"
        )
    module = stage.load()
    module.add_arguments(command)
    command.set_defaults(run=module.run)


if __name__ == "__main__":
    sys.exit(main())
