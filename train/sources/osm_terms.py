"""Trade words in many languages: the preset names and search terms of `@openstreetmap/id-tagging-schema` (npm, ISC).

`Bäckerei`, `panadería` and `パン屋` are what editors of a map call `shop=bakery`;
the tables of `train/sources/osm.py` say which MCC that is. Only kinds of places
where one can pay are taken, and only languages met on card statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from train.packages import json_members
from train.sources.osm import OsmCodes
from train.sources.rows import Dropped, Entry, Row

SOURCE = "id-tagging-schema"
KEYS = frozenset({"shop", "office", "craft", "healthcare", "leisure", "tourism", "amenity", "club"})
LANGUAGES = tuple(
    "ar bg bn ca cs da de el en en-GB es et eu fa fi fil fr gl he hi hr hu hy id is it ja kk ko lt lv"
    " mk ms nb nl no pl pt pt-BR ro ru sk sl sq sr sv ta te th tr uk ur vi zh-CN zh-HK zh-TW".split()
)
_PRESETS = "package/dist/presets.min.json"
_TRANSLATION = "package/dist/translations/{}.min.json"
_NAME, _ALIAS, _TERM = 0.5, 0.5, 0.3


def read_archive(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Read the presets, and the presets' words by language, out of the package.

    Raises:
        InputError: it is not the package this code knows.
    """
    files = json_members(path, [_PRESETS, *map(_TRANSLATION.format, LANGUAGES)])
    words = {name: files[_TRANSLATION.format(name)][name].get("presets", {}).get("presets", {}) for name in LANGUAGES}
    return files[_PRESETS], words


def rows(presets: Mapping[str, Any], words: Mapping[str, Any], codes: OsmCodes) -> Iterator[Entry]:
    """Every word for every preset, language by language; those of presets without a code as dropped."""
    for language, translations in words.items():
        country = language[3:]
        for name, texts in translations.items():
            found = codes.of_place(presets[name]["tags"]) if name in presets else None
            for text, weight in _texts(texts):
                if found is None or found[0] not in KEYS:
                    yield Dropped("kind of place has no MCC")
                else:
                    code = found[1]
                    yield Row(text, code.mcc, country, "", round(code.weight * weight, 2), source=SOURCE)


def _texts(texts: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for part in str(texts.get("name", "")).split(" / "):
        yield part, _NAME
    yield from ((text, _ALIAS) for text in texts.get("aliases", ()))
    yield from ((text, _TERM) for text in texts.get("terms", ()))
