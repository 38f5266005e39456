"""A bounded memory of descriptions seen before, for streams in which the same payments repeat."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")
Key = tuple[str, str]
"""A mode and a text."""


@dataclass(frozen=True, slots=True)
class MemoStatistics:
    """How a memo did: lookups found and not found since it was made, entries now, entries at most."""

    hits: int
    misses: int
    size: int
    bound: int

    @property
    def hit_rate(self) -> float:
        """Share of lookups that were found; 0 before the first."""
        return self.hits / max(1, self.hits + self.misses)


class Memo(Generic[Value]):
    """Values by key; the least recently used one makes room. Never holds more than its bound; safe between threads.

    Args:
        bound: entries at most, at least 1.
    """

    def __init__(self, bound: int) -> None:
        if bound < 1:
            raise ValueError(f"a memo holds at least 1 entry, got {bound}")
        self._bound = bound
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()
        self._hits = self._misses = 0

    def through(self, keys: Sequence[Key], compute: Callable[[list[Key]], list[Value]]) -> list[Value]:
        """The value of every key, in their order; `compute` is asked once for those not remembered."""
        known = [self._get(key) for key in keys]
        missing = [key for key, value in zip(keys, known, strict=True) if value is None]
        computed = compute(missing) if missing else []
        for key, value in zip(missing, computed, strict=True):
            self._put(key, value)
        fresh = iter(computed)
        return [next(fresh) if value is None else value for value in known]

    def _get(self, key: Key) -> Value | None:
        with self._lock:
            value = self._values.get(key)
            if value is None:
                self._misses += 1
            else:
                self._hits += 1
                self._values.move_to_end(key)
            return value

    def _put(self, key: Key, value: Value) -> None:
        with self._lock:
            if key not in self._values and len(self._values) >= self._bound:
                self._values.popitem(last=False)
            self._values[key] = value

    def statistics(self) -> MemoStatistics:
        """A consistent reading."""
        with self._lock:
            return MemoStatistics(self._hits, self._misses, len(self._values), self._bound)

    def renew_lock(self) -> None:
        """For a forked child: see `encoding.Encoder.renew_lock`."""
        self._lock = Lock()
