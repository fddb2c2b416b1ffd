# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox store for tests, in a thread or in a process of its own.

with SandboxStore(users=3, put="replace") as store:
    call_the_client(store.base_url, store.token)
    assert store.user(email="ada@example.org")["admin"]
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import truth
from .backends import Backend, ProcessBackend, Start, ThreadBackend
from .control_client import ControlClient
from .faults import fault_values
from .passwords import check_password
from .state import DEFAULT_TOKEN
from .truth import Row

# A limit that a test did not ask for would make it wait for a minute.
TEST_SWITCHES: Mapping[str, object] = {"rate_limit": 0}


class SandboxStore:
    """One store with its server, from ``with`` to the end of the block.

    Args:
        database: The SQLite file; without one, a temporary file that is deleted at the end.
        token: The token that the API takes.
        users: How many made-up users to begin with, or the users themselves.
        process: Whether the server runs in a process of its own instead of a thread.
        tls_cert: A certificate; with ``tls_key``, the server speaks HTTPS.
        tls_key: The certificate's key.
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
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._database = database
        self._users = users
        self._process = process
        self._tls = (tls_cert, tls_key)
        self._switches = {**TEST_SWITCHES, **switches}
        self._backend: Backend
        self._control: ControlClient

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        if self._database is None:
            raise RuntimeError("The store has not been started.")
        return self._database

    def start(self) -> None:
        """Start the server. ``with`` does it."""
        if self._database is None:
            self._folder = tempfile.TemporaryDirectory(
                prefix="publica-sandbox-", ignore_cleanup_errors=True
            )
            self._database = Path(self._folder.name) / "store.sqlite3"
        start = Start(self._database, self.token, self._switches, *self._tls)
        self._backend = ProcessBackend(start) if self._process else ThreadBackend(start)
        self.base_url = self._backend.base_url
        self._control = ControlClient(self.base_url)
        try:
            self._fill()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, and delete a temporary database. ``with`` does it."""
        self._backend.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = self._database = None

    def _fill(self) -> None:
        if not isinstance(self._users, int):
            self.add_users(self._users)
        elif self._users:
            self.generate_users(self._users)

    # Steering the store

    def configure(self, **switches: Any) -> None:
        """Change switches from the next request on. The rate limit's windows begin anew."""
        self._control.call("PATCH", "/switches", switches)

    def switches(self) -> dict[str, Any]:
        """The switches as they are now."""
        return dict(self._control.call("GET", "/switches"))

    def fault(
        self,
        kind: str | int,
        *,
        endpoint: str = "any",
        nth: int | None = None,
        every: int | None = None,
        times: int | None = 1,
        applied: str | None = None,
        body: str | None = None,
        retry_after: int | None = None,
        seconds: float | None = None,
        location: str | None = None,
    ) -> None:
        """Let requests go wrong: the next one, unless told otherwise.

        Args:
            kind: 401, 403, 429, 500, 502, 503, 504, close_before, close_after, cut, hang,
                html_200, other_json or redirect.
            endpoint: create, list, update, deactivate, reactivate, force_logout or any.
            nth: Only the nth matching request from now on.
            every: Every nth matching request.
            times: How often; None means without end.
            applied: ``before`` or ``after`` the store has done its work.
            body: ``html`` or ``json``, for an error.
            retry_after: Seconds in Retry-After, for an error.
            seconds: How long a ``hang`` lasts.
            location: Where a ``redirect`` leads to.
        """
        values = fault_values(
            kind,
            times,
            endpoint=endpoint,
            nth=nth,
            every=every,
            applied=applied,
            body=body,
            retry_after=retry_after,
            seconds=seconds,
            location=location,
        )
        self._control.call("POST", "/faults", values)

    def faults(self) -> list[dict[str, Any]]:
        """The rules, each with how often it was met (``seen``) and how often it ``fired``."""
        return list(self._control.call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._control.call("DELETE", "/faults")

    def add_user(self, email: str, **values: Any) -> Row:
        """Store a user from behind the API. Returns the row."""
        (user_id,) = self.add_users([{"email": email, **values}])
        return self.user(id=user_id)

    def add_users(self, users: Iterable[Mapping[str, Any]]) -> list[int]:
        """Store users from behind the API. Returns their ids."""
        return list(self._control.call("POST", "/users", {"users": [dict(user) for user in users]}))

    def change_user(self, user_id: int, **values: Any) -> Row:
        """Change a user from behind the API, as somebody else would. Returns the row."""
        self._control.call("PATCH", f"/users/{user_id}", values)
        return self.user(id=user_id)

    def generate_users(
        self, count: int, *, deactivated: int = 0, admins: int = 0, seed: int = 1
    ) -> None:
        """Store made-up users in bulk, the same for the same ``seed``."""
        wanted = {"count": count, "deactivated": deactivated, "admins": admins, "seed": seed}
        self._control.call("POST", "/generated-users", wanted)

    def add_plan(self, name: str, *, id: int | None = None, days: int | None = None) -> int:
        """Store a plan. Returns its id."""
        return int(self._control.call("POST", "/plans", {"name": name, "id": id, "days": days}))

    def clear_journal(self) -> None:
        """Forget the requests so far."""
        self._control.call("DELETE", "/journal")

    def clear_rate_limit(self) -> None:
        """Begin new rate-limit windows."""
        self._control.call("DELETE", "/rate-limit")

    def reset(self) -> None:
        """No users, no journal, no faults, the first plans, the switches of the start."""
        self._control.call("POST", "/reset")

    # Reading the truth

    def users(self, *, active: bool | None = None) -> list[Row]:
        """All users by id, straight from the file."""
        where = {None: "1", True: "deleted_at IS NULL", False: "deleted_at IS NOT NULL"}
        return truth.users(self.database, where[active])

    def user(
        self, *, email: str | None = None, id: int | None = None, external_id: str | None = None
    ) -> Row:
        """The one user with this address, id or external id.

        Raises:
            LookupError: if there is none, or more than one.
        """
        wanted = {"email": email, "id": id, "external_id": external_id}
        given: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
        if not given:
            raise TypeError("user() needs email, id or external_id")
        if "email" in given:
            given["email_key"] = given.pop("email").casefold()
        where = " AND ".join(f"{key} = ?" for key in given)
        found = truth.users(self.database, where, *given.values())
        if len(found) != 1:
            raise LookupError(f"{len(found)} users with {wanted}")
        return found[0]

    def plans_of(self, user_id: int) -> list[Row]:
        """The assignments of a user, oldest first: one for each call that assigned."""
        return truth.plans_of(self.database, user_id)

    def has_password(self, user_id: int, password: str) -> bool:
        """Whether this is the user's password."""
        return check_password(password, self.user(id=user_id)["password_hash"])

    def journal(self, *, writes: bool | None = None) -> list[Row]:
        """The requests so far, oldest first; with ``writes``, only the writes or the reads."""
        return truth.journal(self.database, writes=writes)

    def sql(self, query: str, *values: object) -> list[Row]:
        """Any other question to the file."""
        return truth.select(self.database, query, *values)
