"""`models/CHANGELOG.md`: newest entry first, for people; its headings are also the record that a rollback follows.

A release writes `## VERSION (DATE)`, a rollback `## VERSION again (DATE)`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from train import runs

FILE = "CHANGELOG.md"

_TITLE = "# Models\n\nNewest first. `CURRENT` names the model in use.\n"
_HEADING = re.compile(r"^## (?P<version>\S+)(?P<again> again)? \(\d{4}-\d\d-\d\d\)$", re.MULTILINE)


def stack(models: Path) -> list[str]:
    """Versions in use one after the other, without those rolled back from; the last is the current one."""
    found: list[str] = []
    for heading in reversed(list(_HEADING.finditer(_read(models)))):
        version = heading["version"]
        if heading["again"] and version in found:
            del found[found.index(version) + 1 :]
        elif not found or found[-1] != version:
            found.append(version)
    return found


def add(models: Path, version: str, lines: list[str], *, again: bool = False) -> None:
    """Put an entry on top, whole or not at all."""
    date = datetime.now(UTC).date().isoformat()
    heading = f"## {version}{' again' if again else ''} ({date})"
    older = _read(models).removeprefix(_TITLE)
    body = "\n".join(f"* {line}" for line in lines)
    with runs.replacing(models / FILE) as temporary:
        temporary.write_text(f"{_TITLE}\n{heading}\n\n{body}\n{older}", "utf-8")


def _read(models: Path) -> str:
    path = models / FILE
    return path.read_text("utf-8") if path.exists() else ""
