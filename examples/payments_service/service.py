"""A small payments service that classifies in its authorisation path: FastAPI on uvicorn, for loopback.

python examples/payments_service/service.py --model models --port 8080

POST /authorise   {"descriptor": "...", "amount": 12.5} -> decision, category, MCC, model version
GET  /metrics     Prometheus text: latency histogram, outcomes, model version, swaps
GET  /healthz     200 while it serves; names the last model that was refused

A new model is taken without a restart when models/CURRENT changes, or at once
on SIGHUP; a request that is being answered keeps the model it began with.
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, FiniteFloat

from merchant_classifier import BundleError, DeadlineExceeded, ModelHandle, Prediction

BUDGET_MS = 20.0
"""Milliseconds that authorisation can spare for the category; without one, it decides by amount alone."""

REVIEWED_MCCS = frozenset({"7995", "6051", "5967"})
"""Gambling, quasi cash and adult services are reviewed above the limit."""

REVIEW_LIMIT = 200.0
MAX_BODY = 1 << 20
BUCKETS = (0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
EXPECTED = "expected a JSON object (application/json) with descriptor, a string, and amount, a finite number"


class Payment(BaseModel):
    """What is to be authorised."""

    descriptor: str
    amount: FiniteFloat  # Python reads NaN in JSON, and NaN is above no limit


class Answer(BaseModel):
    """What was decided; no MCC, category and model version where the budget did not allow a classification."""

    decision: Literal["approve", "review"]
    mcc: str | None
    category: str | None
    reason: str
    model_version: str | None


class ModelMetrics(Collector):
    """What the handle says about its model, read when somebody asks."""

    def __init__(self, handle: ModelHandle) -> None:
        self._handle = handle

    def collect(self) -> Iterator[Metric]:
        """Version, swaps and whether the last reload failed."""
        status = self._handle.status()
        yield InfoMetricFamily("model", "The model that answers.", {"version": status.version})
        yield CounterMetricFamily("model_swaps", "How often the model was replaced.", status.swaps)
        yield GaugeMetricFamily("model_reload_failing", "1: the newest model is refused.", status.failure is not None)


class Service:
    """The decision, without HTTP."""

    def __init__(self, handle: ModelHandle, budget_ms: float = BUDGET_MS) -> None:
        self.handle = handle
        self.registry = CollectorRegistry()
        self.registry.register(ModelMetrics(handle))
        self._budget_ms = budget_ms
        self._seconds = Histogram("classification_seconds", "Time of a call.", buckets=BUCKETS, registry=self.registry)
        self._outcomes = Counter("classifications", "Classifications by outcome.", ["outcome"], registry=self.registry)

    def authorise(self, payment: Payment) -> Answer:
        """Decide about one payment."""
        prediction: Prediction | None = None
        with self._seconds.time(), suppress(DeadlineExceeded):
            prediction = self.handle.predict(payment.descriptor, budget_ms=self._budget_ms)
        outcome = prediction.reason.value if prediction else "deadline"
        self._outcomes.labels(outcome).inc()
        reviewed = payment.amount > REVIEW_LIMIT and (prediction is None or prediction.mcc in REVIEWED_MCCS)
        return Answer(
            decision="review" if reviewed else "approve",
            mcc=prediction.mcc if prediction else None,
            category=prediction.category if prediction else None,
            reason=outcome,
            model_version=prediction.model_version if prediction else None,
        )


def create_app(service: Service) -> FastAPI:
    """HTTP around the service."""
    # No pages of documentation: they would load scripts from other hosts.
    app = FastAPI(title="Payments", docs_url=None, redoc_url=None, max_body_size=MAX_BODY)

    @app.exception_handler(RequestValidationError)
    async def refuse(_request: Request, _error: RequestValidationError) -> JSONResponse:
        # Not FastAPI's own answer: it repeats the input, which can hold personal data.
        return JSONResponse({"detail": EXPECTED}, 400)

    @app.post("/authorise")
    async def authorise(payment: Payment) -> Answer:
        # In the event loop on purpose: handing a classification to a thread of the pool cost more than waiting for it
        # (a plain `def` measured slower at one connection and at four). With a slower step beside it, use `def`.
        return service.authorise(payment)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/healthz")
    async def healthz() -> dict[str, str | None]:
        status = service.handle.status()
        return {"model_version": status.version, "refused_model": status.failure}

    return app


def reload_quietly(handle: ModelHandle) -> None:
    """Reload on request; a bad model is in the status and in the log, and the old one goes on."""
    try:
        handle.reload()
    except BundleError as error:
        logging.error("still serving %s: %s", handle.status().version, error)


def serve(service: Service, listener: socket.socket) -> None:
    """Answer on `listener` until SIGTERM or SIGINT, then end with exit code 0."""
    handle = service.handle
    if hasattr(signal, "SIGHUP"):
        # Loading takes a moment: not inside the signal handler, where the event loop would stand still.
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=reload_quietly, args=(handle,)).start())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # uvicorn raises the signal again once it has shut down
    # No access log: descriptors can hold personal data.
    config = uvicorn.Config(
        create_app(service), access_log=False, log_config=None, lifespan="off", timeout_graceful_shutdown=5
    )
    print(f"serving {handle.status().version} on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run([listener])


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A small payments service on loopback.")
    parser.add_argument("--model", help="models directory (default: the one that ships with the package)")
    parser.add_argument("--port", type=int, default=8080, help="0 picks a free one, which is printed")
    parser.add_argument("--budget-ms", type=float, default=BUDGET_MS, help="for one call (default: %(default)g)")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    try:
        handle = ModelHandle(args.model).watch(1.0)
        listener = socket.create_server(("127.0.0.1", args.port), backlog=128)
    except (BundleError, OSError, OverflowError) as error:
        parser.error(str(error))
    # An answer is two small writes: without this the second waits 40 ms. asyncio does it for sockets it made itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener, handle:
        serve(Service(handle, args.budget_ms), listener)


if __name__ == "__main__":
    main()
