"""`memory`: add rules to a merchant memory file, list them, find flaws in them, try them on descriptions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.errors import InputError
from merchant_classifier.memory import Memory
from merchant_classifier.memory_file import append, read
from merchant_classifier.memory_lint import lint
from merchant_classifier.rules import Kind, NewRule, Rule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the four actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_action(actions.add_parser("add", help="write a rule at the end of the file"))
    _list_action(actions.add_parser("list", help="print the rules"))
    _lint_action(actions.add_parser("lint", help="find expired, shadowed, contradicted, redundant and dead rules"))
    _test_action(actions.add_parser("test", help="show which rule decides about descriptions"))


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    action: Callable[[argparse.Namespace], int] = args.action_function
    return action(args)


# --- add ------------------------------------------------------------------------------------


def _add_action(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="memory file; made when it is not there")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], default=Kind.EXACT.value)
    parser.add_argument("--text", required=True, help="what to look for, as it stands on a statement")
    parser.add_argument("--mcc", required=True, help="the answer: an MCC or label of the model, or not_a_merchant")
    parser.add_argument("--priority", type=int, default=0, help="of several rules that fit, the highest decides")
    parser.add_argument("--author", required=True)
    parser.add_argument("--reason", required=True)
    parser.add_argument("--expires", type=_day, help="first day on which it no longer holds (YYYY-MM-DD)")
    _model_option(parser)
    parser.set_defaults(action_function=_add)


def _add(args: argparse.Namespace) -> int:
    labels = {label.name for label in MerchantClassifier.load(args.model).decider.labels}
    if args.mcc not in labels:
        raise InputError(f"--mcc: expected one of the model's {len(labels)} labels, found {args.mcc!r}")
    new = NewRule(Kind(args.kind), args.text, args.mcc, args.priority, args.author, args.reason, args.expires)
    try:
        (rule,) = append(args.file, [new])
    except ValueError as error:
        raise InputError(f"--text: {error}") from error
    print(f"#{rule.id} {rule.kind} {rule.key!r} -> {rule.mcc}")
    return 0


# --- list -----------------------------------------------------------------------------------


def _list_action(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", choices=[kind.value for kind in Kind])
    parser.add_argument("--contains", default="", help="only rules with this in a column, in any case")
    parser.set_defaults(action_function=_list)


def _list(args: argparse.Namespace) -> int:
    for rule in read(args.file).rules:
        fields = rule.fields()
        if args.kind in (None, rule.kind) and args.contains.lower() in "\t".join(fields).lower():
            print("\t".join(fields))
    return 0


# --- lint -----------------------------------------------------------------------------------


def _lint_action(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--against", type=Path, help="descriptions, one a line: rules that decide about none are dead")
    _model_option(parser)
    parser.set_defaults(action_function=_lint)


def _lint(args: argparse.Namespace) -> int:
    """Exit code 1 when there is anything to say."""
    memory = _memory(args)
    hit = None
    if args.against:
        for description in _lines_of(args.against):
            memory.decide(description)
        hit = memory.hits
    content = memory.content
    findings = lint(content.rules, date.today(), hit)
    for finding in findings:
        number = finding.rule.id
        print(f"{args.file}:{content.place(number)}: #{number} is {finding.flaw}: {finding.why}")
    print(f"{len(content.rules)} rules, {len(findings)} findings")
    return 1 if findings else 0


# --- test -----------------------------------------------------------------------------------


def _test_action(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--text", nargs="+", help="descriptions; without it, one a line from standard input")
    _model_option(parser)
    parser.set_defaults(action_function=_test)


def _test(args: argparse.Namespace) -> int:
    memory = _memory(args)
    descriptions: Iterable[str] = args.text or (line.rstrip("\r\n") for line in sys.stdin)
    for description in descriptions:
        decision = memory.decide(description)
        print(f"{description[:44]:<44}  {_shown(decision.rule) if decision else '-'}")
    return 0


def _shown(rule: Rule) -> str:
    return f"#{rule.id:<6} {rule.kind:<8} {rule.mcc:<14}  {rule.text}"


# --- shared ---------------------------------------------------------------------------------


def _model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")


def _memory(args: argparse.Namespace) -> Memory:
    memory = MerchantClassifier.load(args.model, memory=args.file).memory
    assert memory is not None  # it was asked for
    return memory


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date such as 2026-01-31, found {text!r}") from None
