"""Ed25519 signatures of finished models: a private key signs a manifest, the serving side pins the public one."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from merchant_classifier import bundle as bundles
from merchant_classifier.errors import InputError
from merchant_classifier.signing import KEY_BYTES
from train import runs


def make_key(path: str | Path) -> bytes:
    """Write a new raw private key to `path`, readable by its owner only; returns the raw public key.

    Raises:
        InputError: there is a file already.
    """
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(f"{path}: a key must not overwrite a file") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw())
    return key.public_key().public_bytes_raw()


def sign_manifest(directory: str | Path, private_key: str | Path) -> bytes:
    """Sign the manifest of a finished model.

    Args:
        directory: the model; `manifest.json.sig` is written into it.
        private_key: file of the raw 32-byte Ed25519 private key.

    Returns:
        The raw public key to pin.

    Raises:
        BundleError: the model is not whole, so it must not be signed.
        InputError: the key cannot be read.
    """
    bundle = bundles.read(directory)
    try:
        content = Path(private_key).read_bytes()
    except OSError as error:
        raise InputError(f"{private_key}: cannot be read: {error.strerror}") from error
    if len(content) != KEY_BYTES:
        raise InputError(f"{private_key}: expected a raw Ed25519 private key of {KEY_BYTES} bytes")
    key = Ed25519PrivateKey.from_private_bytes(content)
    with runs.replacing(bundle.directory / bundles.SIGNATURE) as temporary:
        temporary.write_bytes(key.sign((bundle.directory / bundles.MANIFEST).read_bytes()))
    return key.public_key().public_bytes_raw()
