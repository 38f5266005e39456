"""The base merchant of a row: the key by which rows are kept on one side of a split.

`MCDONALD'S F11173` and `MCDONALDS WATERLOO` must never stand on both sides. A
brand's Wikidata id is its key where it is known, and a line that begins with a
brand's full name belongs to that brand. Otherwise the key comes from the
normalised words: the first word alone when few names start with it (`zabka`),
else the first two (`royal oak`), or three when those two start very many names
as well (`first baptist church`). How common a start is, is counted in the data at
hand, so that no list of words has to be kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

RARE_WORD = 20
"""A word that starts at most this many different lines stands for a merchant by itself."""

COMMON_PAIR = 200
"""Two words that start more lines than this are a kind of business (`law office`), not a merchant."""

BRAND = "brand:"
"""What the keys of known brands begin with."""

MOST_BRANDS = 3
"""A word key that more brands share does not tie them together."""

_NAME_SHARE = 0.9
"""A one-word brand (`subway`) owns the lines that start with it when most lines with that word start with it."""

_LEGAL = frozenset(
    "ltd limited llc inc incorporated corp corporation co company plc llp lp gmbh ag kg mbh ug ohg ek sarl sas sa eurl"
    " snc sl slu srl spa bv nv vof bvba ab as aps oy oyj sp zoo ooo oao zao ao too pty pvt pte sdn bhd kk kft sro doo"
    " ltda me eireli lda cia the".split()
)
_HEAD = 3
_NOT_LETTERS = str.maketrans("", "", "0123456789*&")

Head = tuple[str, ...]


@dataclass(slots=True)
class _Starts:
    """How the distinct lines of a data set begin."""

    one: Counter[str] = field(default_factory=Counter)
    two: Counter[Head] = field(default_factory=Counter)
    anywhere: Counter[str] = field(default_factory=Counter)


def name_head(line: str) -> Head:
    """The first three words of a name, without numbers, legal forms and the intermediary's marker.

    Where nothing else is there, words of these kinds stand in; a line without letters has no head.
    """
    head: list[str] = []
    for word in line.split(" "):
        if word not in _LEGAL and (word.isalpha() or (word := _letters_of(word))):
            head.append(word)
            if len(head) == _HEAD:
                break
    return tuple(head) or tuple(word for word in line.split(" ") if any(map(str.isalpha, word)))[:_HEAD]


def _letters_of(word: str) -> str:
    return "" if word.endswith("*") else word.translate(_NOT_LETTERS)


def letters(line: str) -> str:
    """The letters of a line alone: rows that agree in them count as the same merchant over time."""
    return "".join(filter(str.isalpha, line))


def base_keys(lines: Sequence[str], brands: Sequence[str]) -> list[str]:
    """The base merchant of every row.

    Args:
        lines: normalised words, space-joined.
        brands: brand id of each row, or "".

    Returns:
        A key for each row, "" where the line holds no letter and no brand is
        known. Brands and word keys that occur together on a row form one group
        with one key, so that a brand's unbranded spellings stay on its side.
    """
    head_of = {line: name_head(line) for line in set(lines)}
    starts = _count(head_of)
    names = {head_of[line] for line, brand in zip(lines, brands, strict=True) if brand}
    key_of = {line: _key(head, starts, names) for line, head in head_of.items()}
    keys = [key_of[line] for line in lines]
    return _groups(keys, brands)


def _count(head_of: dict[str, Head]) -> _Starts:
    starts = _Starts()
    for line, head in head_of.items():
        if head:
            starts.one[head[0]] += 1
            starts.two[head[:2]] += 1
        starts.anywhere.update(line.split(" "))
    return starts


def _key(head: Head, starts: _Starts, names: set[Head]) -> str:
    if not head:
        return ""
    word = head[0]
    if starts.one[word] <= RARE_WORD or (head[:1] in names and starts.one[word] >= _NAME_SHARE * starts.anywhere[word]):
        return word
    if starts.two[head[:2]] <= COMMON_PAIR or head[:2] in names:
        return " ".join(head[:2])
    return " ".join(head)


def _groups(keys: Sequence[str], brands: Sequence[str]) -> list[str]:
    """The key of every row's group (union-find over the brands and word keys that share a row).

    A word key that many brands share (`superior`, `stadtwerke`) says nothing about
    which: it ties none of them, or half of all brands would be one group.
    """
    nodes = [f"{BRAND}{brand}" if brand else key for key, brand in zip(keys, brands, strict=True)]
    ties = {(node, key) for node, key, brand in zip(nodes, keys, brands, strict=True) if brand and key}
    sharing = Counter(key for _, key in ties)
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while (above := parent.get(node, node)) != node:
            parent[node] = node = parent.get(above, above)
        return node

    for brand, key in sorted(ties):
        if sharing[key] <= MOST_BRANDS:
            first, second = sorted((root(brand), root(key)), key=_brands_first)
            parent[second] = first
    return [root(node) for node in nodes]


def _brands_first(node: str) -> tuple[bool, str]:
    return not node.startswith(BRAND), node
