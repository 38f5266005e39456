"""Kana and Hangul in Latin letters, as the Latin-only network field carries them.

Kana follow Hepburn without long-vowel marks; Hangul follows the letter values
of the Revised Romanisation of Korean, syllable by syllable, without sound
changes between syllables. Han characters stay as they are: their readings need
a dictionary.
"""

from __future__ import annotations

import re
import unicodedata

_KANA = dict(
    zip(
        "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
        "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽぁぃぅぇぉゔゐゑ",
        (
            "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho ma mi mu me mo"
            " ya yu yo ra ri ru re ro wa o n ga gi gu ge go za ji zu ze zo da ji zu de do ba bi bu be bo pa pi pu pe po"
            " a i u e o vu i e"
        ).split(),
        strict=True,
    )
)
_GLIDES = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_ASIAN = re.compile("[\u3041-\u30ff\uff66-\uff9f\uac00-\ud7a3]")

_INITIAL = "g kk n d tt r m b pp s ss _ j jj ch k t p h".replace("_", "").split(" ")
_VOWEL = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split(" ")
_FINAL = "_ k k ks n nj nh t l lk lm lp ls lt lp lh m p ps t t ng t t k t p t".replace("_", "").split(" ")


def romanise(text: str) -> str:
    """Write kana and Hangul of a text in Latin letters; other characters stay."""
    if not _ASIAN.search(text):
        return text
    return _kana("".join(_syllable(char) for char in unicodedata.normalize("NFKC", text)))


def _syllable(char: str) -> str:
    """One Hangul syllable block in letters (Unicode, chapter 3.12: blocks are laid out arithmetically)."""
    number = ord(char) - 0xAC00
    if not 0 <= number < 11172:
        return char
    return _INITIAL[number // 588] + _VOWEL[number % 588 // 28] + _FINAL[number % 28]


def _kana(text: str) -> str:
    out: list[str] = []
    double = False
    for char in text.translate(_KATAKANA):
        if char == "っ":
            double = True
        elif char in _GLIDES and out:
            out[-1] = _glide(out[-1], _GLIDES[char])
        elif char != "ー":
            sound = _KANA.get(char, char)
            out.append(sound[0] + sound if double and sound.isascii() else sound)
            double = False
    return "".join(out)


def _glide(sound: str, vowel: str) -> str:
    """Join a small ya, yu or yo: ki -> kya, shi -> sha."""
    stem = sound[:-1]
    return stem + vowel if stem in ("sh", "ch", "j", "ssh", "cch", "jj") else f"{stem}y{vowel}"
