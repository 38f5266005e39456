"""Every source adapter reads a small real-shaped sample, accounts for each row and names what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from merchant_classifier.errors import InputError
from train.sources import ADAPTERS, adapter
from train.sources.descriptions import reference
from train.sources.rows import Dropped, Entry, Row, folded

SAMPLES = {
    "labelled": "text,label\nBLUE DOOR CAFE,5812\n",
    "bank_export": "Booking date;Amount;Description;MCC\n2026-01-02;-3,50;BLUE DOOR CAFE;5812\n",
    "merchants": "text,label,source,country,brand_id,weight\nBlue Door,5812,nsi,GB,Q1,1.0\n",
    "curated": "text,mcc,kind,country\nBlue Door,5812,independent,GB\n",
    "registers": "text,mcc,country,confidence,source\nBlue Door,5812,GB,medium,fhrs-london\n",
    "toronto": (
        "Division,Batch-Transaction ID,Transaction Date,Card Posting Dt,Merchant Name,Transaction Amt.,Trx Currency,"
        "Merchant Type,Merchant Type Description,Purpose\n"
        "Parks,2931-1,2018-03-02,2018-03-05,BLUE DOOR CAFE #12,12.50,CAD,5812,Eating Places and Restaurants,Meeting\n"
    ),
    "delaware": (
        "FISCAL_YEAR,FISCAL_PERIOD,DEPT_NAME,DIV_NAME,MERCHANT,CAT_DESCR,TRANS_DT,MERCHANDISE_AMT\n"
        '2018,3,DEPT OF EDUCATION,SCHOOLS,BLUE DOOR CAFE,"EATING PLACES, RESTAURANTS",09/14/2017,"1,012.50"\n'
    ),
    "oklahoma": (
        "Year-Month,Agency Number,Agency Name,Cardholder Last Name,Cardholder First Initial,Description,Amount,Vendor,"
        "Transaction Date,Posted Date,Merchant Category Code (MCC)\n"
        "201307,1000,STATE UNIVERSITY,X,Y,GENERAL PURCHASE,12.5,BLUE DOOR CAFE,07/30/2013 12:00:00 AM,"
        '07/31/2013 12:00:00 AM,"EATING PLACES, RESTAURANTS"\n'
    ),
    "washington": (
        "\ufeffOBJECTID,AGENCY,TRANSACTION_DATE,TRANSACTION_AMOUNT,VENDOR_NAME,VENDOR_STATE_PROVINCE,MCC_DESCRIPTION\n"
        "1,Office of Planning,2019/03/02 05:00:00+00,12.5,BLUE DOOR CAFE,DC,Eating Places and Restaurants\n"
    ),
    "whosonfirst": json.dumps(
        {
            "type": "Feature",
            "properties": {
                "wof:name": "Blue Door Cafe",
                "wof:country": "US",
                "sg:classifiers": [{"type": "Food & Drink", "category": "Restaurant", "subcategory": ""}],
            },
        }
    )
    + "\n",
    "food_hygiene": (
        "<FHRSEstablishment><EstablishmentCollection><EstablishmentDetail><FHRSID>1</FHRSID>"
        "<BusinessName>Blue Door Cafe</BusinessName><BusinessType>Restaurant/Cafe/Canteen</BusinessType>"
        "</EstablishmentDetail></EstablishmentCollection></FHRSEstablishment>"
    ),
}

TABLES = sorted(ADAPTERS.keys() - {"memory"})
"""Adapters of tables; a merchant memory is a file of rules, see `test_absorb`."""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "sample"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def entries(folder: Path, name: str, content: str | bytes) -> list[Entry]:
    return list(adapter(name).reader()(written(folder, content)))


def only_row(found: list[Entry]) -> Row:
    assert len(found) == 1
    assert isinstance(found[0], Row)
    return found[0]


@pytest.mark.parametrize("name", TABLES)
def test_each_adapter_reads_its_format(name: str, tmp_path: Path) -> None:
    row = only_row(entries(tmp_path, name, SAMPLES[name]))
    assert row.text.upper().startswith("BLUE DOOR")
    assert row.label == "5812"


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample: empty file; expected"):
        entries(tmp_path, name, b"")


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent: cannot be read"):
        list(adapter(name).reader()(tmp_path / "absent"))


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"whosonfirst", "food_hygiene"}))
def test_a_missing_column_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:1: expected a column .*found colour, size"):
        entries(tmp_path, name, "colour,size\nred,3\n")


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"whosonfirst", "food_hygiene"}))
def test_a_ragged_row_is_named_by_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:3: expected \d+ fields .* found 1"):
        entries(tmp_path, name, SAMPLES[name] + "lonely\n")


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"whosonfirst", "food_hygiene"}))
def test_a_line_that_is_not_utf8_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:3: expected UTF-8, found byte 0xe9 at position 4"):
        entries(tmp_path, name, SAMPLES[name].encode() + b"caf\xe9,\n")


def test_an_unknown_adapter_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'wikidata'; expected one of labelled, bank_export"):
        adapter("wikidata")


def test_codes_of_single_brands_fold_into_their_trade() -> None:
    codes = ["3000", "3350", "3351", "3500", "3501", "3999", "5812", "not_a_merchant", "4000"]
    assert [folded(code) for code in codes] == ["4511", "4511", "7512", "7512", "7011", "7011", *codes[6:]]


def test_labelled_reads_parquet_and_optional_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = {"text": ["A", None], "label": ["x", "x"], "weight": [0.5, 0.5], "year": [2018, 2019]}
    pq.write_table(pa.table(table), path)
    row, dropped = list(adapter("labelled").reader()(path))
    assert row == Row("A", "x", weight=0.5, year=2018, line=1)
    assert dropped == Dropped("empty text", 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A,,,", "sample:2: column 'label': expected a label, found nothing"),
        ("A,bar|pub,,", r"sample:2: column 'label': expected a label without '\|', found bar\|pub"),
        ("A,x,2,", r"sample:2: column 'weight': expected a number in \(0, 1\], found '2'"),
        ("A,x,much,", "sample:2: column 'weight': expected a number, found 'much'"),
        ("A,x,,soon", "sample:2: column 'year': expected a whole number, found 'soon'"),
    ],
)
def test_labelled_names_line_and_column_of_a_wrong_value(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        entries(tmp_path, "labelled", f"text,label,weight,year\n{line}\n")


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a readable Parquet file"):
        entries(tmp_path, "labelled", b"PAR1 and then nothing of the kind")


def test_an_unclosed_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:2: not CSV"):
        entries(tmp_path, "labelled", 'text,label\n"A,5812\n')


def test_registers_weigh_rows_by_confidence(tmp_path: Path) -> None:
    rows = [f"A,5812,US,{confidence},wof" for confidence in ("high", "medium", "low")]
    found = entries(tmp_path, "registers", "\n".join(["text,mcc,country,confidence,source", *rows]))
    weights = [row.weight for row in found if isinstance(row, Row)]
    assert weights == [0.6, 0.4, 0.25]


def test_inspected_food_businesses_weigh_a_little_more(tmp_path: Path) -> None:
    assert 0.4 < only_row(entries(tmp_path, "registers", SAMPLES["registers"])).weight < 0.6


def test_an_unknown_confidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:2: column 'confidence': expected high, medium or low, found 'sure'"):
        entries(tmp_path, "registers", "text,mcc,country,confidence,source\nA,5812,US,sure,wof\n")


def test_transactions_of_one_merchant_and_year_become_one_row(tmp_path: Path) -> None:
    line = SAMPLES["toronto"].split("\n", 1)[1]
    found = entries(tmp_path, "toronto", SAMPLES["toronto"] + line + line.replace("2018", "2017"))
    assert [type(entry) for entry in found] == [Row, Dropped, Row]
    assert [entry.year for entry in found if isinstance(entry, Row)] == [2018, 2017]


def test_toronto_reads_the_collected_parquet_too(tmp_path: Path) -> None:
    path = tmp_path / "toronto.parquet"
    columns = {"text": ["ESSO 123"], "mcc": ["5541"], "mcc_description": ["Service"], "year": [2015], "count": [2]}
    pq.write_table(pa.table(columns), path)
    assert list(adapter("toronto").reader()(path)) == [Row("ESSO 123", "5541", "CA", year=2015, line=1)]


def test_a_date_without_year_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:2: column 'TRANS_DT': expected a date with a four-digit year"):
        entries(tmp_path, "delaware", SAMPLES["delaware"].replace("09/14/2017", "14 SEP"))


def test_a_wording_that_is_not_known_is_counted(tmp_path: Path) -> None:
    found = entries(tmp_path, "washington", SAMPLES["washington"].replace("Eating Places and Restaurants", "Mystery"))
    assert found == [Dropped("wording of the category is not known", 2)]


@pytest.mark.parametrize(
    ("wording", "code"),
    [
        ("Automobile and Truck Dealers - Sales, Se", "5511"),
        ("GROCERY STORES,AND SUPERMARKETS", "5411"),
        ("BUSINESS SERVICES NOT ELSEWHERE CLASSIFIED", "7399"),
        ("American Airlines", "3001"),
        ("NEW MCC CODE", ""),
        ("", ""),
    ],
)
def test_wordings_cut_or_changed_find_their_code(wording: str, code: str) -> None:
    assert reference().code(wording) == code


def test_a_bank_export_keeps_leading_zeros_and_drops_repetitions(tmp_path: Path) -> None:
    content = "Narrative\tMCC\tCountry\nVET CLINIC\t742\tgb\nVET CLINIC\t742\tgb\n\t5812\tGB\n"
    found = entries(tmp_path, "bank_export", content)
    assert found[0] == Row("VET CLINIC", "0742", "GB", line=2)
    assert found[1:] == [Dropped("same description and code as an earlier row", 3), Dropped("no description", 4)]


def test_food_hygiene_reads_csv_and_counts_other_businesses(tmp_path: Path) -> None:
    content = (
        "FHRSID,BusinessName,BusinessType\n1,The Crown,Pub/bar/nightclub\n2,Hill School,School/college/university\n"
    )
    crown, school = entries(tmp_path, "food_hygiene", content)
    assert isinstance(crown, Row)
    assert crown.label == "5813"
    assert school == Dropped("business type 'School/college/university'", 3)


def test_broken_xml_is_named_by_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sample:2: column \d+: not XML"):
        entries(tmp_path, "food_hygiene", "<a>\n<b></a>")


def venue(country: str, tags: list[str], *path: str) -> str:
    classifier = dict(zip(("type", "category", "subcategory"), path, strict=True))
    properties = {"wof:name": "A", "wof:country": country, "sg:tags": tags, "sg:classifiers": [classifier]}
    return json.dumps({"type": "Feature", "properties": properties}) + "\n"


def test_venues_follow_tags_and_country(tmp_path: Path) -> None:
    restaurant = ("Food & Drink", "Restaurant", "")
    content = venue("US", [], *restaurant) + venue("US", ["ice", "cream"], *restaurant) + venue("FR", [], *restaurant)
    found = entries(tmp_path, "whosonfirst", content)
    assert [entry.label if isinstance(entry, Row) else entry.reason for entry in found] == [
        "5812",
        "5814",
        "class without a code",
    ]


def test_a_feature_collection_is_read_as_well(tmp_path: Path) -> None:
    feature = json.loads(SAMPLES["whosonfirst"])
    document = json.dumps({"type": "FeatureCollection", "features": [feature, feature]}, indent=1)
    assert len(entries(tmp_path, "whosonfirst", document)) == 2


def test_json_that_is_no_feature_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sample:1: expected a GeoJSON feature"):
        entries(tmp_path, "whosonfirst", "[1]\n")
    with pytest.raises(InputError, match=r"sample:2: column \d+: not JSON"):
        entries(tmp_path, "whosonfirst", SAMPLES["whosonfirst"] + "{oops}\n")
