# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that are reached over a socket and share nothing with the caller.

Each has a home, a directory for temporary files and an environment of its own, and the password of
the vault. Its jobs come over the socket only.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from .playbooks import ansible_program, short_path_to

LINK = Path(__file__).with_name("worker_link.py")
WORKER_SECONDS = 120


class LoopbackWorker:
    """A port of 127.0.0.1 that starts ``ansible-runner worker`` for each connection.

    Args:
        directory: Where the worker's home and its temporary files are.
        vault_password_file: The file with the password of the vault.
    """

    def __init__(self, directory: Path, vault_password_file: Path) -> None:
        self.home = directory / "home"
        self.temporary = directory / "tmp"
        for path in (self.home, self.temporary):
            path.mkdir(parents=True)
        self.jobs = 0
        self._environment = {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(vault_password_file),
            # Only the collection that is sent.
            "ANSIBLE_COLLECTIONS_PATH": str(self.home),
            "TARGET_PYTHON": os.environ.get("PUBLICA_TEST_TARGET_PYTHON") or sys.executable,
        }
        self._short = short_path_to(self.temporary)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(LINK), str(self._socket.getsockname()[1])]

    def __enter__(self) -> Self:
        self._environment["TMPDIR"] = str(self._short.__enter__())
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        # An empty connection ends the wait of the thread.
        self._stopping = True
        with socket.create_connection(self._socket.getsockname()):
            self._thread.join(WORKER_SECONDS)
        self._socket.close()
        self._short.__exit__(*error)

    _stopping = False

    def _serve(self) -> None:
        """Run one job after the other."""
        while True:
            connection, _address = self._socket.accept()
            with connection:
                if self._stopping:
                    return
                self.jobs += 1
                subprocess.run(
                    [str(ansible_program("ansible-runner")), "worker"],
                    stdin=connection,
                    stdout=connection,
                    stderr=subprocess.DEVNULL,
                    cwd=self.home,
                    env=self._environment,
                    timeout=WORKER_SECONDS,
                    check=False,
                )
