"""A small payments service that classifies in its authorisation path. Standard library only, for loopback.

python examples/payments_service/service.py --model models --port 8080

POST /authorise   {"descriptor": "...", "amount": 12.5} -> decision, category, MCC, model version
GET  /metrics     Prometheus text: latency histogram, outcomes, model version, swaps
GET  /healthz     200 while it serves; names the last model that was refused

A new model is taken without a restart when models/CURRENT changes, or at once
on SIGHUP. Threads share one classifier; `authorise_async` shows the same call
from an event loop, where a thread must wait for the network so that the loop
does not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter
from typing import Any, ClassVar

from merchant_classifier import BundleError, DeadlineExceeded, ModelHandle, Prediction

BUDGET_MS = 20.0
"""Milliseconds that authorisation can spare for the category; without one, it decides by amount alone."""

REVIEWED_MCCS = frozenset({"7995", "6051", "5967"})
"""Gambling, quasi cash and adult services are reviewed above the limit."""

REVIEW_LIMIT = 200.0
MAX_BODY = 1 << 20
BUCKETS = (0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


class Metrics:
    """Counts in the text format that Prometheus reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def observe(self, outcome: str, seconds: float) -> None:
        """Count one classification."""
        bucket = sum(seconds > bound for bound in BUCKETS)
        with self._lock:
            self._outcomes[outcome] += 1
            self._buckets[bucket] += 1
            self._seconds += seconds

    def text(self, handle: ModelHandle) -> str:
        """The exposition."""
        with self._lock:
            outcomes, buckets, seconds = dict(self._outcomes), list(self._buckets), self._seconds
        status = handle.status()
        lines = ["# TYPE classification_seconds histogram"]
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), _sums(buckets), strict=True):
            lines.append(f'classification_seconds_bucket{{le="{bound}"}} {count}')
        lines += [f"classification_seconds_sum {seconds:.6f}", f"classification_seconds_count {sum(buckets)}"]
        lines.append("# TYPE classifications_total counter")
        lines += [f'classifications_total{{outcome="{name}"}} {count}' for name, count in sorted(outcomes.items())]
        lines += ["# TYPE model_info gauge", f'model_info{{version="{status.version}"}} 1']
        lines += ["# TYPE model_swaps_total counter", f"model_swaps_total {status.swaps}"]
        lines += ["# TYPE model_reload_failing gauge", f"model_reload_failing {int(status.failure is not None)}"]
        return "\n".join(lines) + "\n"


def _sums(counts: list[int]) -> list[int]:
    return [sum(counts[: number + 1]) for number in range(len(counts))]


class Service:
    """The decision, without HTTP."""

    def __init__(self, handle: ModelHandle, budget_ms: float = BUDGET_MS) -> None:
        self.handle = handle
        self._budget_ms = budget_ms
        self.metrics = Metrics()

    def authorise(self, descriptor: str, amount: float) -> dict[str, Any]:
        """Decide about one payment."""
        start = perf_counter()
        prediction: Prediction | None = None
        try:
            prediction = self.handle.predict(descriptor, budget_ms=self._budget_ms)
        except DeadlineExceeded:
            outcome = "deadline"
        else:
            outcome = prediction.reason.value
        self.metrics.observe(outcome, perf_counter() - start)
        reviewed = amount > REVIEW_LIMIT and (prediction is None or prediction.mcc in REVIEWED_MCCS)
        return {
            "decision": "review" if reviewed else "approve",
            "mcc": prediction.mcc if prediction else None,
            "category": prediction.category if prediction else None,
            "reason": outcome,
            "model_version": prediction.model_version if prediction else None,
        }

    async def authorise_async(self, descriptor: str, amount: float) -> dict[str, Any]:
        """The same from an event loop: the network runs without the interpreter's lock, in a thread of the pool."""
        return await asyncio.to_thread(self.authorise, descriptor, amount)


class Handler(BaseHTTPRequestHandler):
    """HTTP around the service."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two small writes: without this the second waits 40 ms
    service: ClassVar[Service]

    def do_GET(self) -> None:
        """Serve metrics and health."""
        if self.path == "/metrics":
            self._send(200, self.service.metrics.text(self.service.handle), "text/plain; version=0.0.4")
        elif self.path == "/healthz":
            status = self.service.handle.status()
            self._send(200, json.dumps({"model_version": status.version, "refused_model": status.failure}))
        else:
            self._send(404, '{"error": "no such page"}')

    def do_POST(self) -> None:
        """Authorise."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self._send(413, '{"error": "too long"}')
            return
        body = self.rfile.read(length)
        if self.path != "/authorise":
            self._send(404, '{"error": "no such page"}')
            return
        try:
            request = json.loads(body)
            descriptor, amount = request["descriptor"], float(request["amount"])
            if not isinstance(descriptor, str):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            self._send(400, '{"error": "expected an object with descriptor, a string, and amount, a number"}')
            return
        self._send(200, json.dumps(self.service.authorise(descriptor, amount)))

    def log_message(self, *_: object) -> None:
        """Log no requests: descriptors can hold personal data."""

    def _send(self, status: int, text: str, kind: str = "application/json") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """A thread a connection; enough of a queue for many that come at once."""

    daemon_threads = True
    request_queue_size = 128


def reload_quietly(handle: ModelHandle) -> None:
    """Reload on request; a bad model is in the status and in the log, and the old one goes on."""
    try:
        handle.reload()
    except BundleError as error:
        logging.error("still serving %s: %s", handle.status().version, error)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A small payments service on loopback.")
    parser.add_argument("--model", help="models directory (default: the one that ships with the package)")
    parser.add_argument("--port", type=int, default=8080, help="0 picks a free one, which is printed")
    parser.add_argument(
        "--budget-ms", type=float, default=BUDGET_MS, help="for a classification (default: %(default)g)"
    )
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    handle = ModelHandle(args.model).watch(1.0)
    Handler.service = Service(handle, args.budget_ms)
    with Server(("127.0.0.1", args.port), Handler) as server:
        if hasattr(signal, "SIGHUP"):
            # Loading takes a moment: not inside the signal handler, where the main thread would stand still.
            signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=reload_quietly, args=(handle,)).start())
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"serving {handle.status().version} on http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            handle.close()


if __name__ == "__main__":
    main()
