"""The example service answers under load while its model is replaced, and says what it did in its metrics."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

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


class Running(NamedTuple):
    process: subprocess.Popen[str]
    port: int


@pytest.fixture
def running(models: Path) -> Iterator[Running]:
    command = [sys.executable, str(FOLDER / "service.py"), "--model", str(models), "--port", "0"]
    command += ["--budget-ms", "5000"]  # a busy test machine must not decide what is answered
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "serve")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        found = re.search(r":(\d+)$", process.stdout.readline().strip())
        try:
            assert found
            yield Running(process, int(found.group(1)))
        finally:
            process.terminate()
            assert process.wait(60) == 0


@pytest.fixture
def port(running: Running) -> int:
    return running.port


def ask(port: int, method: str, path: str, body: str | bytes | Iterator[bytes] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
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
    assert "\nclassification_seconds_count 3.0\n" in metrics
    assert '\nclassification_seconds_bucket{le="+Inf"} 3.0\n' in metrics
    assert '\nclassifications_total{outcome="confident"} 3.0\n' in metrics
    assert '\nmodel_info{version="one"} 1.0\n' in metrics


def test_a_wrong_request_is_told_what_was_expected(port: int) -> None:
    for body in (
        "",
        "{",
        "[]",
        '{"amount": 1}',
        '{"descriptor": 7, "amount": 1}',
        '{"descriptor": "x", "amount": null}',
        '{"descriptor": "x", "amount": NaN}',
        '{"descriptor": "x", "amount": 1e999}',
    ):
        status, text = ask(port, "POST", "/authorise", body)
        assert (body, status, "expected" in text) == (body, 400, True)
    assert ask(port, "POST", "/authorise", b'{"descriptor": "\xff", "amount": 1}')[0] == 400
    assert ask(port, "POST", "/authorise", "[" * 100_000)[0] == 400
    assert ask(port, "GET", "/nothing")[0] == 404
    assert authorise(port, "\ud800")[0] == 200  # half a character is text like any other


def test_a_body_over_a_mebibyte_is_refused_whether_or_not_its_length_is_said(port: int) -> None:
    piece = b" " * (1 << 16)
    assert authorise(port, "x" * (1 << 19))[0] == 200
    assert ask(port, "POST", "/authorise", piece * 17)[0] == 413
    assert ask(port, "POST", "/authorise", (piece for _ in range(17)))[0] == 413


def test_no_request_fails_while_the_model_is_replaced(running: Running, models: Path) -> None:
    load = module("load_test")
    seen: list[Any] = []

    def drive_until(version: str) -> None:
        deadline = time.monotonic() + 60
        while not any(version in one.versions for one in seen) and time.monotonic() < deadline:
            seen.extend(load.run(running.port, seconds=0.5, connections=4))

    drive_until("one")
    point(models, "two")
    if hasattr(signal, "SIGHUP"):  # taken at once; where a system has none, within a second
        running.process.send_signal(signal.SIGHUP)
    drive_until("two")
    assert [error for one in seen for error in one.errors] == []
    assert set().union(*(one.versions for one in seen)) == {"one", "two"}
    assert "\nmodel_swaps_total 1.0\n" in ask(running.port, "GET", "/metrics")[1]


def test_a_bad_model_is_named_and_the_old_one_goes_on(port: int, models: Path) -> None:
    (models / "two" / "model.onnx").write_bytes(b"damaged")
    point(models, "two")
    deadline = time.monotonic() + 60
    health: dict[str, Any] = {}
    while not health.get("refused_model") and time.monotonic() < deadline:
        health = json.loads(ask(port, "GET", "/healthz")[1])
        time.sleep(0.1)
    assert "model.onnx" in health["refused_model"]
    assert authorise(port, "COFFEE")[1]["model_version"] == "one"


def test_a_reload_that_was_asked_for_takes_a_good_model_and_logs_a_bad_one(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handle = ModelHandle(models)
    reload_quietly = module("service").reload_quietly
    point(models, "two")
    reload_quietly(handle)
    (models / "one" / "model.onnx").write_bytes(b"damaged")
    point(models, "one")
    reload_quietly(handle)
    assert (handle.status().version, handle.status().swaps) == ("two", 1)
    assert "still serving two" in caplog.text


def test_without_a_category_in_time_the_amount_decides(models: Path) -> None:
    example = module("service")
    service = example.Service(ModelHandle(models), budget_ms=0)
    answers = [service.authorise(example.Payment(descriptor="COFFEE", amount=amount)) for amount in (10, 500)]
    assert [(answer.decision, answer.mcc, answer.reason) for answer in answers] == [
        ("approve", None, "deadline"),
        ("review", None, "deadline"),
    ]
    assert service.registry.get_sample_value("classifications_total", {"outcome": "deadline"}) == 2
