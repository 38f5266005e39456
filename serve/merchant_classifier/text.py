"""Raw card statement descriptor -> clean text, merchant name, intermediary. Standard library only.

A descriptor wraps a merchant name in what the issuer, the acquirer and the
terminal add: `POS DEBIT 08/14 SQ *BLUE BOTTLE COF OAKLAND CA`. `normalize`
takes the wrapping off in a fixed order (characters, issuer phrase,
intermediary, references, place), and what remains becomes the lower-case
words the network reads. Training and serving both call it, so a change of its
output for any input must raise `NORMALIZER_VERSION`; bundles carry that number.

Every step reads at most `MAX_CHARACTERS` characters and no pattern can
backtrack over more than a bounded stretch, so the time is bounded too.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from merchant_classifier import wrapping
from merchant_classifier.characters import fold

NORMALIZER_VERSION = 1

MAX_CHARACTERS = 256
"""Characters of a description that are read: DE43 has 40, bank exports stay under 200."""

MAX_WORDS = 12
"""Words the network sees; further words of a long description are dropped."""

MAX_WORD_CHARACTERS = 24
"""Longer words are cut: statement fields hold 22 to 25 characters."""

CITY_FIELD = 13
"""Characters of a city in ISO 8583 field 43; longer names arrive cut."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A description taken apart.

    Attributes:
        words: lower-case words for the network (ASCII for Latin, Cyrillic and Greek letters, other scripts as they
            are); the first is `<name>*` when an intermediary was found.
        merchant: the merchant's name in the letters of `words` and the case it was written in, without the wrapping.
        intermediary: facilitator, marketplace or wallet, or None.
    """

    words: tuple[str, ...]
    merchant: str
    intermediary: str | None

    @property
    def text(self) -> str:
        """The words as one line: the key under which a merchant is known."""
        return " ".join(self.words)


_WORD = re.compile(r"[a-z0-9]{1,2}&[a-z0-9]{1,2}(?![a-z0-9&])|&|[a-z0-9\x80-\U0010ffff]+")
_CHUNK = re.compile(r"[^ ]+")
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}")
_DIGIT = re.compile(r"\d", re.ASCII)
_LETTERS_THEN_NUMBER = re.compile(r"([a-z]+)\d+", re.ASCII)
_DIGIT_RUNS = re.compile(r"\d+", re.ASCII)
_NAMING_NUMBERS = frozenset({"360", "365", "911", "1001", "2000"})
_NAMES_LIKE_CODES = frozenset({"a101", "bet365", "g2000"})


def normalize(raw: str) -> Descriptor:
    """Take a description apart.

    The merchant of a description is a fixed point for ordinary names: `normalize(d.merchant)` has the words of `d`
    without the intermediary's, unless the name itself begins like an issuer phrase or ends like a place.

    Args:
        raw: any string at all.

    Returns:
        The words, merchant and intermediary; no words when nothing readable is left.

    Raises:
        TypeError: `raw` is not a string.
    """
    if not isinstance(raw, str):
        raise TypeError(f"a description must be str, got {type(raw).__name__}")
    text = _readable(raw[:MAX_CHARACTERS])
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose small form is longer: give up its case, keep the positions equal
        text = lower
    start = _after_issuer(lower, 0)
    start, stop, intermediary, marker = _after_intermediary(text, lower, start)
    text, lower = text[start:stop], lower[start:stop]
    words, shown = _words(text, _without_noise(lower))
    if not words:  # a name that looks like a reference (`407ETR`, `123.ie`) is better than none
        words = [word[:MAX_WORD_CHARACTERS] for word in _WORD.findall(lower) if _TWO_LETTERS.search(word)][:2]
        shown = words.copy()
    end = _end_before_place(words)
    if marker:
        words.insert(0, marker)
        end += 1
    words = words[: min(end, MAX_WORDS)]
    return Descriptor(tuple(words), " ".join(shown[: end - bool(marker)]), intermediary)


def _readable(text: str) -> str:
    """Fold the characters, join initials and apostrophes, drop a padded place field, single the spaces."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "://" in text:
        text = text.replace("https://", "").replace("http://", "")
    text = fold(text, MAX_CHARACTERS).replace("'", "").replace("`", "").replace("\\", "  ")
    if "?" in text:  # an apostrophe that an encoding lost
        text = text.replace("?S ", "S ").replace("?s ", "s ")
    if "   " in text:
        padded = wrapping.PADDED_PLACE.search(text)
        if padded and padded.start() and padded.group(1).lower() in wrapping.REGIONS:
            text = text[: padded.start()]
    if "." in text:
        text = wrapping.INITIALS.sub(_joined_initials, text)
    if "&" in text:
        text = wrapping.SHORT_PAIR.sub(r"\1&\2", text)
    if "1" in text:
        text = wrapping.TOLL_FREE_NAME.sub(r"1\1 ", text)
    return " ".join(text.split())


def _joined_initials(match: re.Match[str]) -> str:
    return match.group().replace(".", "").replace(" ", "") + " "


# --- in front of the name ------------------------------------------------------------------------


def _after_issuer(lower: str, start: int) -> int:
    """Position behind the issuer's phrases, card masks and dates; `start` when nothing would be left."""
    for _ in range(4):
        match = _issuer_phrase(lower, start)
        if match is None or match.end() >= len(lower) or match.end() == start:
            break
        start = match.end()
    return start


def _issuer_phrase(lower: str, start: int) -> re.Match[str] | None:
    first = lower[start : start + 1]
    if first.isdigit():
        return wrapping.LEADING_DATE.match(lower, start)
    if first == "*":
        return wrapping.LEADING_NORDIC.match(lower, start)
    if first > "\x7f":
        return wrapping.NATIVE_ISSUER.match(lower, start)
    return wrapping.ISSUER.match(lower, start) if lower[start : start + 2] in wrapping.ISSUER_OPENINGS else None


def _after_intermediary(text: str, lower: str, start: int) -> tuple[int, int, str | None, str | None]:
    """Where the name starts and stops, and the innermost intermediary's name and word."""
    if lower.startswith("upi", start):
        match = wrapping.UPI.match(lower, start)
        if match:
            return *match.span(1), "UPI", "upi*"
    name = word = None
    for _ in range(2):
        found = _intermediary(text, lower, start)
        if found is None:
            break
        start, name, word = found
        start = _after_issuer(lower, start)
    return start, len(lower), name, word


def _intermediary(text: str, lower: str, start: int) -> tuple[int, str, str] | None:
    match = wrapping.SEPARATED.match(lower, start)
    if match:
        key, separator = match.group(1), match.group(2)
        allowed = {"/": wrapping.SLASH_INTERMEDIARIES, "-": wrapping.DASH_INTERMEDIARIES}.get(separator)
        known = wrapping.INTERMEDIARIES.get(key)
        if known and (allowed is None or key in allowed):
            return _after_repetition(lower, match.end(), key), *known
    match = wrapping.UNSEPARATED.match(lower, start)
    if match:
        key = (match.group(1) or match.group(2) or match.group(3)).rstrip("_")
        return match.end(), *wrapping.INTERMEDIARIES[key]
    match = wrapping.SHOPIFY.match(text, start)
    return (match.end(), *wrapping.INTERMEDIARIES["sp"]) if match else None


def _after_repetition(lower: str, start: int, key: str) -> int:
    """Skip what some intermediaries write twice: `DD *DOORDASH X`, `PAYU*AR*X`."""
    if key == "dd" and lower.startswith("doordash ", start):
        return start + len("doordash ")
    if key == "payu" and lower[start + 2 : start + 3] == "*":
        return start + 3
    return start


# --- behind and inside the name ------------------------------------------------------------------


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _without_address(match: re.Match[str]) -> str:
    return _blank(match) if "@" in match.group() else match.group()


def _without_noise(lower: str) -> str:
    """Blank references, dates, phones, card numbers and addresses; what stays keeps its position."""
    if not lower.isascii():
        lower = wrapping.NATIVE_NOISE.sub(_blank, lower)
    tail = wrapping.TAIL.search(lower)
    if tail and tail.start():
        lower = lower[: tail.start()]
    if "@" in lower:
        lower = _CHUNK.sub(_without_address, lower)
    if "*" in lower:
        lower = wrapping.REFERENCED.sub(_without_reference, lower)
    if "." in lower:
        lower = wrapping.DOMAIN.sub(_domain_name, lower)
    if _DIGIT.search(lower) or "xxxx" in lower:
        lower = wrapping.NOISE.sub(_blank, lower)
    return lower


def _without_reference(match: re.Match[str]) -> str:
    """`amzn mktp us*2k8x7y9z0`, `facebk *abcdefghij`: only the platform stays; a product's word stays too."""
    name, reference = match.group(1), match.group(2)
    if not (name in wrapping.LETTERS_ONLY_REFERENCES or _DIGIT.search(reference)):
        return name + " " * (match.start(2) - match.end(1)) + reference
    return name.ljust(len(match.group()))


def _domain_name(match: re.Match[str]) -> str:
    """Keep a domain's name; blank the domain when it only tells where to complain (`uber trip help.uber.com`)."""
    labels, path = match.group(2), match.group(4) or ""
    before = match.string[: match.start()].split()
    if before and before[0][0] > "9":
        repeats = labels.startswith(before[0][:4])
        if repeats or path or "." in labels[:-1]:
            return " " * len(match.group())
    kept = match.group()[: match.end(2) - match.start()]
    if match.group(1):
        kept = kept.replace("www.", "    ", 1)
    return kept.ljust(len(match.group()) - len(path)) + (path if path == "/bill" else " " * len(path))


def _words(text: str, lower: str) -> tuple[list[str], list[str]]:
    """Words, and their spellings in `text`, which has the same positions."""
    words: list[str] = []
    shown: list[str] = []
    previous_end = -1
    for match in _WORD.finditer(lower):
        word = match.group()
        possessive = match.start() == previous_end + 1 and word == "s" and not lower.startswith("/", match.end())
        previous_end = match.end()
        if not word.isalpha():
            word = (
                "and"
                if word == "&"
                else _without_number(word, not words, lower[match.start() - 1 : match.start()] == "*")
            )
        if word == "and" and not words and match.group() == "&":
            continue
        if not word:
            continue
        spelling = (
            text[match.start() : match.start() + len(word)] if word != "and" else text[match.start() : match.end()]
        )
        if (
            possessive
            and words
            and words[-1].isalpha()
            and len(words[-1]) > 2
            and words[-1] != "and"
            and lower[match.start() - 1] == " "
        ):
            words[-1] += word
            shown[-1] += spelling
            continue
        words.append(word[:MAX_WORD_CHARACTERS])
        shown.append(spelling)
    while len(words) > 1 and (words[-1] in wrapping.TRAILING_WORDS or shown[-1] == "&"):
        del words[-1], shown[-1]
    if len(words) == 1 and words[0].isdecimal():
        return [], []
    return words, shown


def _without_number(word: str, first: bool, starred: bool) -> str:
    """A word without a store number or reference: shorter, empty, or as it was when the number is part of a name.

    `starred` words stand right behind a star: `google *ads1234567`.
    """
    digits = sum(map(len, _DIGIT_RUNS.findall(word)))
    if not digits or word in _NAMES_LIKE_CODES:
        return word
    if digits == len(word):
        return word if _is_naming_number(word, first) else ""
    letters = len(word) - digits
    glued = _LETTERS_THEN_NUMBER.fullmatch(word)
    if glued and digits >= 3:
        return glued.group(1) if letters >= 4 or (first and letters >= 2) or (starred and letters == 3) else ""
    if digits >= 3 and letters <= 3:
        return word if first and letters > 1 and len(word) <= 5 else ""
    runs = len(_DIGIT_RUNS.findall(word))
    is_code = len(word) >= 8 and digits >= 2 and (runs >= 2 or (runs == 1 and word[0] > "9" and word[-1] > "9"))
    return "" if is_code else word


def _is_naming_number(word: str, first: bool) -> bool:
    if word[0] == "0":
        return False
    return len(word) <= 2 or word in _NAMING_NUMBERS or (first and len(word) <= 4)


# --- the place behind the name ---------------------------------------------------------------------


@cache
def _places() -> frozenset[str]:
    """Lower-case names of cities, in full and as the city field cuts them, from the packaged list."""
    lines = resources.files(__package__).joinpath("places.txt").read_text("ascii").split("\n")
    return frozenset(line for name in lines if name for line in (name, name[:CITY_FIELD].rstrip()))


@cache
def _place_endings() -> frozenset[str]:
    return frozenset(name.rsplit(" ", 1)[-1] for name in _places())


def _end_before_place(words: list[str]) -> int:
    """How many leading words are left once a trailing city, region and country were taken off.

    The first word always stays: a merchant may be named like a city.
    """
    length = len(words)
    if length < 2:
        return length
    end = _end_before_regions(words, length)
    for stop in range(end, length + 1):
        city = _city_length(words, stop, followed=stop < length)
        if city:
            return stop - city
    return _end_before_codes(words)


_MARKETPLACE = frozenset({"mktp", "mktplace", "marketplace", "mktplc"})


def _end_before_codes(words: list[str]) -> int:
    """Without a city in front, only codes that mean nothing else go."""
    end = len(words)
    while end > 1 and end > len(words) - 2 and words[end - 1] in wrapping.REGIONS:
        named = words[end - 1] in wrapping.WORDS_TOO and words[end - 2] not in _MARKETPLACE
        if named or words[end - 2] == "of":
            break
        end -= 1
    return end


def _end_before_regions(words: list[str], end: int) -> int:
    for _ in range(2):
        size = int(end > 1 and words[end - 1] in wrapping.REGIONS and words[end - 2] != "of")
        if words[end - 1] in wrapping.COUNTRY_ENDINGS:
            size = next((n for n in (3, 2, 1) if end > n and " ".join(words[end - n : end]) in wrapping.COUNTRIES), 0)
        end -= size
        if not size:
            break
    return end


def _city_length(words: list[str], stop: int, followed: bool) -> int:
    """Words of the city that ends at `stop`, or 0; `followed` says that a region or country comes behind it."""
    if words[stop - 1] not in _place_endings():
        return 0
    for size in (3, 2, 1):
        begin = stop - size
        if begin < 1:
            continue
        name = " ".join(words[begin:stop])
        if name in _places() and (followed or name not in wrapping.AMBIGUOUS_PLACES):
            completes = words[begin - 1] in wrapping.BEFORE_PLACE_NAMES and not followed
            return 0 if completes else size
    return 0
