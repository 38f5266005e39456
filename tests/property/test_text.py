"""Properties of the normaliser over all of Unicode."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from merchant_classifier.characters import fold
from merchant_classifier.text import MAX_CHARACTERS, MAX_WORD_CHARACTERS, MAX_WORDS, normalize

EXAMPLES = 150

any_text = st.text(st.characters(), max_size=400)  # all code points, lone surrogates included
wrapping = st.lists(
    st.sampled_from(
        "SQ * TST* PAYPAL* POS DEBIT CARD 1234 XXXX1234 08/14 #12 LONDON GB US CO NEW YORK NY .COM /BILL & ' é Ж カ"
        " 한 \u200b \u202e \ud800 \x00 UPI- // : 01.02.26 CAFE Bakery S 7 3m".split(" ")
    ),
    max_size=30,
).map(" ".join)
plain_names = st.lists(
    st.text(st.characters(min_codepoint=ord("A"), max_codepoint=ord("Z")), min_size=4, max_size=9).map("Q".__add__),
    min_size=1,
    max_size=5,
).map(" ".join)


@given(any_text | wrapping)
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_string_gives_few_short_clean_words(raw: str) -> None:
    descriptor = normalize(raw)
    assert len(descriptor.words) <= MAX_WORDS
    for word in descriptor.words:
        assert 0 < len(word) <= MAX_WORD_CHARACTERS
        assert word == word.lower()
        assert not any(char.isspace() or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} for char in word)
    descriptor.text.encode()


@given(any_text | wrapping)
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_answer_depends_on_nothing_but_the_string(raw: str) -> None:
    assert normalize(raw) == normalize("".join(list(raw)))


@given(any_text)
@settings(max_examples=EXAMPLES, deadline=None)
def test_folding_is_bounded_and_encodable(raw: str) -> None:
    folded = fold(raw, MAX_CHARACTERS)
    assert len(folded) <= MAX_CHARACTERS
    folded.encode()


@given(wrapping | any_text)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_marker_comes_first_and_only_with_an_intermediary(raw: str) -> None:
    descriptor = normalize(raw)
    marked = [word.endswith("*") for word in descriptor.words]
    assert any(marked) == (descriptor.intermediary is not None)
    assert not any(marked[1:])


@given(plain_names)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_plain_name_is_a_fixed_point(name: str) -> None:
    """Words that begin with Q are no issuer phrase, place or code: nothing may be taken from them."""
    descriptor = normalize(name)
    assert descriptor.words == tuple(name.lower().split())
    assert normalize(descriptor.merchant) == descriptor


@given(plain_names, st.sampled_from(["\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad"]), st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_an_invisible_character_anywhere_changes_nothing(name: str, invisible: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(name)))
    assert normalize(name[:position] + invisible + name[position:]) == normalize(name)


@given(plain_names)
@settings(max_examples=EXAMPLES, deadline=None)
def test_case_and_width_of_letters_change_no_word(name: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) if char != " " else "\u3000" for char in name)
    assert normalize(name.lower()).words == normalize(name).words == normalize(wide).words


@given(plain_names)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_facilitator_prefix_adds_its_marker_and_nothing_else(name: str) -> None:
    prefixed = normalize(f"SQ *{name}")
    assert prefixed.words == ("square*", *normalize(name).words)
    assert prefixed.merchant == normalize(name).merchant
