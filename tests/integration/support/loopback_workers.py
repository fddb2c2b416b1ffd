# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers as on machines of their own: reached over a socket, with nothing of the caller's.

Each has a home, a folder for temporary files and an environment of its own, and the password of the
vault. What it runs comes to it over the socket alone.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from .playbook_runner import ansible_program
from .short_path import short_path_to

LINK = Path(__file__).with_name("worker_link.py")
WORKER_SECONDS = 120


class LoopbackWorker:
    """A port of 127.0.0.1 behind which each connection is given an ``ansible-runner worker``.

    Args:
        folder: Where the worker's home and its temporary files are.
        vault_password_file: The file with the password of the vault.
    """

    def __init__(self, folder: Path, vault_password_file: Path) -> None:
        self.home = folder / "home"
        self.temporary = folder / "tmp"
        for path in (self.home, self.temporary):
            path.mkdir(parents=True)
        self.jobs = 0
        self._environment = {
            "HOME": str(self.home),
            # Its own Ansible before anything else.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            # As the example's own settings have it for ansible-playbook.
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(vault_password_file),
            # No collection but the one that is sent.
            "ANSIBLE_COLLECTIONS_PATH": str(self.home),
            "TARGET_PYTHON": os.environ.get("PUBLICA_TEST_TARGET_PYTHON") or sys.executable,
        }
        self._short = short_path_to(self.temporary)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def command(self) -> list[str]:
        """The command that talks to this worker."""
        return [sys.executable, str(LINK), str(self._socket.getsockname()[1])]

    def __enter__(self) -> Self:
        self._environment["TMPDIR"] = str(self._short.__enter__())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A connection that says nothing, to get the thread out of its waiting.
        self._stopping = True
        with socket.create_connection(self._socket.getsockname()):
            self._thread.join(WORKER_SECONDS)
        self._socket.close()
        self._short.__exit__(kind, error, traceback)

    _stopping = False

    def _serve(self) -> None:
        """One job after the other, as the example sends them."""
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
