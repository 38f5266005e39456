"""Brands, operators and transport networks of the name-suggestion-index (npm, BSD-3-Clause), with Wikidata ids.

A place's path (`brands/shop/bakery`) and tags give the MCC through the tables of
`train/sources/osm.py`. Every spelling is a row: names, translations and
transliterations, short and former names, the label on Wikidata, and the domain
of the official website where it belongs to one brand only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from train.packages import json_members
from train.sources.countries import COUNTRIES
from train.sources.osm import CONFIDENCE, Code, OsmCodes
from train.sources.rows import Dropped, Entry, Row

SOURCE = "name-suggestion-index"
TREES = {"brands": ("brand", 1.0), "operators": ("operator", 0.6), "transit": ("network", 0.6)}
"""Trees that name merchants: the tag that holds the name, and how far a name of the tree is trusted."""

_PLACES = "package/dist/json/nsi.min.json"
_FACTS = "package/dist/wikidata/wikidata.min.json"
_PLAIN, _TRANSLATED, _OTHER = 1.0, 0.8, 0.6
_SPELLINGS = {"name": _PLAIN, "official_name": _OTHER, "short_name": _OTHER, "alt_name": _OTHER}
_SHARED_HOSTS = re.compile(
    r"(^|\.)(facebook|instagram|twitter|x|youtube|linkedin|wikipedia|google|wixsite|wordpress|blogspot|archive|vk)\."
)
_GOVERNMENT = Code("9399", CONFIDENCE["medium"])
"""A city that runs schools, parks and car parks is paid as a public office, whatever the place."""
_OWN_CODE = frozenset({"university", "college", "courthouse", "hospital", "post_office", "fuel", "water_works"})
_OTHER_CODES = {"fx": "FR", "ea": "ES", "ic": "ES", "cq": "GG", "ra": "AR"}
"""Codes in the index that are not ISO 3166-1: France without overseas, Ceuta, the Canaries, Sark, and a slip."""
_QUALIFIER = re.compile(r"\s*\([^)]*\)\s*$")


@dataclass(frozen=True, slots=True)
class Index:
    """The package's two files: places by path, and facts by Wikidata id."""

    places: Mapping[str, Any]
    facts: Mapping[str, Any]


def read_archive(path: Path) -> Index:
    """Read the two files out of the package.

    Raises:
        InputError: it is not the package this code knows.
    """
    files = json_members(path, [_PLACES, _FACTS])
    return Index(files[_PLACES]["nsi"], files[_FACTS]["wikidata"])


def rows(index: Index, codes: OsmCodes) -> Iterator[Entry]:
    """Every spelling of every place, in the package's order; those without a code as dropped."""
    hosts = _hosts(index)
    for path, branch in index.places.items():
        tree, _, tag = path.partition("/")
        key, _, value = tag.partition("/")
        if tree not in TREES:
            yield from (Dropped("tree does not name merchants") for _ in branch["items"])
            continue
        name_tag, trust = TREES[tree]
        for item in branch["items"]:
            tags = item["tags"]
            code = codes.of_tag(key, value, tags, item["displayName"])
            if tags.get("operator:type") == "government" and value not in _OWN_CODE:
                code = _GOVERNMENT
            brand = tags.get(f"{name_tag}:wikidata", "")
            country = one_country(item["locationSet"].get("include", ()))
            for text, weight in _spellings(item, name_tag, index.facts.get(brand, {}), hosts.get(brand, "")).items():
                if code is None:
                    yield Dropped("kind of place has no MCC")
                else:
                    yield Row(text, code.mcc, country, brand, round(code.weight * trust * weight, 2), source=SOURCE)


def one_country(places: Iterable[Any]) -> str:
    """The country that all locations lie in, as ISO 3166 alpha-2; "" when there are several or none is told.

    Locations are country codes, UN M49 region numbers, files named after a subdivision (`us-wi.geojson`), or circles.
    """
    found = {_country(str(place)) for place in places}
    return found.pop() if len(found) == 1 else ""


def _country(place: str) -> str:
    if not re.match(r"[a-z]{2}([.-]|$)", place):
        return ""
    code = _OTHER_CODES.get(place[:2], place[:2].upper())
    return code if code in COUNTRIES else ""


def _spellings(item: Mapping[str, Any], name_tag: str, facts: Mapping[str, Any], host: str) -> dict[str, float]:
    """Each different text with the greatest weight that a spelling of it has."""
    texts: dict[str, float] = {}
    for text, weight in _all_spellings(item, name_tag, facts):
        texts[text] = max(weight, texts.get(text, 0.0))
    if host:
        texts.setdefault(host, _TRANSLATED)
    return texts


def _all_spellings(item: Mapping[str, Any], name_tag: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    tags = item["tags"]
    wanted = {**_SPELLINGS, name_tag: _PLAIN, f"{name_tag}:short": _OTHER}
    for tag, value in tags.items():
        stem, _, language = tag.partition(":")
        if tag in wanted:
            yield from ((part, wanted[tag]) for part in value.split(";"))
        elif stem in ("name", name_tag) and language not in ("wikidata", "wikipedia", "type", "guid"):
            yield value, _TRANSLATED
    if not {"name", name_tag} & tags.keys():
        yield item["displayName"], _PLAIN
    yield from ((text, _OTHER) for text in item.get("matchNames", ()))
    label = _QUALIFIER.sub("", facts.get("label", ""))
    if label:
        yield label, _TRANSLATED


def _hosts(index: Index) -> dict[str, str]:
    """The domain of each Wikidata id whose first official website is a domain of its own."""
    hosts = {brand: _host(facts.get("officialWebsites", ())) for brand, facts in index.facts.items()}
    owners = Counter(hosts.values())
    return {brand: host for brand, host in hosts.items() if host and owners[host] == 1}


def _host(websites: Iterable[str]) -> str:
    for website in websites:
        parts = urlsplit(website)
        host = (parts.hostname or "").removeprefix("www.")
        if "." in host and parts.path.count("/") <= 1 and not _SHARED_HOSTS.search(host):
            return host
    return ""
