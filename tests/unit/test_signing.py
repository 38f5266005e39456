"""A pinned key accepts the manifest it signed and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from merchant_classifier import BundleCorrupt, InputError, MerchantClassifier, SignatureInvalid, bundle
from merchant_classifier.cli import main

pytest.importorskip("cryptography")

from train.sign import make_key, sign_manifest


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, bytes]:
    path = tmp_path / "private.key"
    return path, make_key(path)


def test_a_signed_model_loads_under_its_key(tiny_copy: Path, key: tuple[Path, bytes]) -> None:
    assert sign_manifest(tiny_copy, key[0]) == key[1]
    assert MerchantClassifier.load(tiny_copy, public_key=key[1]).predict("coffee").mcc == "5814"


def test_an_unsigned_model_is_refused_where_a_key_is_pinned(tiny_copy: Path, key: tuple[Path, bytes]) -> None:
    with pytest.raises(SignatureInvalid, match=bundle.SIGNATURE):
        MerchantClassifier.load(tiny_copy, public_key=key[1])


def test_another_key_or_another_manifest_is_refused(tiny_copy: Path, tmp_path: Path, key: tuple[Path, bytes]) -> None:
    other = make_key(tmp_path / "other.key")
    sign_manifest(tiny_copy, key[0])
    with pytest.raises(SignatureInvalid):
        MerchantClassifier.load(tiny_copy, public_key=other)
    manifest = tiny_copy / bundle.MANIFEST
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    with pytest.raises(SignatureInvalid):
        MerchantClassifier.load(tiny_copy, public_key=key[1])


@pytest.mark.parametrize("signature", [b"", b"x" * 64, b"x" * 5])
def test_what_is_no_signature_is_refused(tiny_copy: Path, key: tuple[Path, bytes], signature: bytes) -> None:
    (tiny_copy / bundle.SIGNATURE).write_bytes(signature)
    with pytest.raises(SignatureInvalid):
        MerchantClassifier.load(tiny_copy, public_key=key[1])


def test_a_key_of_another_length_is_a_value_error(tiny_copy: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MerchantClassifier.load(tiny_copy, public_key=b"short")


def test_without_the_library_nothing_is_trusted(
    tiny_copy: Path, key: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_manifest(tiny_copy, key[0])
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(SignatureInvalid, match="signing"):
        MerchantClassifier.load(tiny_copy, public_key=key[1])


def test_a_damaged_model_is_not_signed(tiny_copy: Path, key: tuple[Path, bytes]) -> None:
    (tiny_copy / bundle.LABELS).write_bytes(b"{}")
    with pytest.raises(BundleCorrupt):
        sign_manifest(tiny_copy, key[0])
    assert not (tiny_copy / bundle.SIGNATURE).exists()


def test_keys_are_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "private.key"
    make_key(path)
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError):
        make_key(path)


@pytest.mark.parametrize("hexadecimal", [False, True])
def test_verify_takes_a_key_file(tiny_copy: Path, tmp_path: Path, key: tuple[Path, bytes], hexadecimal: bool) -> None:
    public = tmp_path / "public.key"
    public.write_bytes(key[1].hex().encode() + b"\n" if hexadecimal else key[1])
    command = ["verify", "--model", str(tiny_copy), "--public-key", str(public), "--latency-bound", "0"]
    assert main(command) == 1
    sign_manifest(tiny_copy, key[0])
    assert main(command) == 0


def test_verify_says_what_a_key_file_must_hold(
    tiny_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "public.key").write_text("no key")
    assert main(["verify", "--model", str(tiny_copy), "--public-key", str(tmp_path / "public.key")]) == 2
    assert "32 bytes" in capsys.readouterr().err
