"""How long an answer takes, as a running estimate, so that a caller's budget can be refused before it is overdrawn."""

from __future__ import annotations

from merchant_classifier.errors import DeadlineExceeded

_GAIN, _DEVIATIONS = 1 / 8, 2

STALE_AFTER = 0.05
"""Seconds after which an estimate is forgotten when no answer renewed it: one slow moment must not refuse for long."""


class Pace:
    """Running estimates of the time of one answer, by number of words.

    The estimate is the smoothed mean plus two smoothed absolute deviations, after
    TCP's estimate of its retransmission time (Jacobson 1988; RFC 6298). TCP takes
    four; here that refused one call in eight on a machine so busy that one in two
    hundred was late. Threads update it without a lock: a lost update is one
    observation less. Times are seconds of one monotonic clock.

    Args:
        lengths: largest number of words.
    """

    def __init__(self, lengths: int) -> None:
        self._means = [0.0] * (1 + lengths)
        self._deviations = [0.0] * (1 + lengths)
        self._renewed = [float("-inf")] * (1 + lengths)

    def observe(self, words: int, start: float, end: float) -> None:
        """Take one answer into account that was begun at `start` and given at `end`."""
        seconds = end - start
        if end - self._renewed[words] > STALE_AFTER:
            self._means[words], self._deviations[words] = seconds, seconds / 2
        else:
            off = seconds - self._means[words]
            self._means[words] += _GAIN * off
            self._deviations[words] += _GAIN * (abs(off) - self._deviations[words])
        self._renewed[words] = end

    def estimate(self, words: int, now: float) -> float:
        """Seconds that an answer will hardly exceed; 0 where nothing recent is known."""
        if now - self._renewed[words] > STALE_AFTER:
            return 0.0
        return self._means[words] + _DEVIATIONS * self._deviations[words]

    def check(self, words: int, now: float, deadline: float) -> None:
        """Refuse what would probably be answered after `deadline`.

        Raises:
            DeadlineExceeded: it is past already, or the estimate is above what is left.
        """
        left, estimate = deadline - now, self.estimate(words, now)
        if left <= 0 or estimate > left:
            raise DeadlineExceeded(f"an answer is estimated at {estimate * 1000:.2f} ms, {left * 1000:.2f} ms are left")
