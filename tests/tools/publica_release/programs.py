# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run git and Ansible's programs without the developer's own settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import RefusedError

# Settings of the developer's Ansible would change the result.
FOREIGN = ("ANSIBLE_", "PUBLICA_", "GIT_", "PYTHON")


def run(command: Sequence[str], directory: Path, collections: Path | None = None) -> str:
    """Run a program in a directory and return what it printed.

    For Ansible's programs, ``collections`` is the directory of ``ansible_collections``, and HOME.

    Raises:
        RefusedError: if it fails, with the end of its output.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    variables["LC_ALL"] = "C.UTF-8"
    own = str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join([own, variables.get("PATH", os.defpath)])
    if collections is not None:
        home = {"HOME": str(collections), "ANSIBLE_HOME": str(collections / ".ansible")}
        variables |= {**home, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    finished = subprocess.run(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        output = finished.stdout.strip().splitlines()[-20:]
        words = " ".join(command)
        raise RefusedError(["\n  ".join([f"`{words}` ended with {finished.returncode}:", *output])])
    return finished.stdout
