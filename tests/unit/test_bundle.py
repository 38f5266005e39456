"""A model directory is served only when every deciding byte is the one its manifest names."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from merchant_classifier import (
    BundleCorrupt,
    BundleError,
    BundleIncompatible,
    BundleNotFound,
    MerchantClassifier,
    SignatureInvalid,
    bundle,
)

DECIDING = pytest.mark.parametrize("name", bundle.DECIDING_FILES)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


DAMAGES = pytest.mark.parametrize("damage", [truncate, empty, flip_a_byte, grow])


def edit_manifest(directory: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = directory / bundle.MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")


def reseal(directory: Path) -> None:
    """Make the manifest agree with whatever the files now hold."""
    hashes = {name: sha256((directory / name).read_bytes()).hexdigest() for name in bundle.DECIDING_FILES}
    edit_manifest(directory, lambda manifest: manifest.update(files=hashes))


def test_an_intact_bundle_gives_the_bytes_that_were_hashed(tiny_path: Path) -> None:
    read = bundle.read(tiny_path)
    assert read.version == "tiny"
    assert set(read.files) == set(bundle.DECIDING_FILES)
    assert {name: sha256(content).hexdigest() for name, content in read.files.items()} == read.manifest["files"]


def test_identity_is_the_hash_of_the_manifest(tiny_path: Path) -> None:
    assert bundle.read(tiny_path).identity == sha256((tiny_path / bundle.MANIFEST).read_bytes()).hexdigest()


@DECIDING
@DAMAGES
def test_a_damaged_file_is_corrupt_and_named(tiny_copy: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(tiny_copy / name)
    with pytest.raises(BundleCorrupt) as caught:
        MerchantClassifier.load(tiny_copy)
    assert caught.value.file == str(tiny_copy / name)
    assert caught.value.expected.startswith("sha256 ")
    assert caught.value.found


@DECIDING
def test_a_missing_file_is_corrupt_and_named(tiny_copy: Path, name: str) -> None:
    (tiny_copy / name).unlink()
    with pytest.raises(BundleCorrupt, match="no such file") as caught:
        MerchantClassifier.load(tiny_copy)
    assert caught.value.file == str(tiny_copy / name)


@DECIDING
def test_a_file_of_another_model_is_corrupt_and_named(tiny_copy: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_copy, other)
    grow(other / name)
    reseal(other)
    shutil.copy(other / name, tiny_copy / name)
    with pytest.raises(BundleCorrupt) as caught:
        MerchantClassifier.load(tiny_copy)
    assert caught.value.file == str(tiny_copy / name)


@DECIDING
def test_a_hash_missing_from_the_manifest_is_corrupt(tiny_copy: Path, name: str) -> None:
    edit_manifest(tiny_copy, lambda manifest: manifest["files"].pop(name))
    with pytest.raises(BundleCorrupt, match=f"a hash of {name}"):
        bundle.read(tiny_copy)


@DECIDING
def test_a_directory_in_the_place_of_a_file_is_corrupt(tiny_copy: Path, name: str) -> None:
    (tiny_copy / name).unlink()
    (tiny_copy / name).mkdir()
    with pytest.raises(BundleCorrupt):
        bundle.read(tiny_copy)


@pytest.mark.parametrize("name", [bundle.NETWORK, bundle.WORD_TABLE, bundle.LABELS])
@pytest.mark.parametrize("content", [b"", b"not what it should be", b"\x93NUMPY\x01\x00v\x00", b"[]", b"{}"])
def test_nonsense_under_a_valid_hash_is_corrupt_and_named(tiny_copy: Path, name: str, content: bytes) -> None:
    (tiny_copy / name).write_bytes(content)
    reseal(tiny_copy)
    with pytest.raises(BundleCorrupt) as caught:
        MerchantClassifier.load(tiny_copy)
    assert caught.value.file == str(tiny_copy / name)


@DAMAGES
def test_a_damaged_manifest_is_never_served(tiny_copy: Path, damage: Callable[[Path], None]) -> None:
    """A byte more is valid JSON, so the pinned identity must be what notices."""
    pinned = bundle.read(tiny_copy).identity
    damage(tiny_copy / bundle.MANIFEST)
    with pytest.raises(BundleCorrupt):
        bundle.read(tiny_copy, expected_sha256=pinned)


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "{}", '{"versions": {}}', '{"versions": []}', "\x00"])
def test_a_manifest_of_another_form_is_refused(tiny_copy: Path, content: str) -> None:
    (tiny_copy / bundle.MANIFEST).write_text(content, "utf-8")
    with pytest.raises((BundleCorrupt, BundleIncompatible)) as caught:
        bundle.read(tiny_copy)
    assert caught.value.file == str(tiny_copy / bundle.MANIFEST)


def test_no_directory_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match="no such directory"):
        MerchantClassifier.load(tmp_path / "nowhere")


def test_a_half_copied_model_has_no_manifest_and_is_not_found(tiny_copy: Path) -> None:
    (tiny_copy / bundle.MANIFEST).unlink()
    with pytest.raises(BundleNotFound, match="manifest"):
        MerchantClassifier.load(tiny_copy)


@pytest.mark.parametrize("part", ["format", "normalizer", "encoder"])
@pytest.mark.parametrize("value", [0, 999, None, "1"])
def test_a_model_for_other_text_processing_is_incompatible(tiny_copy: Path, part: str, value: object) -> None:
    edit_manifest(tiny_copy, lambda manifest: manifest["versions"].update({part: value}))
    with pytest.raises(BundleIncompatible, match=part):
        bundle.read(tiny_copy)


def test_a_model_of_the_format_before_is_served(tiny_copy: Path) -> None:
    edit_manifest(tiny_copy, lambda manifest: manifest["versions"].update({"format": 2}))
    assert MerchantClassifier.load(tiny_copy).predict("COFFEE").mcc == "5814"


def test_a_pinned_identity_must_match(tiny_path: Path) -> None:
    identity = bundle.read(tiny_path).identity
    assert MerchantClassifier.load(tiny_path, expected_sha256=identity.upper()).identity == identity
    with pytest.raises(BundleCorrupt, match=identity):
        MerchantClassifier.load(tiny_path, expected_sha256="0" * 64)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_corrupt(tiny_copy: Path) -> None:
    (tiny_copy / bundle.LABELS).chmod(0)
    with pytest.raises(BundleCorrupt, match="readable"):
        bundle.read(tiny_copy)


def test_current_names_the_model(tmp_path: Path, tiny_copy: Path) -> None:
    (tmp_path / "CURRENT").write_text(f"{tiny_copy.name}\n")
    assert bundle.current(tmp_path) == tiny_copy
    assert MerchantClassifier.load(tmp_path).version == "tiny"


@pytest.mark.parametrize("content", ["", "\n", "gone", "../bundle", "/", ".", "..", "bundle/../bundle", "\xff"])
def test_current_must_name_a_model_beside_it(tmp_path: Path, tiny_copy: Path, content: str) -> None:
    (tmp_path / "CURRENT").write_bytes(content.encode("latin-1"))
    with pytest.raises(BundleNotFound) as caught:
        bundle.current(tmp_path)
    assert caught.value.file == str(tmp_path / "CURRENT")


def test_no_current_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match="CURRENT"):
        bundle.current(tmp_path)


class TestSignatures:
    """Ed25519 over the manifest's bytes, checked only when a key is pinned."""

    @pytest.fixture
    def signed(self, tiny_copy: Path) -> tuple[Path, bytes]:
        ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
        key = ed25519.Ed25519PrivateKey.generate()
        (tiny_copy / bundle.SIGNATURE).write_bytes(key.sign((tiny_copy / bundle.MANIFEST).read_bytes()))
        return tiny_copy, key.public_key().public_bytes_raw()

    def test_a_good_signature_is_accepted(self, signed: tuple[Path, bytes]) -> None:
        directory, key = signed
        assert bundle.read(directory, public_key=key).version == "tiny"

    def test_without_a_pinned_key_nothing_is_asked(self, signed: tuple[Path, bytes]) -> None:
        directory, _ = signed
        empty(directory / bundle.SIGNATURE)
        assert bundle.read(directory).version == "tiny"

    def test_no_signature_is_refused(self, signed: tuple[Path, bytes]) -> None:
        directory, key = signed
        (directory / bundle.SIGNATURE).unlink()
        with pytest.raises(SignatureInvalid, match="no such file"):
            bundle.read(directory, public_key=key)

    @DAMAGES
    def test_a_damaged_signature_is_refused(self, signed: tuple[Path, bytes], damage: Callable[[Path], None]) -> None:
        directory, key = signed
        damage(directory / bundle.SIGNATURE)
        with pytest.raises(SignatureInvalid):
            bundle.read(directory, public_key=key)

    def test_a_manifest_changed_after_signing_is_refused(self, signed: tuple[Path, bytes]) -> None:
        directory, key = signed
        grow(directory / bundle.MANIFEST)
        with pytest.raises(SignatureInvalid):
            bundle.read(directory, public_key=key)

    @pytest.mark.parametrize("key", [bytes(32), bytes(range(32))])
    def test_another_key_is_refused(self, signed: tuple[Path, bytes], key: bytes) -> None:
        directory, _ = signed
        with pytest.raises(SignatureInvalid):
            bundle.read(directory, public_key=key)

    @pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
    def test_what_is_no_key_at_all_is_the_callers_mistake(self, signed: tuple[Path, bytes], key: bytes) -> None:
        directory, _ = signed
        with pytest.raises(ValueError, match="32 bytes"):
            bundle.read(directory, public_key=key)


def test_every_error_says_file_expectation_and_finding() -> None:
    error = BundleError("model.onnx", "sha256 abc", "no such file")
    assert str(error) == "model.onnx: expected sha256 abc, found no such file"
    assert (error.file, error.expected, error.found) == ("model.onnx", "sha256 abc", "no such file")
