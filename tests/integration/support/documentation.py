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


@cache
def options(name: str) -> dict[str, Any]:
    """The options of a module, those of the connection too."""
    fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.connection").ModuleDocFragment
    own = yaml.safe_load(module_named(name).DOCUMENTATION)["options"]
    return {**own, **yaml.safe_load(fragment.DOCUMENTATION)["options"]}


def defaults(name: str) -> dict[str, Any]:
    """What a module's options are where a task leaves them out."""
    return {option: described.get("default") for option, described in options(name).items()}
