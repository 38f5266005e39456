"""`data/merchants.csv`, as `make data` writes it; its own `source` column names the package a row came from."""

from __future__ import annotations

from train.sources.labelled import read

__all__ = ["read"]
