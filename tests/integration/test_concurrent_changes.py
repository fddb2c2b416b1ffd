# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another client changes a user after a run has read the store and before it writes.

The API has no conditional writes. What is guaranteed without them, and what is not, is in
docs/states-and-identity.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from publica_sandbox.testing import SandboxStore

from support.in_process import Result, bulk

ANA = {"email": "ana@example.org", "external_id": "staff-1"}
ChangeBefore = Callable[[str, Callable[[], Any]], None]


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> ChangeBefore:
    """Makes a change just before the first request of a kind is sent."""

    def change_before(write: str, change: Callable[[], Any]) -> None:
        send = getattr(UsersApi, write)
        done: list[bool] = []

        def sent(self: UsersApi, *arguments: Any, **options: Any) -> Any:
            if not done:
                done.append(True)
                change()
            return send(self, *arguments, **options)

        monkeypatch.setattr(UsersApi, write, sent)

    return change_before


def only(result: Result) -> dict[str, Any]:
    (item,) = result["results"]
    return dict(item)


def test_an_account_created_by_another_client_is_adopted(
    store: SandboxStore, before: ChangeBefore
) -> None:
    before("create", lambda: store.add_user(**ANA, sessions_limit=9))

    result = bulk(store, [{**ANA, "sessions_limit": 2, "password": "a-password-of-ours"}])

    assert not result.get("failed")
    assert only(result)["actions"] == ["update"]
    (user,) = store.users()
    assert user["sessions_limit"] == 2
    # The other client has set the password.
    assert user["password_changes"] == 0


def test_an_address_taken_by_another_account_is_an_error(
    store: SandboxStore, before: ChangeBefore
) -> None:
    before("create", lambda: store.add_user("ana@example.org", external_id="guest-7"))
    others = {"email": "bruno@example.org", "external_id": "staff-2"}

    result = bulk(store, [{**ANA, "admin": True}, others], concurrency=1)

    ana, bruno = result["results"]
    assert ana["error"]["code"] == "address_taken"
    assert not bruno["failed"]
    there = store.user(email="ana@example.org")
    assert (there["external_id"], bool(there["admin"])) == ("guest-7", False)


def test_an_update_to_an_address_taken_by_another_account_is_an_error(
    store: SandboxStore, before: ChangeBefore
) -> None:
    store.add_user("ana.old@example.org", external_id="staff-1")
    before("update", lambda: store.add_user("ana@example.org", external_id="guest-7"))

    result = bulk(store, [ANA])

    assert only(result)["error"]["code"] == "validation"
    assert store.user(external_id="staff-1")["email"] == "ana.old@example.org"
    assert store.user(email="ana@example.org")["external_id"] == "guest-7"


def test_a_user_deactivated_by_another_client_is_not_changed(
    store: SandboxStore, before: ChangeBefore
) -> None:
    ana = store.add_user(**ANA)
    before("update", lambda: store.change_user(ana["id"], active=False))

    result = bulk(store, [{**ANA, "admin": True}])

    assert only(result)["error"]["code"] == "not_found"
    assert not store.user(id=ana["id"])["admin"]


def test_a_store_that_changes_deactivated_users(store: SandboxStore, before: ChangeBefore) -> None:
    store.configure(put_on_deactivated="ok")
    ana = store.add_user(**ANA)
    before("update", lambda: store.change_user(ana["id"], active=False))

    result = bulk(store, [{**ANA, "admin": True}])

    assert only(result)["actions"] == ["update"]
    user = store.user(id=ana["id"])
    assert user["admin"]
    assert user["deleted_at"] is not None, "the update reactivated the user"


@pytest.mark.parametrize(
    ("state", "write", "active"), [("absent", "deactivate", False), ("active", "reactivate", True)]
)
def test_a_state_reached_by_another_client_is_a_success_without_a_change(
    store: SandboxStore, before: ChangeBefore, state: str, write: str, active: bool
) -> None:
    ana = store.add_user(**ANA, active=not active)
    before(write, lambda: store.change_user(ana["id"], active=active))

    result = bulk(store, [{**ANA, "state": state}])

    assert not result.get("failed")
    assert only(result)["actions"] == []
    assert (store.user(id=ana["id"])["deleted_at"] is None) is active


@pytest.mark.parametrize("put", ["merge", "replace"])
def test_an_update_resets_what_another_client_changed(
    store: SandboxStore, before: ChangeBefore, put: str
) -> None:
    """Not guaranteed otherwise: an update sends the record as it was read."""
    store.configure(put=put)
    ana = store.add_user(**ANA, sessions_limit=1)

    def change() -> None:
        store.change_user(ana["id"], sessions_limit=5, email="ana.new@example.org")

    before("update", change)

    result = bulk(store, [{"external_id": "staff-1", "admin": True}], lookup="list")

    assert only(result)["actions"] == ["update"]
    user = store.user(id=ana["id"])
    assert user["admin"]
    assert (user["sessions_limit"], user["email"]) == (1, "ana@example.org")


def test_a_user_without_a_difference_is_not_changed(
    store: SandboxStore, before: ChangeBefore
) -> None:
    store.add_user(**ANA, sessions_limit=1)
    bruno = {"email": "bruno@example.org", "external_id": "staff-2"}

    def change() -> None:
        store.change_user(store.user(external_id="staff-1")["id"], sessions_limit=5)

    before("create", change)

    bulk(store, [{**ANA, "sessions_limit": 1}, bruno])

    assert store.user(external_id="staff-1")["sessions_limit"] == 5
    assert [row["endpoint"] for row in store.journal(writes=True)] == ["create"]
