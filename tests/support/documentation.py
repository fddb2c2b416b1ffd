# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's files: modules and their documentation, and the examples of its pages."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SUPPORT = Path(__file__).resolve().parent
PLUGINS = "ansible_collections.publica.la.plugins"


def collections_root() -> Path:
    """The directory that holds ``ansible_collections``, from the environment.

    Raises:
        RuntimeError: if no directory of ANSIBLE_COLLECTIONS_PATH holds this collection.
    """
    for entry in os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep):
        if entry and (Path(entry) / "ansible_collections" / "publica" / "la").is_dir():
            return Path(entry)
    raise RuntimeError(
        "Set ANSIBLE_COLLECTIONS_PATH to a directory that holds ansible_collections/publica/la; "
        "`make integration` does."
    )


def collection() -> Path:
    """The directory of the collection under test."""
    return collections_root() / "ansible_collections" / "publica" / "la"


def module_names() -> list[str]:
    """The modules, from the files in ``plugins/modules``."""
    return sorted(path.stem for path in (collection() / "plugins" / "modules").glob("[!_]*.py"))


def module_named(name: str) -> Any:
    """The Python module of an Ansible module."""
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


def examples(name: str) -> list[dict[str, Any]]:
    """The tasks of a module's EXAMPLES."""
    tasks: list[dict[str, Any]] = yaml.safe_load(module_named(name).EXAMPLES)
    return tasks


@cache
def connecting_module_names() -> list[str]:
    """The modules that send requests to a store."""
    return [name for name in module_names() if _connects(_documentation(name))]


# The fewest arguments with which each of these modules succeeds, for a user of a store.
FEWEST_ARGUMENTS: dict[str, dict[str, Any]] = {
    "publica_export": {"dir": "exported", "name": "press"},
    "publica_plan_info": {"name": "Campus"},
    "publica_store_info": {},
    "publica_user": {"email": "ana@example.org", "external_id": "staff-1"},
    "publica_user_bulk": {"users": [{"email": "ana@example.org", "external_id": "staff-1"}]},
    "publica_user_info": {"email": "ana@example.org"},
    "publica_user_logout": {"email": "ana@example.org"},
}


@cache
def _documentation(name: str) -> dict[str, Any]:
    documented: dict[str, Any] = yaml.safe_load(module_named(name).DOCUMENTATION)
    return documented


def _connects(documented: dict[str, Any]) -> bool:
    return "publica.la.connection" in documented.get("extends_documentation_fragment", [])


@cache
def options(name: str) -> dict[str, Any]:
    """The options of a module, with those of the connection where it has one."""
    fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.connection").ModuleDocFragment
    documented = _documentation(name)
    connection = yaml.safe_load(fragment.DOCUMENTATION)["options"] if _connects(documented) else {}
    return {**documented["options"], **connection}


def defaults(name: str) -> dict[str, Any]:
    """The defaults of a module's options."""
    return {option: described.get("default") for option, described in options(name).items()}


# The info strings of the fenced blocks. ``yaml playbook`` is a complete playbook, ``yaml tasks`` a
# list of tasks, ``yaml inventory`` an inventory, ``yaml vars NAME`` the variables file of that name
# (``group_vars/all.yml``). In any language, ``file NAME`` is a file next to the inventory. Those of
# one page belong together and are run. Every other block of the language yaml must parse.

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
    """The fenced blocks of a page, in order."""
    content = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(content):
        language, kind, name = [*found["info"].split(maxsplit=2), "", ""][:3]
        text = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        line = content.count("\n", 0, found.start()) + 1
        yield Block(page, line, language, kind, name.strip(), text)


def pages() -> list[Path]:
    """The documentation in English; tests/docs compares the blocks of the translations with it."""
    found = [collection() / "README.md", *sorted((collection() / "docs").glob("**/*.md"))]
    return [page for page in found if not page.stem.endswith((".es", ".pt"))]
