"""The example service answers under load while its model is replaced, and says what it did in its metrics."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from merchant_classifier import ModelHandle
from tests.variants import point, variant

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples/payments_service"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"payments_service_{name}", FOLDER / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def models(tmp_path: Path) -> Path:
    variant(tmp_path / "one", "one", 1.0)
    variant(tmp_path / "two", "two", 2.0)
    point(tmp_path, "one")
    return tmp_path


@pytest.fixture
def port(models: Path) -> Iterator[int]:
    command = [sys.executable, str(FOLDER / "service.py"), "--model", str(models), "--port", "0"]
    command += ["--budget-ms", "5000"]  # a busy test machine must not decide what is answered
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "serve")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        found = re.search(r":(\d+)$", process.stdout.readline().strip())
        try:
            assert found
            yield int(found.group(1))
        finally:
            process.terminate()
            assert process.wait(20) == 0


def ask(port: int, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def authorise(port: int, descriptor: Any, amount: Any = 10) -> tuple[int, dict[str, Any]]:
    status, text = ask(port, "POST", "/authorise", json.dumps({"descriptor": descriptor, "amount": amount}))
    answer: dict[str, Any] = json.loads(text)
    return status, answer


def test_decides_by_category_and_amount_and_counts_it(port: int) -> None:
    assert authorise(port, "SQ *BLUE COFFEE")[1]["decision"] == "approve"
    status, answer = authorise(port, "CITY CASINO", 500)
    assert (status, answer["decision"], answer["mcc"]) == (200, "review", "7995")
    assert authorise(port, "CITY CASINO", 50)[1]["decision"] == "approve"
    _, metrics = ask(port, "GET", "/metrics")
    assert "classification_seconds_count 3" in metrics
    assert 'classification_seconds_bucket{le="+Inf"} 3' in metrics
    assert 'classifications_total{outcome="confident"} 3' in metrics
    assert 'model_info{version="one"} 1' in metrics


def test_a_wrong_request_is_told_what_was_expected(port: int) -> None:
    for body in (
        "",
        "{",
        "[]",
        '{"amount": 1}',
        '{"descriptor": 7, "amount": 1}',
        '{"descriptor": "x", "amount": null}',
    ):
        status, text = ask(port, "POST", "/authorise", body)
        assert (body, status, "expected" in text) == (body, 400, True)
    assert ask(port, "GET", "/nothing")[0] == 404


def test_no_request_fails_while_the_model_is_replaced(port: int, models: Path) -> None:
    def replace() -> None:
        time.sleep(0.7)
        point(models, "two")

    threading.Thread(target=replace).start()
    seen = module("load_test").run(port, seconds=3.0, connections=4)
    assert [error for one in seen for error in one.errors] == []
    assert set().union(*(one.versions for one in seen)) == {"one", "two"}
    assert "model_swaps_total 1" in ask(port, "GET", "/metrics")[1]


def test_a_bad_model_is_named_and_the_old_one_goes_on(port: int, models: Path) -> None:
    (models / "two" / "model.onnx").write_bytes(b"damaged")
    point(models, "two")
    deadline = time.monotonic() + 15
    health: dict[str, Any] = {}
    while not health.get("refused_model") and time.monotonic() < deadline:
        health = json.loads(ask(port, "GET", "/healthz")[1])
        time.sleep(0.1)
    assert "model.onnx" in health["refused_model"]
    assert authorise(port, "COFFEE")[1]["model_version"] == "one"


def test_the_same_decision_from_an_event_loop(models: Path) -> None:
    service = module("service").Service(ModelHandle(models), budget_ms=5000)

    async def many() -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = await asyncio.gather(
            *(service.authorise_async("COFFEE", 10) for _ in range(20))
        )
        return answers

    assert asyncio.run(many()) == [service.authorise("COFFEE", 10)] * 20
