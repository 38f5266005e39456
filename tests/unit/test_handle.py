"""A handle serves the current model, takes the next one when it is whole, and keeps the old one when it is not."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path

import pytest

from merchant_classifier import BundleCorrupt, BundleError, BundleNotFound, MerchantClassifier, ModelHandle, bundle
from tests.variants import point, variant


@pytest.fixture
def models(tmp_path: Path) -> Path:
    variant(tmp_path / "one", "one", 1.0)
    variant(tmp_path / "two", "two", 2.0)
    point(tmp_path, "one")
    return tmp_path


def wait_for_version(handle: ModelHandle, version: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while handle.status().version != version and time.monotonic() < deadline:
        time.sleep(0.01)
    assert handle.status().version == version


def test_serves_the_current_model(models: Path) -> None:
    handle = ModelHandle(models)
    assert handle.predict("coffee") == MerchantClassifier.load(models / "one").predict("coffee")
    assert handle.predict_many(["coffee", "hotel"]) == [handle.predict("coffee"), handle.predict("hotel")]
    assert handle.status().swaps == 0


def test_without_a_model_there_is_no_handle(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound):
        ModelHandle(tmp_path)


def test_reload_does_nothing_while_the_model_is_the_same(models: Path) -> None:
    handle = ModelHandle(models)
    before = handle.classifier
    assert handle.reload() is False
    assert handle.classifier is before


def test_reload_takes_the_model_that_current_names_now(models: Path) -> None:
    handle = ModelHandle(models)
    point(models, "two")
    assert handle.predict("coffee").model_version == "one"
    assert handle.reload() is True
    assert handle.predict("coffee") == MerchantClassifier.load(models / "two").predict("coffee")
    assert handle.status().swaps == 1


def test_a_call_in_progress_keeps_the_model_it_began_with(models: Path) -> None:
    handle = ModelHandle(models)
    taken = handle.classifier
    point(models, "two")
    handle.reload()
    assert {answer.model_version for answer in taken.predict_many(["coffee", "hotel"])} == {"one"}


@pytest.mark.parametrize("name", [*bundle.DECIDING_FILES, bundle.MANIFEST])
def test_a_damaged_model_leaves_the_old_one_serving_and_says_so(models: Path, name: str) -> None:
    handle = ModelHandle(models)
    before = handle.predict("coffee")
    (models / "two" / name).write_bytes(b"damaged")
    point(models, "two")
    with pytest.raises(BundleError):
        handle.reload()
    assert handle.predict("coffee") == before
    assert name in (handle.status().failure or "")
    point(models, "one")
    handle.reload()
    assert handle.status().failure is None


def test_a_current_that_names_nothing_leaves_the_old_one_serving(models: Path) -> None:
    handle = ModelHandle(models)
    point(models, "three")
    with pytest.raises(BundleNotFound, match="three"):
        handle.reload()
    assert handle.predict("coffee").model_version == "one"


def test_options_of_load_hold_for_every_model(models: Path) -> None:
    handle = ModelHandle(models, partial(MerchantClassifier.load, mode="precise", memo=8))
    point(models, "two")
    handle.reload()
    assert handle.classifier.mode == "precise"
    assert handle.classifier.memo_statistics is not None


def test_a_watching_handle_takes_a_new_model_by_itself(models: Path) -> None:
    with ModelHandle(models).watch(0.02) as handle:
        point(models, "two")
        wait_for_version(handle, "two")


def test_a_watching_handle_survives_a_bad_model_names_it_once_and_takes_the_next_good_one(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (models / "two" / bundle.NETWORK).write_bytes(b"damaged")
    variant(models / "three", "three", 3.0)
    with caplog.at_level(logging.ERROR), ModelHandle(models).watch(0.02) as handle:
        point(models, "two")
        deadline = time.monotonic() + 10
        while handle.status().failure is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert bundle.NETWORK in (handle.status().failure or "")
        point(models, "three")
        wait_for_version(handle, "three")
    assert [bundle.NETWORK in record.getMessage() for record in caplog.records] == [True]


def test_a_closed_handle_no_longer_watches_but_still_answers(models: Path) -> None:
    handle = ModelHandle(models).watch(0.02)
    handle.close()
    point(models, "two")
    time.sleep(0.1)
    assert handle.predict("coffee").model_version == "one"


def test_a_handle_on_one_model_notices_that_it_was_replaced(models: Path) -> None:
    handle = ModelHandle(models / "one")
    (models / "one").rename(models / "old")
    (models / "two").rename(models / "one")
    assert handle.reload() is True
    assert handle.status().version == "two"


def test_an_unsigned_model_is_not_taken_where_a_key_is_pinned(models: Path) -> None:
    pytest.importorskip("cryptography")
    with pytest.raises(BundleError, match="signature"):
        ModelHandle(models, partial(MerchantClassifier.load, public_key=b"k" * 32))
    pinned = MerchantClassifier.load(models / "one").identity
    handle = ModelHandle(models, partial(MerchantClassifier.load, expected_sha256=pinned))
    point(models, "two")
    with pytest.raises(BundleCorrupt):
        handle.reload()
    assert handle.status().version == "one"
