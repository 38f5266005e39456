"""Ed25519 signatures of manifests. The `cryptography` library is asked for only when a key is pinned."""

from __future__ import annotations

from pathlib import Path

from merchant_classifier.errors import SignatureInvalid


def verify_signature(path: Path, message: bytes, public_key: bytes) -> None:
    """Check the detached signature at `path` over `message`.

    Args:
        path: file of the raw 64-byte signature.
        message: what was signed.
        public_key: raw Ed25519 public key, 32 bytes.

    Raises:
        SignatureInvalid: no signature, or not this key's over these bytes.
        ImportError: `merchant-classifier[signing]` is not installed.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not path.is_file():
        raise SignatureInvalid(path, "an Ed25519 signature of the manifest", "no such file")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(path.read_bytes(), message)
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid(path, "a signature by the pinned public key", "another") from error
