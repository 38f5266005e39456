"""The `merchant-classifier` command: one module a subcommand, imported only when it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from merchant_classifier.errors import MerchantClassifierError

COMMANDS = {
    "predict": "classify descriptions given as arguments or on standard input",
    "score": "classify a column of a CSV, Parquet, JSON lines or Arrow file",
    "explain": "show the nearest labelled merchants of a description",
    "audit": "check the MCCs that merchants were boarded under",
    "memory": "edit and check a merchant memory file",
    "info": "describe a model",
    "verify": "check a model's hashes, golden answers and latency",
    "bench": "measure start-up, latency and throughput",
}

BAD_INPUT = 2
"""Exit code of a user's mistake; 1 means that a check said no."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(arguments[0] if arguments else None)
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args))
    except (MerchantClassifierError, OSError) as error:
        print(f"merchant-classifier: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("merchant-classifier: interrupted", file=sys.stderr)
        return 130


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """The parser; only the wanted command's module is imported, so that start-up stays quick."""
    parser = argparse.ArgumentParser(prog="merchant-classifier", description="What kind of merchant is this?")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == wanted:
            module = import_module(f"merchant_classifier.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
