"""Any characters at all -> the characters descriptors are compared in. Standard library only.

Compatibility forms (full-width, mathematical, half-width kana), accents and
look-alikes are folded, Cyrillic and Greek become Latin, invisible characters
vanish without splitting a word, and every other non-letter becomes a space.
Kana, Han, Hangul, Arabic, Devanagari, Thai and other scripts stay, with their
vowel signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

REMEMBERED_CHARACTERS = 8192
"""Bound of the table of characters met: more would only serve an attacker."""

_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўқғңөұүһәјљњћџђѓќѕ",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya i i e g u k g n o u u h a j"
        " lj nj c dz dj g k dz".split(),
        strict=True,
    )
)
_GREEK = dict(
    zip("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(), strict=True)
)
_LATIN = dict(zip("ßøłđæœıþðŋħŧƒƙɓɗ", "ss o l d ae oe i th d n h t f k b d".split(), strict=True))
# Small capitals and letter-like phonetic signs: nobody writes a shop's name in them but to hide or to decorate.
_DECORATIVE = dict(
    zip(
        "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢɑɡɩɪʟɵʋʜᴦƖǀ",
        "abcdefghijklmnopqrstuvwyzagiilouhrll",
        strict=True,
    )
)
_APOSTROPHES = dict.fromkeys("‘’‛ʼʹ′´`ˈʻʽ", "'")

_LOOK_ALIKES = str.maketrans(
    "аеорсухкмнтвіјѕԁԛԝһҽАЕОРСУХКМНТВІЈЅҮԌԚԜαοενυικτργηωΑΒΕΖΗΙΚΜΝΟΡΤΥΧᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃօսոհԼ",
    "aeopcyxkmhtbijsdqwheAEOPCYXKMHTBIJSYGQWaoevuiktpynwABEZHIKMNOPTYXABCDEHJKLMPRSTVWZounhL",
)
"""Letters that look Latin but are not; folded only where Latin letters stand beside them."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u0640")
_KEPT_DIACRITICS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE2F))
_WORD = re.compile(r"[^\W_]+")
_LATIN_LETTER = re.compile(r"[A-Za-z]")
_FOREIGN = re.compile(r"[\u0370-\u03ff\u0400-\u058f\u13a0-\u13ff]")


def _visible(char: str) -> str:
    """What a single character stands for: itself, a letter, an apostrophe, a space or nothing."""
    category = unicodedata.category(char)
    if char in _APOSTROPHES:
        return "'"
    if char in _DECORATIVE:
        return _DECORATIVE[char]
    if category in {"Cf", "Cs", "Co", "Cn"} or char in _INVISIBLE:
        return ""
    if any(first <= ord(char) <= last for first, last in _KEPT_DIACRITICS):
        return char if ord(char) < 0xFE00 else ""
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category[0] in "LM" or char.isascii():
        return char if char.isprintable() else " "
    return " "


def _transliterated(char: str) -> str:
    lower = char.lower()
    for table in (_CYRILLIC, _GREEK, _LATIN):
        if lower in table:
            target = table[lower].replace("_", "")
            return target if lower == char else target.upper()
    if any(first <= ord(char) <= last for first, last in _KEPT_DIACRITICS):
        return ""
    return char


class _Table(dict[int, str]):
    """A translation table filled as characters are met, up to a bound."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        self._rule = rule

    def __missing__(self, code: int) -> str:
        target = self._rule(chr(code))
        if len(self) < REMEMBERED_CHARACTERS:
            self[code] = target
        return target


_VISIBLE = _Table(_visible)
_TRANSLITERATION = _Table(_transliterated)


def _without_look_alikes(text: str) -> str:
    """Fold look-alikes word by word, or everywhere when no letter of the text can only be Cyrillic or Greek."""
    if not (_FOREIGN.search(text) and _LATIN_LETTER.search(text)):
        return text
    if not _FOREIGN.search(text.translate(_LOOK_ALIKES)):
        return text.translate(_LOOK_ALIKES)
    return _WORD.sub(_plain_if_mixed, text)


def _plain_if_mixed(word: re.Match[str]) -> str:
    return word.group().translate(_LOOK_ALIKES) if _LATIN_LETTER.search(word.group()) else word.group()


def fold(text: str, limit: int) -> str:
    """Fold `text` to the characters that descriptors are compared in.

    Args:
        text: any string.
        limit: characters read, before and after the folding (some signs unfold into whole phrases).
    """
    text = text[:limit]
    if text.isascii():
        return text if text.isprintable() else text.translate(_VISIBLE)
    text = unicodedata.normalize("NFKC", text)[:limit].translate(_VISIBLE)
    if text.isascii():
        return text
    text = _without_look_alikes(text).translate(_TRANSLITERATION)
    text = unicodedata.normalize("NFD", text).translate(_TRANSLITERATION)
    return unicodedata.normalize("NFC", text)[:limit]
