# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox store for tests, in a thread or in a process of its own.

with SandboxStore(users=3, put="replace") as store:
    call_the_client(store.base_url, store.token)
    assert store.user(email="ada@example.org")["admin"]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from . import database_state
from .control import ControlClient
from .database_state import Row, check_password
from .faults import fault_values
from .server import START_SECONDS, SandboxServer
from .state import DEFAULT_TOKEN, StoreState
from .switches import format_value

# With the default limit, a test that is not about limits would wait for a minute.
TEST_SWITCHES: Mapping[str, object] = {"rate_limit": 0}


class SandboxStore:
    """One store with its server, from ``with`` to the end of the block.

    Args:
        database: The SQLite file; without one, a temporary file that is deleted at the end.
        token: The token that the API accepts.
        users: The number of generated users to begin with, or the users themselves.
        process: Whether the server runs in a process of its own instead of a thread.
        tls_cert: A certificate; with ``tls_key``, the server uses HTTPS.
        tls_key: The key of the certificate.
        switches: Any switches. The rate limit is off unless it is set here.
    """

    def __init__(
        self,
        database: Path | None = None,
        *,
        token: str = DEFAULT_TOKEN,
        users: int | Iterable[Mapping[str, Any]] = 0,
        process: bool = False,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
        **switches: Any,
    ) -> None:
        self.token = token
        self.base_url = ""
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._database = database
        self._users = users
        self._process = process
        tls: dict[str, Any] = {"tls_cert": tls_cert, "tls_key": tls_key}
        self._tls = {name: path for name, path in tls.items() if path}
        self._switches = {**TEST_SWITCHES, **switches}
        self._server: _ThreadServer | _ProcessServer
        self._control: ControlClient

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        if self._database is None:
            raise RuntimeError("The store has not been started.")
        return self._database

    def start(self) -> None:
        """Start the server. ``with`` calls this."""
        if self._database is None:
            self._directory = tempfile.TemporaryDirectory(
                prefix="publica-sandbox-", ignore_cleanup_errors=True
            )
            self._database = Path(self._directory.name) / "store.sqlite3"
        server = _ProcessServer if self._process else _ThreadServer
        self._server = server(self._database, self.token, self._switches, self._tls)
        self.base_url = self._server.base_url
        self._control = ControlClient(self.base_url)
        try:
            if not isinstance(self._users, int):
                self.add_users(self._users)
            elif self._users:
                self.generate_users(self._users)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, and delete a temporary database. ``with`` calls this."""
        self._server.stop()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = self._database = None

    # Controlling the store

    def configure(self, **switches: Any) -> None:
        """Change switches from the next request on. The rate limit begins new windows."""
        self._control.call("PATCH", "/switches", switches)

    def switches(self) -> dict[str, Any]:
        """The current switches."""
        return dict(self._control.call("GET", "/switches"))

    def fault(self, kind: str | int, *, times: int | None = 1, **rule: Any) -> None:
        """Make requests fail: by default, the next one.

        Args:
            kind: 401, 403, 429, 500, 502, 503, 504, close_before, close_after, cut, hang,
                html_200, other_json or redirect.
            times: How often; None means without end.
            rule: ``endpoint`` (create, list, update, deactivate, reactivate, force_logout, plans,
                sessions or any), ``nth`` (only the nth matching request from now on), ``every``
                (every nth matching request), ``applied`` (``before`` or ``after`` the store has
                done its work), ``body`` (``html`` or ``json``, of an error), ``retry_after``
                (seconds, of an error), ``seconds`` (length of a ``hang``), ``location`` (of a
                ``redirect``).
        """
        self._control.call("POST", "/faults", fault_values(kind, times, **rule))

    def faults(self) -> list[dict[str, Any]]:
        """The rules, each with the number of requests that matched (``seen``) and ``fired``."""
        return list(self._control.call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Delete all faults."""
        self._control.call("DELETE", "/faults")

    def release(self) -> None:
        """Delete all faults, and let the requests that hang now go on. With a long ``hang``, a
        test holds a request back until it has seen what it waits for.
        """
        self._control.call("DELETE", "/hanging")

    def add_user(self, email: str | None, **values: Any) -> Row:
        """Store a user without the API. Returns the row."""
        (user_id,) = self.add_users([{"email": email, **values}])
        return self.user(id=user_id)

    def add_users(self, users: Iterable[Mapping[str, Any]]) -> list[int]:
        """Store users without the API. Returns their ids."""
        return list(self._control.call("POST", "/users", {"users": [dict(user) for user in users]}))

    def change_user(self, user_id: int, **values: Any) -> Row:
        """Change a user without the API, as another client would. Returns the row."""
        self._control.call("PATCH", f"/users/{user_id}", values)
        return self.user(id=user_id)

    def generate_users(
        self, count: int, *, deactivated: int = 0, admins: int = 0, seed: int = 1
    ) -> None:
        """Store generated users, the same for the same ``seed``."""
        values = {"count": count, "deactivated": deactivated, "admins": admins, "seed": seed}
        self._control.call("POST", "/generated-users", values)

    def add_plan(self, name: str, **values: Any) -> int:
        """Store a plan. Returns its id.

        Args:
            name: The name; two plans may share one.
            values: ``id``, ``type`` (``recurring`` or ``prepaid``), ``duration_months``,
                ``private``, ``concurrency_limit``, ``listed`` (whether the list shows it).
        """
        return int(self._control.call("POST", "/plans", {"name": name, **values}))

    def clear_journal(self) -> None:
        """Delete the recorded requests."""
        self._control.call("DELETE", "/journal")

    def reset(self) -> None:
        """Clear users, journal and faults; restore the first plans and the first switches."""
        self._control.call("POST", "/reset")

    # Reading the database

    def users(self, *, active: bool | None = None) -> list[Row]:
        """All users in the order of their ids."""
        where = {None: "1", True: "deleted_at IS NULL", False: "deleted_at IS NOT NULL"}
        return database_state.users(self.database, where[active])

    def user(
        self, *, email: str | None = None, id: int | None = None, external_id: str | None = None
    ) -> Row:
        """The one user with this address, id or external id.

        Raises:
            LookupError: if there is none, or more than one.
        """
        key = {"email": email, "id": id, "external_id": external_id}
        given: dict[str, Any] = {name: value for name, value in key.items() if value is not None}
        if not given:
            raise TypeError("user() needs email, id or external_id")
        if "email" in given:
            given["email_key"] = given.pop("email").casefold()
        where = " AND ".join(f"{name} = ?" for name in given)
        found = database_state.users(self.database, where, *given.values())
        if len(found) != 1:
            raise LookupError(f"{len(found)} users with {key}")
        return found[0]

    def plans_of(self, user_id: int) -> list[Row]:
        """The assignments of a user, oldest first: one for each call that assigned a plan."""
        return database_state.plans_of(self.database, user_id)

    def has_password(self, user_id: int, password: str) -> bool:
        """Whether this is the password of the user."""
        return check_password(password, self.user(id=user_id)["password_hash"])

    def journal(self, *, writes: bool | None = None) -> list[Row]:
        """The recorded requests, oldest first; with ``writes``, only the writes or the reads."""
        return database_state.journal(self.database, writes=writes)

    def sql(self, query: str, *values: object) -> list[Row]:
        """The rows of any other query."""
        return database_state.select(self.database, query, *values)


class _ThreadServer:
    """The server in a thread of this process."""

    def __init__(
        self, database: Path, token: str, switches: Mapping[str, object], tls: Mapping[str, Any]
    ) -> None:
        self._server = SandboxServer(StoreState(database, token, switches), **tls)
        self.base_url = self._server.base_url
        self._thread = self._server.serve_in_thread()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS)


class _ProcessServer:
    """The server as ``python -m publica_sandbox serve``."""

    def __init__(
        self, database: Path, token: str, switches: Mapping[str, object], tls: Mapping[str, Any]
    ) -> None:
        ready = database.with_name(f"{database.name}.ready")
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "publica_sandbox", "serve", "--database", str(database)]
        command += ["--token", token, "--ready-file", str(ready)]
        for name, value in switches.items():
            command += ["--set", f"{name}={format_value(value)}"]
        for name, path in tls.items():
            command += [f"--{name.replace('_', '-')}", str(path)]
        package_root = str(Path(__file__).parents[1])
        self._process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": package_root}, stdout=subprocess.DEVNULL
        )
        self.base_url = self._wait_for(ready)

    def stop(self) -> None:
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
        raise RuntimeError("The sandbox process did not start. Its messages are above.")
