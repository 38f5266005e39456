"""One classifier serves many threads and forked workers, and is replaced under load without a failed or mixed answer.

`MC_SWAP_CALLS` and `MC_SWAPS` raise the load of the swap test; the release figures use 1000 calls in each of 64 threads
and 20 swaps.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier, ModelHandle, Prediction
from tests.variants import point, variant

THREADS = 64
CALLS = int(os.environ.get("MC_SWAP_CALLS", "40"))
SWAPS = int(os.environ.get("MC_SWAPS", "6"))
TEXTS = tuple(
    f"{before}{name}{behind}"
    for before in ("", "SQ *", "POS PURCHASE ")
    for name in ("BLUE COFFEE", "HOTEL HILTON", "TAXI", "QWERTZ", "CITY PHARMACY", "SUSHI", "")
    for behind in ("", " 0815", " LONDON GB")
)

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run_in_child(work: Callable[[], bool], seconds: float = 20.0) -> bool:
    """What `work` returned in a forked child; False when it hung or failed."""
    child = os.fork()
    if child == 0:
        os._exit(0 if work() else 1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def answer_in_fresh_process(arguments: tuple[Path, Sequence[str]]) -> list[Prediction]:
    model, texts = arguments
    return MerchantClassifier.load(model).predict_many(texts)


def test_threads_get_the_answers_of_one_thread(tiny: MerchantClassifier) -> None:
    expected = [tiny.predict(text) for text in TEXTS]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(tiny.predict, TEXTS * 20)) == expected * 20


def test_threads_that_learn_new_words_at_once_get_the_right_vectors(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"coffee w{number}x taxi w{number % 97}y" for number in range(1500)]
    expected = MerchantClassifier.load(tiny_path).logits(texts)
    monkeypatch.setattr("merchant_classifier.encoding.REMEMBERED_WORDS", 64)  # so that the memory is often full
    shared = MerchantClassifier.load(tiny_path)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: shared.logits([text])[0], texts))
    assert all(left.tobytes() == right.tobytes() for left, right in zip(found, expected, strict=True))


def test_asynchronous_callers_share_it_through_threads(tiny: MerchantClassifier) -> None:
    async def ask() -> list[Prediction]:
        return await asyncio.gather(*(asyncio.to_thread(tiny.predict, text) for text in TEXTS))

    assert asyncio.run(ask()) == tiny.predict_many(TEXTS)


def test_a_model_is_swapped_under_load_without_a_failed_or_mixed_answer(tmp_path: Path) -> None:
    expected = {}
    for version, temperature in (("one", 1.0), ("two", 2.0)):
        model = variant(tmp_path / version, version, temperature)
        expected[version] = dict(zip(TEXTS, MerchantClassifier.load(model).predict_many(TEXTS), strict=True))
    point(tmp_path, "one")
    handle = ModelHandle(tmp_path)
    finished = threading.Event()

    def call(number: int) -> set[str]:
        versions = set()
        for step in range(CALLS):
            text = TEXTS[(number * 31 + step) % len(TEXTS)]
            answer = handle.predict(text)
            assert answer == expected[answer.model_version][text]
            batch = handle.predict_many(TEXTS[:3])
            assert len({one.model_version for one in batch}) == 1
            versions.add(answer.model_version)
        return versions

    def swap() -> int:
        done = 0
        while done < SWAPS or not finished.is_set():
            point(tmp_path, ("two", "one")[done % 2])
            assert handle.reload()
            done += 1
        return done

    with ThreadPoolExecutor(THREADS + 1) as pool:
        swapping = pool.submit(swap)
        calls = [pool.submit(call, number) for number in range(THREADS)]
        seen = set().union(*(running.result() for running in calls))
        finished.set()
        assert swapping.result() >= SWAPS
    assert seen == {"one", "two"}
    assert handle.status().failure is None


@needs_fork
@pytest.mark.parametrize("threads", [1, 2])
def test_a_worker_forked_after_load_answers_the_same(tiny_path: Path, threads: int) -> None:
    classifier = MerchantClassifier.load(tiny_path, threads=threads, memo=8)
    expected = classifier.predict_many(TEXTS * 30)
    assert run_in_child(lambda: classifier.predict_many(TEXTS * 30) == expected)
    assert classifier.predict_many(TEXTS * 30) == expected


@needs_fork
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_worker_can_end_as_processes_do(tiny_path: Path, threads: int) -> None:
    """Prefork servers' workers leave by `sys.exit`, which closes what the parent had opened."""
    program = f"""
import os, sys
from merchant_classifier import MerchantClassifier
classifier = MerchantClassifier.load(sys.argv[1], threads={threads})
child = os.fork()
if child == 0:
    sys.exit(7 if classifier.predict("coffee").mcc == "5814" else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "serve")}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tiny_path)], env=environment, start_new_session=True
    ) as parent:
        try:
            assert parent.wait(30) == 7
        finally:
            with suppress(ProcessLookupError):
                os.killpg(parent.pid, 9)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forking beside threads is what is tested
def test_workers_forked_while_other_threads_predict_never_hang(tiny_path: Path) -> None:
    classifier = MerchantClassifier.load(tiny_path, memo=4)
    stop = threading.Event()

    def predict_new_words(thread: int) -> None:
        number = 0
        while not stop.is_set():
            classifier.predict(f"coffee t{thread}n{number}")
            number += 1

    threads = [threading.Thread(target=predict_new_words, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(15):
            text = f"coffee child{number}"
            assert run_in_child(lambda text=text: classifier.predict(text).mcc == "5814")  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_goes_on_watching(tmp_path: Path) -> None:
    variant(tmp_path / "one", "one", 1.0)
    variant(tmp_path / "two", "two", 2.0)
    point(tmp_path, "one")
    with ModelHandle(tmp_path).watch(0.02) as handle:

        def sees_the_next_model() -> bool:
            point(tmp_path, "two")
            deadline = time.monotonic() + 10
            while handle.status().version != "two" and time.monotonic() < deadline:
                time.sleep(0.01)
            return handle.predict("coffee").model_version == "two"

        assert run_in_child(sees_the_next_model)


def test_spawned_workers_answer_the_same(tiny: MerchantClassifier, tiny_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(answer_in_fresh_process, [(tiny_path, TEXTS)]) == [tiny.predict_many(TEXTS)]
