"""Merchant memory: what people decided about merchants overrules the network, live. numpy only.

A `Memory` holds the rules of one file and looks at the file several times a
second: a change decides within a second, without a restart and without a
failed call. Rules are read and indexed beside the old ones, which answer until
the new ones are complete; a file with a wrong line changes nothing, and
`Memory.error` and the log say which line.
"""

from __future__ import annotations

import gc
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Event, Lock, Thread
from weakref import WeakSet, ref

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import memory_file as files
from merchant_classifier.errors import MemoryFileError
from merchant_classifier.matching import RuleIndex, best
from merchant_classifier.memory_file import Content
from merchant_classifier.neighbours import STEPS, Neighbour, Neighbours
from merchant_classifier.rules import Kind, NewRule, Rule
from merchant_classifier.spelling import Spellings
from merchant_classifier.text import normalize

LOOK_SECONDS = 0.1
"""How often the file is looked at. A change is read when two looks agree about it, so that writing may have ended."""

LIKENESS = 0.7
"""Cosine with a confirmed merchant that a description needs when it holds more than the name: `Woodland Finance` is not
`Woodland`."""

SPELLING_CONFIDENCE = 0.97
"""Share of recognised spellings that are the merchant's own where confirmed merchants make up 1 % of the lines, rounded
down; measured by `train/study.py`."""

Represent = Callable[[Sequence[Sequence[str]]], NDArray[np.float32]]
"""Normalised words of descriptions -> unit vectors, shape (descriptions, size)."""

_LOG = logging.getLogger(__name__)
_WATCHED: WeakSet[Memory] = WeakSet()
_Look = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule that decides, and how sure it is that it is meant: 1 but for recognised spellings."""

    rule: Rule
    confidence: float


@dataclass(frozen=True, slots=True)
class _State:
    """Everything made of one reading of the file; never changed, only replaced."""

    content: Content
    index: RuleIndex
    spellings: Spellings
    merchants: tuple[Rule, ...]
    vectors: Neighbours
    position: dict[int, int]


class Memory:
    """The rules of one file, kept up to date; safe between threads and in forked children.

    Args:
        path: the file.
        labels: MCCs (or labels) a rule may answer.
        represent: the network's representation, for confirmed merchants.

    Raises:
        MemoryFileError: the file cannot be read or has a wrong line.
    """

    def __init__(self, path: str | Path, labels: Collection[str], represent: Represent) -> None:
        self.path = Path(path)
        self.error: str | None = None
        self._labels = frozenset(labels)
        self._represent = represent
        self._hits: Counter[int] = Counter()
        self._renew_locks()
        self._seen = self._look()
        self._state = self._read(None)
        self._watch()
        _WATCHED.add(self)

    # --- answering ------------------------------------------------------------------------------

    def decide(self, description: str) -> Decision | None:
        """`find` for a description that was not normalised yet."""
        return self.find(description, normalize(description).words)

    def find(self, description: str, words: Sequence[str]) -> Decision | None:
        """The rule that decides about a description, if any; counts a hit.

        Args:
            description: as it came.
            words: its normalised words.
        """
        state = self._state
        rule = best(candidates, date.today()) if (candidates := state.index.candidates(description, words)) else None
        decision = Decision(rule, 1.0) if rule else None
        if state.merchants and words:
            decision = self._spelt(state, words, rule) or decision
        if decision:
            with self._lock:
                self._hits[decision.rule.id] += 1
        return decision

    def _spelt(self, state: _State, words: Sequence[str], rule: Rule | None) -> Decision | None:
        """A confirmed merchant that the words spell and that ranks above what was found so far."""
        for spelling in state.spellings.find(words):
            merchant = spelling.rule
            if not merchant.holds(date.today()) or (rule and rule.rank >= merchant.rank):
                continue
            if spelling.alone or self._alike(state, words, merchant):
                return Decision(merchant, SPELLING_CONFIDENCE)
        return None

    def _alike(self, state: _State, words: Sequence[str], merchant: Rule) -> bool:
        vector = self._represent([words])[0]
        return bool(state.vectors.similarities(vector, np.array([state.position[merchant.id]]))[0] >= LIKENESS)

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[Neighbour]:
        """The `count` nearest confirmed merchants that still hold, nearest first."""
        state, today = self._state, date.today()
        # More than are wanted, as some may have expired since the file was read.
        positions, similarities = state.vectors.search(vector, 2 * count)
        held = [
            state.vectors.at(position, similarity)
            for position, similarity in zip(positions.tolist(), similarities.tolist(), strict=True)
            if state.merchants[position].holds(today)
        ]
        return held[:count]

    @property
    def content(self) -> Content:
        """The rules, expired ones too, and the lines they stand on."""
        return self._state.content

    @property
    def hits(self) -> dict[int, int]:
        """How often each rule has decided in this process, by its number; rules that never did are not in it."""
        with self._lock:
            return dict(self._hits)

    # --- changing -------------------------------------------------------------------------------

    def add(self, rules: Iterable[NewRule]) -> list[Rule]:
        """Write rules to the file; they decide when this returns.

        Raises:
            MemoryFileError: the file is wrong, or a rule answers what the model does not know; nothing is written.
            ValueError: nothing comparable is left of a rule's text.
        """
        rules = list(rules)
        for rule in rules:
            if rule.mcc not in self._labels:
                raise MemoryFileError(f"{self.path}: {self._unknown(rule.mcc)}")
        added = files.append(self.path, rules)
        self.reload()
        return added

    def reload(self) -> None:
        """Read the file now.

        Raises:
            MemoryFileError: it is wrong; the old rules stay.
        """
        with self._reading:
            look = self._look()
            with _collector_at_rest():
                self._state = self._read(self._state)
            self._seen, self.error = look, None

    def close(self) -> None:
        """Stop looking at the file; the rules stay as they are."""
        self._closed.set()

    def _read(self, old: _State | None) -> _State:
        content = files.read(self.path, old.content.written if old else None)
        self._check(content)
        today = date.today()
        merchants = tuple(rule for rule in content.rules if rule.kind is Kind.MERCHANT and rule.holds(today))
        return _State(
            content=content,
            index=RuleIndex(content.rules, old.index if old else None),
            spellings=Spellings(merchants),
            merchants=merchants,
            vectors=self._vectors(merchants, old),
            position={rule.id: position for position, rule in enumerate(merchants)},
        )

    def _check(self, content: Content) -> None:
        for rule, line in zip(content.rules, content.lines, strict=True):
            if rule.mcc not in self._labels:
                raise MemoryFileError(f"{self.path}:{line}: {self._unknown(rule.mcc)}")

    def _unknown(self, mcc: str) -> str:
        return f"mcc: expected one of the model's {len(self._labels)} labels, found {mcc!r}"

    def _vectors(self, merchants: Sequence[Rule], old: _State | None) -> Neighbours:
        """Vectors of confirmed merchants; those of the old state are not computed again."""
        known = dict(zip((rule.key for rule in old.merchants), old.vectors.vectors, strict=True)) if old else {}
        fresh = list(dict.fromkeys(rule.key for rule in merchants if rule.key not in known))
        if fresh:
            computed = np.rint(self._represent([tuple(key.split(" ")) for key in fresh]) * STEPS).astype(np.int8)
            known.update(zip(fresh, computed, strict=True))
        size = len(next(iter(known.values()))) if known else 0
        vectors = np.array([known[rule.key] for rule in merchants], np.int8).reshape(len(merchants), size)
        names = "".join(f"{' '.join(rule.text.split())}\t{rule.mcc}\tmemory#{rule.id}\n" for rule in merchants)
        return Neighbours(vectors, names.encode())

    # --- watching -------------------------------------------------------------------------------

    def _look(self) -> _Look:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _watch(self) -> None:
        self._closed = Event()
        Thread(target=_keep_looking, args=(ref(self), self._closed), name="merchant-memory", daemon=True).start()

    def _follow(self, earlier: _Look) -> _Look:
        """One look at the file; reads it when it has changed and is at rest."""
        look = self._look()
        if look == earlier and look != self._seen:
            try:
                self.reload()
            except MemoryFileError as error:
                # Logged first: whoever sees the error finds it in the log.
                _LOG.warning("merchant memory kept as it was: %s", error)
                self._seen, self.error = look, str(error)
        return look

    def _renew_locks(self) -> None:
        self._lock, self._reading = Lock(), Lock()

    def _after_fork(self) -> None:
        """For a forked child: the watching thread stayed in the parent, and locks may have been held there."""
        self._renew_locks()
        if not self._closed.is_set():
            self._watch()


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Without the cyclic garbage collector, which would look through 100,000 fresh rules again and again.

    They hold no cycles; it doubles the time of reading them (0.7 for 0.36 s).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _keep_looking(memory: ref[Memory], closed: Event) -> None:
    """Look at the file until the memory is closed or gone."""
    look: _Look = None
    while not closed.wait(LOOK_SECONDS):
        alive = memory()
        if alive is None:
            return
        look = alive._follow(look)
        del alive


def _renew_after_fork() -> None:
    for memory in list(_WATCHED):
        memory._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
