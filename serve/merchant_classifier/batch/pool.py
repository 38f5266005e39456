"""Chunks scored by several processes, in the order they came in.

Every process has a pipe of its own and one chunk at a time, and takes turns in a
fixed order: no queue to lose things in, nothing to sort, memory bounded by the
number of processes. A process whose parent is gone reads the end of its pipe
and ends too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from merchant_classifier.batch.chunks import Chunk, Interrupted, Outcome
from merchant_classifier.batch.work import Plan, Worker
from merchant_classifier.errors import InputError, MerchantClassifierError


def outcomes(plan: Plan, chunks: Iterable[Chunk], jobs: int) -> Iterator[Outcome]:
    """Score chunks in `jobs` processes.

    Raises:
        InputError: a row stopped the run.
        Interrupted: a process is gone.
    """
    # Spawned, not forked: threads of the model's runtime do not survive a fork.
    context = get_context("spawn")
    pipes: list[Any] = []
    processes: list[Any] = []
    try:
        for _ in range(jobs):
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(plan, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes.append(mine)
            processes.append(process)
        yield from _in_turns(pipes, chunks)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(5)
            process.terminate()


def _in_turns(pipes: list[Any], chunks: Iterable[Chunk]) -> Iterator[Outcome]:
    idle, busy = deque(pipes), deque[Any]()
    for chunk in chunks:
        if not idle:
            pipe = busy.popleft()
            yield _receive(pipe)
            idle.append(pipe)
        pipe = idle.popleft()
        pipe.send(chunk)
        busy.append(pipe)
    for pipe in busy:
        yield _receive(pipe)


def _receive(pipe: Any) -> Outcome:
    try:
        found = pipe.recv()
    except (EOFError, ConnectionError) as error:
        raise Interrupted("a scoring process was ended (killed, or out of memory); run again to go on") from error
    if isinstance(found, BaseException):
        raise found
    outcome: Outcome = found
    return outcome


def _serve(plan: Plan, pipe: Connection) -> None:
    """What a process does until nobody sends chunks any more."""
    try:
        worker = Worker(plan, plan.model.load())
        while True:
            pipe.send(worker(pipe.recv()))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return
    except MerchantClassifierError as error:
        pipe.send(InputError(str(error)))
