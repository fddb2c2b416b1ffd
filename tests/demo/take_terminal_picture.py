# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the documentation's picture of runs in a terminal: a dry run, the run and a second run."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore
from rich.console import Console
from rich.text import Text

COLUMNS = 80
PLAN = [{"plan_id": 12, "valid_to": "2031-12-31"}]
BEFORE: list[dict[str, Any]] = [
    {"email": "ana@example.org", "external_id": "staff-1001", "sessions_limit": 1, "plans": PLAN},
    {"email": "carla@example.org", "external_id": "staff-1003", "plans": PLAN},
]
DESIRED = [
    {"email": "ana@example.org", "external_id": "staff-1001", "sessions_limit": 2},
    {"email": "bruno@example.org", "external_id": "staff-1002", "plan_id": 12},
    {"email": "carla@example.org", "state": "absent"},
]
RUNS: tuple[list[str], ...] = (["--check", "--diff"], [], [])
PLAYBOOK = "publica.la.provision"
# What an operator looks for: the differences, and each run's message and recap.
WITHOUT = re.compile(r"^\s*$|^PLAY |^TASK |^ok: \[press\]$|^changed: \[press\]$|^skipping: ")
# The picture must not load a font from another host.
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> int:
    """Take the picture and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    picture = parser.parse_args().picture
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as work, SandboxStore(Path(work, "store.sqlite3")) as store:
        store.add_users(BEFORE)
        inventory = Path(work, "inventory.yml")
        inventory.write_text(yaml.safe_dump(_inventory(store)), "utf-8")
        for words in RUNS:
            command = ["ansible-playbook", "-i", "inventory.yml", PLAYBOOK, *words]
            console.print(f"[bold]$ {' '.join(command)}[/]", highlight=False)
            command[2] = str(inventory)
            environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "true", "COLUMNS": str(COLUMNS)}
            run = subprocess.run(command, env=environment, capture_output=True, text=True)
            if run.returncode:
                print(run.stdout, run.stderr, file=sys.stderr)
                return 1
            for line in map(Text.from_ansi, run.stdout.splitlines()):
                if not WITHOUT.match(line.plain):
                    # The end of a recap, which says nothing here, would be a line of its own.
                    console.print(line[: len(line.plain.partition("skipped=")[0])])
            console.print()
    svg = FONTS.sub("", console.export_svg(title="ansible-playbook", unique_id="terminal"))
    picture.write_text(svg, "utf-8")
    print(picture)
    return 0


def _inventory(store: SandboxStore) -> dict[str, object]:
    variables = {
        "publica_users_base_url": store.base_url,
        "publica_users_api_token": store.token,
        "publica_users_defaults": {"generate_password": True},
        "publica_users_desired": DESIRED,
        # Without lines that only a slow machine shows.
        "publica_users_progress_interval": 0,
    }
    return {"publica_stores": {"hosts": {"press": variables}}}


if __name__ == "__main__":
    sys.exit(main())
