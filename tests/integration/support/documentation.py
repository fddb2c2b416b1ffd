# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules document of themselves."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PLUGINS = "ansible_collections.publica.la.plugins"


def module_names(collection: Path) -> list[str]:
    """The modules, by the files that there are."""
    return sorted(path.stem for path in (collection / "plugins" / "modules").glob("[!_]*.py"))


def module_named(name: str) -> Any:
    """A module's own Python."""
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


def examples(name: str) -> list[dict[str, Any]]:
    """The tasks of a module's EXAMPLES."""
    tasks: list[dict[str, Any]] = yaml.safe_load(module_named(name).EXAMPLES)
    return tasks


def connecting_module_names(collection: Path) -> list[str]:
    """The modules that send requests to a store."""
    return [name for name in module_names(collection) if _connects(_documentation(name))]


def _documentation(name: str) -> dict[str, Any]:
    documented: dict[str, Any] = yaml.safe_load(module_named(name).DOCUMENTATION)
    return documented


def _connects(documented: dict[str, Any]) -> bool:
    return "publica.la.connection" in documented.get("extends_documentation_fragment", [])


@cache
def options(name: str) -> dict[str, Any]:
    """The options of a module, those of the connection too, where it has one."""
    fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.connection").ModuleDocFragment
    documented = _documentation(name)
    connection = yaml.safe_load(fragment.DOCUMENTATION)["options"] if _connects(documented) else {}
    return {**documented["options"], **connection}


def defaults(name: str) -> dict[str, Any]:
    """What a module's options are where a task leaves them out."""
    return {option: described.get("default") for option, described in options(name).items()}
