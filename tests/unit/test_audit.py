"""The audit: planted miscoding comes first, high-risk names under benign codes before that, and nothing is invented."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from merchant_classifier import MerchantClassifier
from merchant_classifier.audit import HIGH_RISK, audit, generic, suspicions
from merchant_classifier.cli import main
from tests.tiny_bundle import keywords

_HIDDEN = {"gambling", "adult", "quasi_cash", "money_movement", "direct_marketing", "debt", "investing", "tobacco"}
_HIDDEN |= {"pawn", "timeshare"}


def clean() -> tuple[list[str], list[str]]:
    names = [word for word, mcc in keywords().items() if mcc]
    return names, [keywords()[name] or "" for name in names]


def test_planted_miscoding_comes_first(tiny: MerchantClassifier) -> None:
    names, codes = clean()
    planted = {5: "7832", 20: "4900", 40: "5411"}
    assert all(codes[row] != code for row, code in planted.items())
    for row, code in planted.items():
        codes[row] = code
    findings = audit(tiny, names, codes)
    assert {finding.row for finding in findings[:3]} == set(planted)
    assert all(finding.rank > 1 for finding in findings[:3])
    assert all(finding.rank == 1 for finding in findings[3:])


def test_a_high_risk_name_under_a_benign_code_is_more_suspicious(tiny: MerchantClassifier) -> None:
    findings = audit(tiny, ["coffee", "casino", "casino"], ["5732", "5732", "7995"])
    assert [finding.row for finding in findings] == [1, 0, 2]
    assert [finding.risk for finding in findings] == ["gambling", "", ""]


def test_the_risk_counts_only_towards_benign_codes() -> None:
    probabilities = np.array([[0.1, 0.9], [0.9, 0.1]])
    declared = np.array([0, 1])
    risky = np.array([False, True])
    plain = suspicions(probabilities, declared, np.array([False, False]))
    assert plain[0] == pytest.approx(plain[1])
    assert suspicions(probabilities, declared, risky)[0] > plain[0]
    assert suspicions(probabilities, declared, risky)[1] == pytest.approx(plain[1])


def test_codes_that_get_mixed_up_are_marked(tiny: MerchantClassifier) -> None:
    (near,) = audit(tiny, ["pizzeria"], ["5813"])
    (far,) = audit(tiny, ["pizzeria"], ["8021"])
    assert (near.same_family, far.same_family) == (True, False)


def test_rows_that_say_nothing_come_last_with_the_reason(tiny: MerchantClassifier) -> None:
    findings = audit(tiny, ["hotel", "---", "hotel"], ["12", "7011", "7011"])
    assert [(finding.row, finding.remark) for finding in findings] == [
        (2, ""),
        (0, "no such code"),
        (1, "no readable name"),
    ]


@pytest.mark.parametrize(
    ("mcc", "expected"), [("3058", "4511"), ("3357", "7512"), ("3504", "7011"), ("5812", "5812"), ("3x", "3x")]
)
def test_codes_of_brands_count_as_their_trade(mcc: str, expected: str) -> None:
    assert generic(mcc) == expected


def test_an_audit_does_not_depend_on_the_size_of_its_batches(
    tiny: MerchantClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, codes = clean()
    whole = audit(tiny, names, codes[1:] + codes[:1])
    monkeypatch.setattr("merchant_classifier.audit._ROWS", 7)
    assert audit(tiny, names, codes[1:] + codes[:1]) == whole


def test_high_risk_codes_are_those_of_the_taxonomy() -> None:
    with Path("data/labels.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["mcc"]: row["high_risk"] for row in csv.DictReader(file)}
    assert {mcc: kind for mcc, kind in kinds.items() if kind in _HIDDEN} == HIGH_RISK


def merchants(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_the_command_prints_the_top_and_writes_everything(
    tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = merchants(tmp_path / "in.csv", 'shop,code\nHotel Mama,7011\n"Lucky,\nCasino",5732\nTaxi,4121\n')
    output = tmp_path / "out.csv"
    arguments = ["audit", str(file), "--name", "shop", "--mcc", "code", "--top", "1", "--model", str(tiny_path)]
    assert main([*arguments, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "high risk: gambling" in printed
    assert "casino (7995)" in printed
    assert "3 merchants: 1 look like a high-risk trade" in printed
    with output.open(encoding="utf-8", newline="") as written:
        rows = list(csv.DictReader(written))
    assert rows[0]["line"] == "3"
    assert {row["name"] for row in rows} == {"Hotel Mama", "Lucky,\nCasino", "Taxi"}
    assert [row["risk"] for row in rows] == ["gambling", "", ""]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,code\nx,1\n", "in.csv:1: expected a column 'mcc', found name, code"),
        ("name,mcc\nx,7011\ny\n", "in.csv:3: expected 2 columns"),
        ("", "in.csv:1: expected a column 'name'"),
    ],
)
def test_a_wrong_file_is_one_line_and_exit_code_2(
    tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    file = merchants(tmp_path / "in.csv", content)
    assert main(["audit", str(file), "--model", str(tiny_path), "--output", str(tmp_path / "out.csv")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()
