"""Shakes a classifier with strings of many kinds: none may raise, none may be slow, none may get an ill-formed answer.

python -m tests.fuzz.strings --model models --count 1000000

Bounded by --count and --seconds, and repeatable: string number n is the same everywhere. Exit code 1 when a string was
found that breaks a rule; it is printed escaped, with its number.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from merchant_classifier import MerchantClassifier, Prediction, Reason
from merchant_classifier.timing import interruptions

SLOW_SECONDS = 0.02
_SHOWN = 5

_SEEDS = (
    "SQ *BLUE BOTTLE COF OAKLAND CA",
    "PAYPAL *STEAM GAMES 4029357733 LU",
    "AMZN Mktp US*2K8X7Y9Z0 Amzn.com/bill WA",
    "CARTE 12/03 BOULANGERIE DU PORT CB*1234",
    "KARTENZAHLUNG EDEKA SAGT DANKE//BERLIN/DE",
    "UPI/SWIGGY/swiggy@icici/1234567890",
    "Покупка ПЯТЕРОЧКА 1234 МОСКВА",
    "支付宝*星巴克 上海",
    "POS DEBIT 08/14 7-ELEVEN #22314 800-555-1212",
    "&amp;lt;www.x.com?a=1&b=2",
)
_POOLS = (
    "abcdefghijklmnopqrstuvwxyz ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789*#/-.&'",
    "0123456789 -/.:xX*",
    "\0\x01\x08\t\n\r\x1b\x7f\x85\xa0\u2028\u2029",
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\ufeff\u00ad",
    "\u0300\u0301\u0327\u0338\u20dd\ufe0f",
    "\ud800\udbff\udc00\udfff",
    "аеорсхАВЕКМНОРСТХαονΑΒΕΗΟ",
    "ｆｕｌｌ１２＊𝕮𝖔𝖋①⑳㎏ﷺ",
    "咖啡店寿司ラーメンカタ한국식당กาแฟคृष्णاشرבגד",
    "☕🏳️👩‍👩‍👧🇩🇪",
)


@dataclass(slots=True)
class Findings:
    """What was seen."""

    strings: int = 0
    slowest: float = 0.0
    disturbed: int = 0
    hiccups: int = 0
    broken: list[str] = field(default_factory=list)


def string(number: int) -> str:
    """String number `number`."""
    rng = random.Random(number)
    kinds: tuple[Callable[[random.Random], str], ...] = (_mutated, _mixed, _pooled, _anything, _repeated, _long)
    return rng.choices(kinds, (40, 25, 15, 12, 7, 1))[0](rng)


def _mutated(rng: random.Random) -> str:
    """A real-shaped descriptor with a few characters put in, taken out, doubled or replaced."""
    chars = list(rng.choice(_SEEDS))
    for _ in range(rng.randint(1, 12)):
        position = rng.randrange(len(chars) + 1)
        chars[position : position + rng.randint(0, 3)] = list(rng.choice(rng.choice(_POOLS)) * rng.randint(0, 2))
    return "".join(chars)


def _mixed(rng: random.Random) -> str:
    return "".join(rng.choice(rng.choice(_POOLS)) for _ in range(rng.randint(0, 60)))


def _pooled(rng: random.Random) -> str:
    return "".join(rng.choices(rng.choice(_POOLS), k=rng.randint(0, 120)))


def _anything(rng: random.Random) -> str:
    return "".join(chr(rng.randrange(sys.maxunicode + 1)) for _ in range(rng.randint(0, 50)))


def _repeated(rng: random.Random) -> str:
    """A short piece over and over: what makes a careless pattern slow."""
    return _mixed(rng)[: rng.randint(1, 8)] * rng.randint(1, 200)


def _long(rng: random.Random) -> str:
    return _mixed(rng) * rng.randint(100, 2000)


def complaint(answer: Prediction, codes: frozenset[str | None]) -> str | None:
    """What is wrong with an answer."""
    if not 0.0 <= answer.confidence <= 1.0:
        return f"confidence {answer.confidence}"
    if answer.mcc not in codes:
        return f"unknown MCC {answer.mcc}"
    if bool(answer.candidates) == (answer.reason is Reason.NO_TEXT):
        return f"{len(answer.candidates)} candidates with reason {answer.reason}"
    return None


def shake(classifier: MerchantClassifier, count: int, seconds: float, first: int = 0) -> Findings:
    """Ask for the answers of `count` strings, for at most so many seconds.

    A string is slow when it takes more than 20 ms each of three times, without having lost the core to another
    process: what the host of a virtual machine takes away is not told to its guests.
    """
    codes = frozenset([label.mcc for label in classifier.decider.labels] + [None])
    findings = Findings()
    end = perf_counter() + seconds
    for number in range(first, first + count):
        if perf_counter() > end:
            break
        _one(classifier, number, codes, findings)
    return findings


def _one(classifier: MerchantClassifier, number: int, codes: frozenset[str | None], findings: Findings) -> None:
    text = string(number)
    findings.strings += 1
    before = interruptions()
    try:
        answer, spent = _timed(classifier, text)
    except Exception as error:
        findings.broken.append(f"string {number} raised {error!r}: {text[:200]!a}")
        return
    wrong = complaint(answer, codes)
    if interruptions() != before:
        findings.disturbed += 1
    else:
        if spent > SLOW_SECONDS:
            findings.hiccups += 1
            spent = min(_timed(classifier, text)[1] for _ in range(2))
        findings.slowest = max(findings.slowest, spent)
        if spent > SLOW_SECONDS:
            wrong = f"took {spent * 1000:.1f} ms"
    if wrong:
        findings.broken.append(f"string {number}: {wrong}: {text[:200]!a}")


def _timed(classifier: MerchantClassifier, text: str) -> tuple[Prediction, float]:
    start = perf_counter()
    answer = classifier.predict(text, mode="best_guess")
    return answer, perf_counter() - start


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Shake a classifier with strings of many kinds.")
    parser.add_argument("--model", help="model directory (default: the one that ships with the package)")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first string")
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after so long (default: %(default)g)")
    args = parser.parse_args()
    findings = shake(MerchantClassifier.load(args.model), args.count, args.seconds, args.first)
    print(
        f"{findings.strings} strings, {len(findings.broken)} broke a rule; "
        f"slowest answer {findings.slowest * 1000:.2f} ms, "
        f"not counting {findings.disturbed} during which another process took the core; "
        f"{findings.hiccups} were slow once and not again"
    )
    for line in findings.broken[:_SHOWN]:
        print(line)
    return 1 if findings.broken else 0


if __name__ == "__main__":
    sys.exit(main())
