"""The gate's limits as a frozen value, read from `train/configs/gate.toml`, which says what each means."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from merchant_classifier.errors import InputError

FILE = Path(__file__).parent / "configs" / "gate.toml"


@dataclass(frozen=True, slots=True)
class Limits:
    """One number each; `gate.toml` explains them."""

    overall_margin: float
    set_margin: float
    category_margin: float
    category_floor: float
    fewest_rows: float
    majority_margin: float
    ece_ceiling: float
    ece_margin: float
    answered_error: float
    answered_margin: float
    answered_floor: float
    p50_ms: float
    p99_ms: float
    slower: float
    size_mb: float
    invariance_floor: float
    invariance_margin: float
    flip_budget: float
    leaked_merchants: float
    leaked_lines: float


def load(path: Path = FILE) -> Limits:
    """Read limits.

    Raises:
        InputError: not readable, not TOML, a limit missing, unknown or not a number.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    names = {field.name for field in fields(Limits)}
    if wrong := sorted(names ^ content.keys()):
        raise InputError(f"{path}: {wrong[0]!r} is {'missing' if wrong[0] in names else 'not a limit'}")
    for name, value in content.items():
        if type(value) not in (int, float):
            raise InputError(f"{path}: {name}: expected a number, found {value!r}")
    return Limits(**content)
