# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ending the sessions of one user: the identifier in the request, and the look-up before it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import NotFoundError, PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.provision import end_sessions
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.store import FakeStore, Reply, StoredUser

PATH = "/integration-api/v1/users/{}/force-logout"


def store_of(**variants: Any) -> FakeStore:
    return FakeStore(
        StoredUser(1, "ana@example.org", "A"),
        # The external id is the id of another user.
        StoredUser(2, "ben@example.org", "1"),
        StoredUser(3, "cleo@example.org", ".."),
        StoredUser(4, "dan@example.org", "."),
        StoredUser(5, "eve@example.org", "a/b"),
        StoredUser(6, "gone@example.org", "G", deactivated=True),
        **variants,
    )


@pytest.mark.parametrize("keys", [{"id": 1}, {"external_id": "A"}], ids=str)
def test_an_unambiguous_key_takes_one_request(keys: dict[str, Any]) -> None:
    store = store_of()
    applied = end_sessions(api_on(store), DesiredUser(**keys))
    [identifier] = keys.values()
    assert [call.path for call in store.calls] == [PATH.format(identifier)]
    assert applied.actions == ("force_logout",)
    assert applied.user == applied.change.current
    assert store.users[1].sessions_ended == 1


@pytest.mark.parametrize(
    "keys", [{"id": 1}, {"external_id": "A"}, {"email": "ana@example.org"}], ids=str
)
def test_a_store_that_only_ends_auth_sessions_takes_the_id(keys: dict[str, Any]) -> None:
    store = store_of(auth_sessions_only=True)
    applied = end_sessions(api_on(store), DesiredUser(**keys))
    assert (applied.error, applied.actions) == (None, ("force_logout",))
    assert store.calls[-1].line == "DELETE /integration-api/v1/auth-sessions/users/1"
    assert {user.id: user.sessions_ended for user in store.users.values() if user.id < 3} == {
        1: 1,
        2: 0,
    }


@pytest.mark.parametrize(
    ("keys", "user_id"),
    [
        pytest.param({"email": "ana@example.org"}, 1, id="address"),
        pytest.param({"external_id": "1"}, 2, id="external id that could be an id"),
        pytest.param({"external_id": ".."}, 3, id="external id that leaves the path"),
        pytest.param({"external_id": "."}, 4, id="external id that a path drops"),
        pytest.param({"external_id": "a/b"}, 5, id="external id with a slash"),
    ],
)
def test_an_ambiguous_key_is_looked_up(keys: dict[str, Any], user_id: int) -> None:
    store = store_of()
    end_sessions(api_on(store), DesiredUser(**keys))
    assert [call.path for call in store.writes] == [PATH.format(user_id)]
    ended = {user.id: user.sessions_ended for user in store.users.values()}
    assert ended == {number: int(number == user_id) for number in store.users}


def test_check_mode_predicts_the_logout_and_writes_nothing() -> None:
    store = store_of()
    applied = end_sessions(api_on(store, read_only=True), DesiredUser(email="ana@example.org"))
    assert applied.actions == ("force_logout",)
    assert store.writes == []


@pytest.mark.parametrize("email", ["unknown@example.org", "gone@example.org"])
def test_an_address_without_an_active_user_is_an_error(email: str) -> None:
    store = store_of()
    with pytest.raises(NotFoundError, match=email):
        end_sessions(api_on(store), DesiredUser(email=email))
    assert store.writes == []


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    with pytest.raises(PublicaError, match="external_id X") as error:
        end_sessions(api_on(store_of()), DesiredUser(external_id="X"))
    assert error.value.as_failure()["status"] == 404
    with pytest.raises(PublicaError, match="external_id X"):
        end_sessions(api_on(store_of(auth_sessions_only=True)), DesiredUser(external_id="X"))


def test_a_store_without_the_endpoint_is_not_an_error_of_the_key() -> None:
    store = store_of(auth_sessions_only=True)
    store.answer_instead("DELETE", Reply(404, {"message": ""}))
    error = end_sessions(api_on(store), DesiredUser(email="ana@example.org")).error
    assert error is not None
    assert (error.code, error.status) == ("not_found", 404)
    assert "no active user" not in error.message
    assert PATH.format(1) in error.message
