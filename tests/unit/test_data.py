"""The data stage: packages give rows, conflicts are decided by rule, every row is accounted for."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from merchant_classifier.errors import InputError
from train import data_readme, packages
from train.data import Account, resolve, usable
from train.resolve import Taxonomy, read_taxonomy, text_key
from train.sources import mcc_wordings, name_suggestion_index, osm_terms, statement_lines
from train.sources.countries import COUNTRIES
from train.sources.osm import read_codes
from train.sources.rows import Dropped, Row

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
CODES = read_codes(DATA / "reference")
TAXONOMY = read_taxonomy(DATA)
WORDS = osm_terms.SOURCE


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the taxonomy


def test_the_taxonomy_has_every_generic_code_once_and_not_a_merchant() -> None:
    names = [row["mcc"] for row in table("labels.csv")]
    assert len(names) == len(set(names)) == 320
    assert names[0] == "0742"
    assert names[-2:] == ["9950", "not_a_merchant"]
    assert not [name for name in names if name.startswith("3")]


def test_every_category_is_described_and_used() -> None:
    described = {row["name"] for row in table("categories.csv")}
    assert described == {row["category"] for row in table("labels.csv")}


def test_brand_codes_fold_into_generic_codes_by_range() -> None:
    rows = table("brand_codes.csv")
    folded = {row["label"]: sorted(r["code"] for r in rows if r["label"] == row["label"]) for row in rows}
    assert set(folded) == {"4511", "7512", "7011"}
    assert folded["4511"][-1] < folded["7512"][0]
    assert folded["7512"][-1] < folded["7011"][0]


def test_tables_of_places_name_only_codes_of_the_taxonomy() -> None:
    refined = [r.code for group in CODES.refinements.values() for r in group if r.code]
    assert {code.mcc for code in [*CODES.codes.values(), *refined]} <= TAXONOMY.family.keys()


def test_a_generic_code_outside_its_family_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("mcc,family\n5812,eating\n5411,food_shops\n")
    (tmp_path / "families.csv").write_text("family,generic\neating,5411\n")
    (tmp_path / "preferences.csv").write_text("preferred,over\n")
    with pytest.raises(InputError, match=r"families\.csv: expected a code of family 'eating'.*found '5411'"):
        read_taxonomy(tmp_path)


# --- sources


def index(path: str, *items: Mapping[str, object], facts: Mapping[str, object] | None = None) -> list[Row | Dropped]:
    places = {path: {"items": [{"locationSet": {"include": ["gb"]}, "displayName": "?", **item} for item in items]}}
    return list(name_suggestion_index.rows(name_suggestion_index.Index(places, facts or {}), CODES))


def test_a_brand_gives_a_row_for_every_spelling_with_its_id_and_country() -> None:
    tags = {"brand": "Блу", "brand:en": "Blue", "brand:wikidata": "Q1", "name": "Блу", "shop": "bakery"}
    rows = index(
        "brands/shop/bakery",
        {"tags": tags, "matchNames": ["blue bakery"]},
        facts={"Q1": {"label": "Blue (bakery)", "officialWebsites": ["https://www.blue.example/"]}},
    )
    assert [row.text for row in rows if isinstance(row, Row)] == ["Блу", "Blue", "blue bakery", "blue.example"]
    assert {(row.label, row.country, row.brand_id) for row in rows if isinstance(row, Row)} == {("5462", "GB", "Q1")}


def test_a_domain_that_two_brands_share_is_not_a_text() -> None:
    site = {"label": "x", "officialWebsites": ["https://mall.example/"]}
    rows = index(
        "brands/shop/bakery",
        {"tags": {"brand": "Blue", "brand:wikidata": "Q1"}},
        facts={"Q1": site, "Q2": site},
    )
    assert "mall.example" not in [row.text for row in rows if isinstance(row, Row)]


def test_a_second_tag_refines_the_code() -> None:
    plain, children = index(
        "brands/shop/clothes", {"tags": {"brand": "A"}}, {"tags": {"brand": "B", "clothes": "children"}}
    )
    assert isinstance(plain, Row)
    assert isinstance(children, Row)
    assert (plain.label, children.label) == ("5651", "5641")


def test_a_public_office_that_runs_a_school_is_paid_as_a_public_office() -> None:
    (row,) = index("operators/amenity/school", {"tags": {"operator": "City of X", "operator:type": "government"}})
    assert isinstance(row, Row)
    assert row.label == "9399"


def test_places_without_a_code_are_counted_not_lost() -> None:
    assert index("operators/power/tower", {"tags": {"operator": "Grid"}}) == [Dropped("kind of place has no MCC")]


@pytest.mark.parametrize(
    ("places", "country"),
    [
        (["de"], "DE"),
        (["us-wi.geojson", "us"], "US"),
        (["de", "at"], ""),
        (["001"], ""),
        ([[10.1, 53.5]], ""),
        ([], ""),
    ],
)
def test_a_country_is_named_only_when_all_places_lie_in_it(places: list[object], country: str) -> None:
    assert name_suggestion_index.one_country(places) == country


def test_trade_words_get_the_code_of_their_place_in_every_language() -> None:
    presets = {"shop/bakery": {"tags": {"shop": "bakery"}}, "natural/tree": {"tags": {"natural": "tree"}}}
    words = {"de": {"shop/bakery": {"name": "Bäckerei", "terms": ["Brot"]}, "natural/tree": {"name": "Baum"}}}
    rows = list(osm_terms.rows(presets, words, CODES))
    assert [(row.text, row.label) for row in rows if isinstance(row, Row)] == [("Bäckerei", "5462"), ("Brot", "5462")]
    assert [row for row in rows if isinstance(row, Dropped)] == [Dropped("kind of place has no MCC")]


def test_wordings_keep_generic_codes_and_fold_brand_codes(tmp_path: Path) -> None:
    path = tmp_path / "iso18245.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in mcc_wordings.LISTS:
            archive.writestr(f"iso18245/data/{name}_list.csv", "MCC,DESCRIPTION\n5462,Bakeries\n3011,Aeroflot\n")
    wordings = mcc_wordings.read_archive(path)
    assert {(row.text, row.label, row.brand_id) for row in mcc_wordings.rows(wordings) if isinstance(row, Row)} == {
        ("Bakeries", "5462", ""),
        ("Aeroflot", "4511", "mcc:3011"),
    }
    assert mcc_wordings.brand_codes(wordings) == [("3011", "Aeroflot", "4511")]


def test_hand_written_lines_are_no_merchants_and_many() -> None:
    rows = [row for row in statement_lines.rows(DATA / "not_a_merchant.csv") if isinstance(row, Row)]
    assert len(rows) >= 400
    assert {row.label for row in rows} == {"not_a_merchant"}
    assert len({row.country for row in rows}) >= 40


# --- packages


def pinned(content: bytes, client: str = "npm") -> packages.Package:
    return packages.Package("thing", "1.0", client, "thing-1.0.tgz", hashlib.sha256(content).hexdigest(), "MIT")


def test_a_client_finds_a_relative_cache_from_the_folder_it_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(_: packages.Package, command: list[str], folder: str) -> None:
        target = Path(folder) / command[command.index("--dest") + 1]  # as a client that runs in `folder` reads it
        (target / "thing-1.0.tgz").write_bytes(b"good")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packages, "_call", download)
    assert packages.fetch(pinned(b"good", "pip"), Path("cache")).read_bytes() == b"good"


def test_a_package_in_the_cache_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "thing-1.0.tgz").write_bytes(b"good")
    assert packages.fetch(pinned(b"good"), tmp_path).read_bytes() == b"good"


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thing-1.0.tgz").write_bytes(b"evil")
    with pytest.raises(InputError, match=r"thing-1\.0\.tgz: expected sha256 .*, found .*; delete the file"):
        packages.fetch(pinned(b"good"), tmp_path)


def test_a_missing_client_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="npm is not installed; `make data` needs it once") as caught:
        packages.fetch(pinned(b""), tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_a_client_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no route to registry' >&2\necho 'a log is there' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(InputError, match=r"npm could not fetch thing 1\.0 .*offline.*no route to registry"):
        packages.fetch(pinned(b""), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_files_of_an_npm_package_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as archive:
        content = json.dumps({"a": 1}).encode()
        member = tarfile.TarInfo("package/a.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    assert packages.json_members(path, ["package/a.json"]) == {"package/a.json": {"a": 1}}
    with pytest.raises(InputError, match=r"a\.tgz: expected a file package/b\.json"):
        packages.json_members(path, ["package/b.json"])


# --- conflicts


def decided(*rows: Row, curated: Mapping[str, str] | None = None) -> tuple[list[Row], dict[str, Account]]:
    accounts: dict[str, Account] = defaultdict(Account)
    for row in rows:
        accounts[row.source].read += 1
    return resolve(rows, TAXONOMY, curated or {}, accounts), accounts


def test_the_label_with_more_weight_keeps_the_text() -> None:
    kept, _ = decided(Row("Blue", "5812", weight=0.4), Row("BLUE", "5999", weight=0.7), Row("blue", "5812", weight=0.5))
    assert [(row.text, row.label) for row in kept] == [("blue", "5812")]


def test_a_curated_merchant_decides_over_weight() -> None:
    kept, _ = decided(Row("Blue", "5812", weight=0.2), Row("Blue", "5999"), curated={"blue": "5812"})
    assert [row.label for row in kept] == ["5812"]


def test_a_text_that_curated_merchants_hold_otherwise_is_left_out() -> None:
    kept, accounts = decided(Row("Blue", "5999", source="s"), curated={"blue": "5812"})
    assert kept == []
    assert accounts["s"].dropped == {"curated merchants say otherwise": 1}


@pytest.mark.parametrize(
    ("labels", "winner"),
    [
        (["5812", "5812", "5541"], "5812"),  # votes
        (["5411", "5541"], "5411"),  # preference
        (["5812", "5814"], "5812"),  # generic code of the family
        (["5813", "5814"], None),  # same family, generic code not given
        (["0742", "7841"], None),
    ],
)
def test_ties_go_to_the_preferred_then_to_the_generic_code(labels: list[str], winner: str | None) -> None:
    votes = {label: labels.count(label) for label in labels}
    assert TAXONOMY.decide(votes) == winner


def test_a_preference_decides_among_three_only_if_it_beats_both() -> None:
    taxonomy = Taxonomy({"a": "a", "b": "b", "c": "c"}, {}, {("a", "b"), ("a", "c"), ("b", "c")})
    assert taxonomy.decide({"a": 1, "b": 1, "c": 1}) == "a"
    circle = replace(taxonomy, preferred={("a", "b"), ("b", "c"), ("c", "a")})
    assert circle.decide({"a": 1, "b": 1, "c": 1}) is None


def test_a_word_of_several_trades_teaches_nothing() -> None:
    rows = [Row("repair", label, weight=0.3, source=WORDS) for label in ("7538", "7622", "7251")]
    kept, accounts = decided(*rows, Row("repair", "7538", weight=0.1, source=WORDS))
    assert kept == []
    assert accounts[WORDS].dropped == {"word of several trades": 4}


def test_a_country_survives_only_if_all_rows_name_it() -> None:
    kept, _ = decided(
        Row("Blue", "5812", "GB"), Row("blue", "5812", "GB"), Row("Red", "5812", "GB"), Row("Red", "5812")
    )
    assert {row.text: row.country for row in kept} == {"Blue": "GB", "Red": ""}


def test_the_order_of_rows_does_not_matter_and_counts_add_up() -> None:
    generator = random.Random(5)
    names, labels, sources = ["Blue", "BLUE", "Red", "Green", "green "], ["5812", "5814", "5411", "0742"], ["a", "b"]
    rows = [
        Row(generator.choice(names), generator.choice(labels), weight=generator.choice([0.3, 0.5]), source=source)
        for source in sources
        for _ in range(15)
    ]
    first, accounts = decided(*rows)
    for account in accounts.values():
        assert account.read == account.kept + account.dropped.total()
    for _ in range(5):
        generator.shuffle(rows)
        assert decided(*rows)[0] == first


def test_texts_are_tidied_and_unusable_ones_counted() -> None:
    account = Account()
    rows = [Row("  A  b ", "5812"), Row("12 34", "5812"), Row("x" * 121, "5812"), Row("c", "5812", weight=0.1)]
    assert [row.text for row in usable("s", rows, account, TAXONOMY)] == ["A b"]
    assert (account.read, account.dropped.total()) == (4, 3)


def test_a_label_outside_the_taxonomy_is_an_error() -> None:
    with pytest.raises(InputError, match=r"s: 'A': expected a label of data/labels\.csv, found '3000'"):
        list(usable("s", [Row("A", "3000")], Account(), TAXONOMY))


# --- the page


def small_data(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("mcc,text,category\n5812,Restaurants,eating\n")
    (tmp_path / "merchants.csv").write_text("text,label,source,country\nБлу,5812,nsi,RU\n")
    (tmp_path / "curated_merchants.csv").write_text("text,mcc,kind,country\nBlue,5812,real,GB\nRed,5812,real,\n")
    (tmp_path / "provenance.json").write_text(
        '{"sources": {"nsi": {"rows_in": 2, "rows_out": 1, "dropped": {"x": 1}}}}'
    )
    (tmp_path / "README.md").write_text(f"before\n{data_readme.BEGIN}\nold\n{data_readme.END}\nafter\n")


def test_the_page_keeps_what_stands_outside_its_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_readme, "draw", lambda *_: None)
    small_data(tmp_path)
    data_readme.update(tmp_path)
    page = (tmp_path / "README.md").read_text("utf-8")
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    for line in ("| curated, real | 2 |", "| Cyrillic | 1 |", "| 5812 | Restaurants | 2 | 1 |", "2 countries; 1 rows"):
        assert line in page
    data_readme.update(tmp_path)
    assert (tmp_path / "README.md").read_text("utf-8") == page


@pytest.mark.train
def test_the_plot_is_a_picture_with_the_same_bytes_every_time(tmp_path: Path) -> None:
    small_data(tmp_path)
    data_readme.update(tmp_path)
    picture = (tmp_path / data_readme.PLOT).read_bytes()
    assert picture.startswith(b"\x89PNG")
    data_readme.update(tmp_path)
    assert (tmp_path / data_readme.PLOT).read_bytes() == picture


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    for name in ("labels.csv", "merchants.csv", "curated_merchants.csv"):
        (tmp_path / name).write_text("mcc\n")
    (tmp_path / "README.md").write_text("# Data\n")
    with pytest.raises(InputError, match=r"README\.md: expected the lines"):
        data_readme.update(tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Café 24", "Latin"),
        ("Йогурт", "Cyrillic"),
        ("パン屋", "Japanese"),
        ("中信银行", "Han"),
        ("메가", "Hangul"),
        ("24", "none"),
    ],
)
def test_the_script_of_a_text_is_that_of_most_letters(text: str, name: str) -> None:
    assert data_readme.script(text) == name


# --- the committed files


def test_the_committed_merchants_are_what_their_provenance_says() -> None:
    provenance = json.loads((DATA / "provenance.json").read_text("utf-8"))
    for path, digest in {**provenance["inputs"], **provenance["outputs"]}.items():
        assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == digest, f"{path} changed: run `make data`"
    for account in provenance["sources"].values():
        assert account["rows_in"] == account["rows_out"] + sum(account["dropped"].values())
    assert provenance["rows"] == sum(account["rows_out"] for account in provenance["sources"].values())


def test_the_committed_merchants_hold_each_text_once_in_order() -> None:
    rows = table("merchants.csv")
    assert len({text_key(row["text"]) for row in rows}) == len(rows)
    assert [(row["label"], row["text"]) for row in rows] == sorted((row["label"], row["text"]) for row in rows)
    assert {row["label"] for row in rows} <= TAXONOMY.family.keys()
    assert {row["country"] for row in rows} <= COUNTRIES | {""}
    assert all(0.2 <= float(row["weight"]) <= 1 for row in rows)
