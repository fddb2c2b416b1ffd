# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running git and Ansible's programs, in an environment that holds nothing of the developer's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import RefusedError

# A setting or a token for the developer's own Ansible would change what is built.
FOREIGN = ("ANSIBLE_", "PUBLICA_", "GIT_", "PYTHON")


def run(
    command: Sequence[str],
    folder: Path,
    collections: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return what it printed.

    Args:
        command: Its words.
        folder: Where it runs.
        collections: The folder that holds ``ansible_collections``, for Ansible's programs. It is
            their HOME as well.
        environment: Further variables.

    Raises:
        RefusedError: with the end of what it said, if it fails.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    variables["LC_ALL"] = "C.UTF-8"
    # The programs of the environment that this runs in, activated or not.
    own = str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join([own, variables.get("PATH", os.defpath)])
    if collections is not None:
        home = {"HOME": str(collections), "ANSIBLE_HOME": str(collections / ".ansible")}
        variables |= {**home, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    finished = subprocess.run(
        command,
        cwd=folder,
        env={**variables, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        said = finished.stdout.strip().splitlines()[-20:]
        words = " ".join(command)
        raise RefusedError(["\n  ".join([f"`{words}` ended with {finished.returncode}:", *said])])
    return finished.stdout
