"""Stage report: one HTML page about a model, self-contained, written from the evidence alone."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from html import escape
from typing import Any

from merchant_classifier import bundle as bundles
from train import config as configs
from train import evidence, publishable, runs

Facts = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This stage has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Write `build/<run>/report.html`."""
    config = configs.load(args.config)
    bundle = bundles.read(config.build / runs.BUNDLE)
    facts = evidence.gather(config, bundle.identity, publishable.of(config))
    with runs.replacing(config.build / "report.html") as temporary:
        temporary.write_text(page(facts), "utf-8")
    print(f"report: {config.build / 'report.html'}")
    return 0


def page(facts: Facts) -> str:
    """The whole page."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{part['rows']}</td><td>{part['top1']['value']:.1%}</td>"
        f"<td>{part['top3']['value']:.1%}</td><td>{part['category']['value']:.1%}</td></tr>"
        for name, part in facts["sets"].items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(facts['version'])}</title>"
        f"<h1>Merchant classifier {escape(facts['version'])}</h1><p>{facts['bundle']}</p>"
        f"<table><tr><th>set<th>rows<th>top-1<th>top-3<th>category</tr>{rows}</table></html>\n"
    )
