"""Ed25519 signatures of manifests. The `cryptography` library is asked for only when a key is pinned."""

from __future__ import annotations

from pathlib import Path

from merchant_classifier.errors import SignatureInvalid

KEY_BYTES = 32
"""Length of a raw Ed25519 key, public or private."""


def verify_signature(path: Path, message: bytes, public_key: bytes) -> None:
    """Check the detached signature at `path` over `message`.

    Args:
        path: file of the raw 64-byte signature.
        message: what was signed.
        public_key: raw Ed25519 public key, 32 bytes.

    Raises:
        SignatureInvalid: no signature, or not this key's over these bytes, or nothing to check it with.
        ValueError: `public_key` has another length.
    """
    if len(public_key) != KEY_BYTES:
        raise ValueError(f"public_key must have {KEY_BYTES} bytes, got {len(public_key)}")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise SignatureInvalid(path, "merchant-classifier[signing], to check the signature", "not installed") from error
    if not path.is_file():
        raise SignatureInvalid(path, "an Ed25519 signature of the manifest", "no such file")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(path.read_bytes(), message)
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid(path, "a signature by the pinned public key", "another") from error
