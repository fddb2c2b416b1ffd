# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways in which a test can run a server: in a thread, or in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .server import START_SECONDS, SandboxServer
from .state import StoreState
from .switch_values import spell


@dataclass(frozen=True)
class Start:
    """What a server is started with."""

    database: Path
    token: str
    switches: Mapping[str, object]
    tls_cert: Path | None
    tls_key: Path | None


class Backend(Protocol):
    """A server that answers at ``base_url``."""

    base_url: str

    def stop(self) -> None:
        """Stop the server and wait for its end."""


class ThreadBackend:
    """The server in a thread of this process."""

    def __init__(self, start: Start) -> None:
        state = StoreState(start.database, start.token, start.switches)
        self._server = SandboxServer(state, tls_cert=start.tls_cert, tls_key=start.tls_key)
        self.base_url = self._server.base_url
        self._thread = self._server.serve_in_thread()

    def stop(self) -> None:
        """Stop the server and wait for its thread."""
        self._server.should_exit = True
        self._thread.join(START_SECONDS)


class ProcessBackend:
    """The server as ``python -m publica_sandbox serve``."""

    def __init__(self, start: Start) -> None:
        ready = start.database.with_name(f"{start.database.name}.ready")
        ready.unlink(missing_ok=True)
        package_root = str(Path(__file__).parents[1])
        self._process = subprocess.Popen(
            _command(start, ready),
            env={**os.environ, "PYTHONPATH": package_root},
            stdout=subprocess.DEVNULL,
        )
        self.base_url = self._wait_for(ready)

    def stop(self) -> None:
        """End the process as a service manager would."""
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_for(self, ready: Path) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if ready.exists():
                return str(json.loads(ready.read_text(encoding="utf-8"))["base_url"])
            time.sleep(0.02)
        self.stop()
        raise RuntimeError("The sandbox process did not start; its messages are above.")


def _command(start: Start, ready: Path) -> list[str]:
    command = [sys.executable, "-m", "publica_sandbox", "serve", "--database", str(start.database)]
    command += ["--token", start.token, "--ready-file", str(ready)]
    for name, value in start.switches.items():
        command += ["--set", f"{name}={spell(value)}"]
    for option, path in (("--tls-cert", start.tls_cert), ("--tls-key", start.tls_key)):
        command += [option, str(path)] if path else []
    return command
