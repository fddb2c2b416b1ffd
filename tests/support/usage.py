# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests have used of the collection, and what it offers.

An option counts as used if Ansible passed it to a module that succeeded outside check mode, after
templates, ``omit`` and the defaults of the action group. A variable of a role counts if a task of
the role ran one of the modules while the variable differed from its default.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from . import documentation
from .documentation import collection

# Set by the process that starts the tests, so that all workers write to one directory.
DIRECTORY_VARIABLE = "PUBLICA_TEST_USAGE"
PREFIX = "publica.la."
ROWS = "users"
# Options whose value is a mapping of a row's options.
ROW_MAPPINGS = ("defaults",)


def record_usage(
    playbooks: Sequence[str], returncode: int, tasks: Sequence[Mapping[str, Any]]
) -> None:
    """Write down what one run has used."""
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if directory is None:
        return
    used = set()
    if returncode == 0:
        used.update(
            f"playbook {name.removeprefix(PREFIX)}" for name in playbooks if name.startswith(PREFIX)
        )
    for task in tasks:
        if task["status"] == "ok" and not task["check_mode"]:
            used.update(_used_by(task))
    with (Path(directory) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(sorted(used)) + "\n")


def _used_by(task: Mapping[str, Any]) -> Iterable[str]:
    if not str(task["action"]).startswith(PREFIX):
        return
    module = task["action"].removeprefix(PREFIX)
    yield f"module {module}"
    yield from (f"variable {name}" for name in task["role_variables"])
    for name, value in task["args"].items():
        yield f"option {module}.{name}"
        rows = value if name == ROWS else [value] if name in ROW_MAPPINGS else []
        for row in rows:
            yield from (f"option {module}.{ROWS}[].{key}" for key in row)


def read_usage(directory: Path) -> set[str]:
    """What all runs have used."""
    lines = (line for file in directory.glob("*.jsonl") for line in file.read_text().splitlines())
    return {name for line in lines for name in json.loads(line)}


def offered() -> dict[str, set[str]]:
    """What the collection offers: a name, and the names that count as its use."""
    offers: dict[str, set[str]] = {}
    for module in documentation.module_names():
        offers[f"module {module}"] = {f"module {module}"}
        for name, aliases in _module_options(module).items():
            spellings = (name, *aliases)
            offers[f"option {module}.{name}"] = {f"option {module}.{word}" for word in spellings}
    for path in sorted((collection() / "roles").glob("*/meta/argument_specs.yml")):
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        for name in (name for spec in specs.values() for name in spec["options"]):
            offers[f"option {name} of role {path.parents[1].name}"] = {f"variable {name}"}
    for path in sorted((collection() / "playbooks").glob("*.yml")):
        offers[f"playbook {path.stem}"] = {f"playbook {path.stem}"}
    return offers


def _module_options(module: str) -> dict[str, list[str]]:
    """The documented options of a module, those of its rows as ``users[].email``, with aliases."""
    found: dict[str, list[str]] = {}
    for name, option in documentation.options(module).items():
        found[name] = option.get("aliases", [])
        for row_name, row_option in option.get("suboptions", {}).items():
            aliases = row_option.get("aliases", [])
            found[f"{name}[].{row_name}"] = [f"{name}[].{alias}" for alias in aliases]
    return found


def unused(offers: Mapping[str, set[str]], used: set[str]) -> list[str]:
    """What no test has used."""
    return sorted(name for name, spellings in offers.items() if not spellings & used)
