"""The report: complete, from `metrics.json` alone, offline, escaped, and without anybody else's rows."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from merchant_classifier import bundle as bundles
from tests import tiny_run
from train import charts, config, evidence, pages, publishable, report, timing
from train.__main__ import main

VOID = {"meta", "line", "rect", "circle", "polyline", "br"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made once."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tiny_run.evaluated(folder)
    return folder


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as working directory."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def facts(*, gate: bool = True) -> dict[str, Any]:
    """The run's evidence, with a gate's word against an older model."""
    settings = config.load(tiny_run.CONFIG)
    identity = bundles.read(settings.build / "bundle").identity
    found = evidence.gather(settings, identity, publishable.of(settings))
    if gate:
        found["gate"] = _gate()
    return found


def _gate() -> dict[str, Any]:
    part = {"rows": 50, "champion": 0.4, "challenger": 0.4321, "difference": {"value": 0.03, "low": 0.01, "high": 0.05}}
    flip = {"text": "<b>CAFE & CO", "accepted": ["5814"], "champion": "5814", "challenger": "5812", "confidence": 0.7}
    flips = {"rows": 9999, "broken": 77, "mended": 88, "broken_share": 0.0123, "mended_share": 0.1, "examples": [flip]}
    checks = [{"name": "size", "passed": False, "text": "99 MB"}]
    histogram = {"histogram": [[0.1, 0.2, 5], [0.2, 0.4, 15], [50.0, None, 1]]}
    return {
        "champion_version": "0.9",
        "accepted": False,
        "reasons": ["size: 99 MB"],
        "checks": checks,
        "latency": {"challenger": histogram, "champion": histogram},
        "sets": {"unseen curated-real": part},
        "categories": {"groceries": part},
        "flips": flips,
    }


class Wellformed(HTMLParser):
    """Fails on a tag that is closed before its children are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """A tag without children: nothing to close."""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.usefixtures("here")
def test_the_page_follows_from_the_stored_metrics_alone() -> None:
    found = facts()
    again = json.loads(json.dumps(found, sort_keys=True))
    assert report.page(again) == report.page(found)


@pytest.mark.usefixtures("here")
def test_every_part_is_there() -> None:
    page = report.page(facts())
    parser = Wellformed()
    parser.feed(page)
    assert parser.open == []
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "How often it is right", "Does it know when it is right?", "By spending category", "What the gate checked",
        "Against 0.9", "Most confused", "Perhaps wrongly labelled", "How fast it is", "What it learnt from",
    ]  # fmt: skip
    assert page.count('<svg class="chart"') >= 6
    for number in ("43.2", "9,999", "77", "88", "1.2\u202f%", "99 MB"):
        assert number in page


@pytest.mark.usefixtures("here")
def test_it_opens_offline_and_runs_nothing() -> None:
    page = report.page(facts())
    assert not re.search(r"https?:|<script|<link|@import|url\(|onload", page)
    assert len(page) < 300_000


@pytest.mark.usefixtures("here")
def test_descriptions_are_escaped() -> None:
    page = report.page(facts())
    assert "&lt;b&gt;CAFE &amp; CO" in page
    assert "<b>CAFE" not in page


@pytest.mark.usefixtures("here")
def test_a_model_without_a_gate_has_a_page_too() -> None:
    assert "has not judged" in report.page(facts(gate=False))
    assert main(["report", "--config", tiny_run.CONFIG]) == 0
    assert Path("build/run/report.html").stat().st_size > 10_000


def test_examples_come_from_the_repository_alone(here: Path) -> None:
    path = here / "build/run/predictions.parquet"
    table = pq.read_table(path).to_pylist()
    wrong = next(row for row in table if not row["right"] and row["set"] == "unseen curated-real")
    theirs = [wrong | {"set": name, "text": "PRIVATE SHOP", "confidence": 1.0} for name in ("unseen toronto", "seen")]
    ours = [wrong | {"text": "OUR SHOP", "confidence": 1.0}]
    pq.write_table(pa.Table.from_pylist(table + theirs + ours), path)
    text = json.dumps(facts()) + report.page(facts())
    assert "OUR SHOP" in text
    assert "PRIVATE" not in text


def test_a_curve_stays_inside_its_frame() -> None:
    points = [(0.0, -1.0), (0.5, 0.5), (1.0, 9.0)]
    svg = charts.lines("curve", {"one": points}, charts.shares("x"), charts.shares("y"))
    drawn = re.findall(r"([\d.-]+),([\d.-]+)", svg.split("polyline")[1])
    assert all(0 <= float(x) <= charts.WIDTH and 0 <= float(y) <= charts.HEIGHT for x, y in drawn)


def test_a_histogram_covers_all_its_calls() -> None:
    bins = timing.summary(np.array([0.05, 0.3, 0.31, 2.0, 500.0]))["histogram"]
    assert sum(count for _, _, count in bins) == 5
    assert bins[0][0] == 0.0
    assert bins[-1][1] is None


def test_numbers_stand_right_and_text_left() -> None:
    html = pages.table(["name", "share"], [["a", "1.5\u202f%"], ["b", "20.0\u202f%"]]).text
    assert html.count('<td class="number">') == 2
    assert pages.table(["name"], []).text == '<p class="soft">None.</p>'


@pytest.mark.usefixtures("here")
def test_a_study_of_the_model_gets_its_page_too_and_one_of_another_model_does_not() -> None:
    sizes = ["--size", "12", "--updates", "3", "--index", "40", "--frozen", "0", "--rules", "50"]
    assert main(["study", "--config", tiny_run.CONFIG, *sizes]) == 0
    settings = config.load(tiny_run.CONFIG)
    bundle = bundles.read(settings.build / "bundle")
    page = report.documents(facts(), bundle)["study.html"]
    assert page == (settings.build / "study.html").read_text("utf-8")
    parser = Wellformed()
    parser.feed(page)
    assert not parser.open
    study = settings.build / evidence.STUDY
    study.write_text(json.dumps(json.loads(study.read_text("utf-8")) | {"bundle": "another"}), "utf-8")
    assert "study.html" not in report.documents(facts(), bundle)
