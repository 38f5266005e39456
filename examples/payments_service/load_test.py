"""Sustained load on the example service, on loopback: a bounded number of connections for a bounded time.

python examples/payments_service/load_test.py --port 8080 --seconds 60 --connections 4
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter

from merchant_classifier.sample import descriptors

MAX_SECONDS, MAX_CONNECTIONS = 600, 64


@dataclass(slots=True)
class Seen:
    """What one connection saw."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)


def drive(port: int, texts: list[str], end: float, seen: Seen) -> None:
    """Send one request after the other over one connection until `end`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    number = 0
    while perf_counter() < end:
        body = json.dumps({"descriptor": texts[number % len(texts)], "amount": number % 500})
        number += 1
        start = perf_counter()
        try:
            connection.request("POST", "/authorise", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 200:
                seen.versions[answer["model_version"]] += 1
            else:
                seen.errors.append(f"status {response.status}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            seen.errors.append(repr(error))
            connection.close()
        seen.seconds.append(perf_counter() - start)
    connection.close()


def run(port: int, seconds: float, connections: int) -> list[Seen]:
    """Drive the service; what each connection saw."""
    texts = descriptors(5000)
    seen = [Seen() for _ in range(connections)]
    end = perf_counter() + seconds
    threads = [
        threading.Thread(target=drive, args=(port, texts[number::connections], end, one))
        for number, one in enumerate(seen)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def main() -> int:
    """Run, print, exit with 1 when a request failed."""
    parser = argparse.ArgumentParser(description="Load for the example service, on loopback.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=4)
    args = parser.parse_args()
    seconds, connections = min(args.seconds, MAX_SECONDS), min(args.connections, MAX_CONNECTIONS)
    seen = run(args.port, seconds, connections)
    times = sorted(second for one in seen for second in one.seconds)
    errors = Counter(error for one in seen for error in one.errors)
    versions = sum((one.versions for one in seen), Counter[str]())
    print(f"{len(times)} requests in {seconds:g} s, {sum(errors.values())} errors {dict(errors)}")
    print(f"answered by {dict(versions)}; None: refused for its budget")
    if times:
        p50, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
        print(f"whole request: p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms, worst {times[-1] * 1000:.2f} ms")
    return 1 if errors or not times else 0


if __name__ == "__main__":
    sys.exit(main())
