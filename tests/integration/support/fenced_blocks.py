# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fenced blocks of the Markdown documentation, and what their info strings ask for.

``yaml playbook`` is a whole playbook, ``yaml tasks`` a list of tasks, ``yaml inventory`` an
inventory, ``yaml vars NAME`` the variables file of that name (``group_vars/all.yml``). In any
language, ``file NAME`` is a file beside the inventory, as it stands. Those of one page belong
together and are run. Every other block that says ``yaml`` must parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]+)\n(?P<text>.*?)^(?P=indent)```\s*$",
    re.DOTALL | re.MULTILINE,
)
PLAYBOOK, TASKS, INVENTORY, VARS, FILE = "playbook", "tasks", "inventory", "vars", "file"


@dataclass(frozen=True)
class Block:
    """One fenced block: ``yaml vars NAME`` has the language yaml, the kind vars and a name."""

    page: Path
    line: int
    language: str
    kind: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    content = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(content):
        language, kind, name = [*found["info"].split(maxsplit=2), "", ""][:3]
        text = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        line = content.count("\n", 0, found.start()) + 1
        yield Block(page, line, language, kind, name.strip(), text)


def pages(collection: Path) -> list[Path]:
    """The documentation for people, in English: tests/docs holds the blocks of the others to it."""
    found = [collection / "README.md", *sorted((collection / "docs").glob("**/*.md"))]
    return [page for page in found if not page.stem.endswith((".es", ".pt"))]
