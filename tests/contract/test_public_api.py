"""The package's surface is `__all__`, and what it hands out cannot be changed."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import merchant_classifier
from merchant_classifier import (
    Candidate,
    Evidence,
    MerchantClassifier,
    MerchantClassifierError,
    Mode,
    Neighbour,
    Prediction,
    Reason,
)
from merchant_classifier import errors as error_module

PACKAGE = Path(merchant_classifier.__file__).parent
VALUES = (Candidate, Prediction, Neighbour, Evidence)

EXPECTED = {
    "BundleCorrupt",
    "BundleError",
    "BundleIncompatible",
    "BundleNotFound",
    "Candidate",
    "DeadlineExceeded",
    "Evidence",
    "HandleStatus",
    "InputError",
    "Kind",
    "MemoStatistics",
    "MemoryFileError",
    "MerchantClassifier",
    "MerchantClassifierError",
    "Mode",
    "ModelHandle",
    "Neighbour",
    "NewRule",
    "Prediction",
    "Reason",
    "SignatureInvalid",
    "__version__",
}
"""Written out, so that a name joins or leaves the surface only on purpose."""


def test_surface_is_exactly_what_was_promised() -> None:
    assert set(merchant_classifier.__all__) == EXPECTED


def test_every_name_of_the_surface_exists() -> None:
    missing = [name for name in merchant_classifier.__all__ if not hasattr(merchant_classifier, name)]
    assert missing == []


def test_surface_is_sorted_and_has_no_doubles() -> None:
    names = list(merchant_classifier.__all__)
    assert len(names) == len(set(names))


def test_every_deliberate_error_is_public_and_has_one_root() -> None:
    classes = {
        name for name, value in vars(error_module).items() if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert classes <= set(merchant_classifier.__all__)
    for name in classes:
        assert issubclass(getattr(merchant_classifier, name), MerchantClassifierError)


@pytest.mark.parametrize("kind", VALUES)
def test_values_are_frozen_and_slotted(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]  # the only place dataclasses say so
    assert "__slots__" in vars(kind)


def test_an_answer_cannot_be_changed(tiny: MerchantClassifier) -> None:
    answer = tiny.predict("coffee")
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.mcc = "7995"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        answer.note = "x"  # type: ignore[attr-defined]
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.candidates[0].confidence = 1.0  # type: ignore[misc]


def test_answers_can_be_keys_and_compare_by_value(tiny: MerchantClassifier) -> None:
    assert tiny.predict("coffee") == tiny.predict("coffee")
    assert len({tiny.predict("coffee"), tiny.predict("coffee"), tiny.predict("hotel")}) == 2


def test_enumerations_read_as_plain_strings() -> None:
    assert [mode.value for mode in Mode] == ["precise", "balanced", "best_guess"]
    assert f"{Reason.CONFIDENT}" == "confident"
    assert Reason("memory") is Reason.MEMORY


def test_every_attribute_of_an_answer_is_documented() -> None:
    documented = inspect.getdoc(Prediction) or ""
    undocumented = [field.name for field in dataclasses.fields(Prediction) if f"{field.name}:" not in documented]
    assert undocumented == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
    hints = inspect.get_annotations(MerchantClassifier.predict, eval_str=False)
    assert hints["return"] == "Prediction"
    assert not get_args(hints["description"])


def test_the_package_runs_as_a_module() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "merchant_classifier", "--help"], capture_output=True, text=True, check=True
    )
    assert "score" in said.stdout
