# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ending one user's sessions: who is named in the request, and when he is looked up first."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import NotFoundError, PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.provision import end_sessions
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.reading import Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

PATH = "/integration-api/v1/users/{}/force-logout"


def store_of(**reading: Any) -> FakeStore:
    return FakeStore(
        StoredUser(1, "ana@example.org", "A"),
        # Whose external id is another user's id.
        StoredUser(2, "ben@example.org", "1"),
        StoredUser(3, "cleo@example.org", ".."),
        StoredUser(4, "dan@example.org", "."),
        StoredUser(5, "eve@example.org", "a/b"),
        StoredUser(6, "gone@example.org", "G", deactivated=True),
        reading=Reading(**reading),
    )


@pytest.mark.parametrize(
    ("keys", "requests"),
    [
        pytest.param({"id": 1}, [PATH.format(1)], id="an id"),
        pytest.param({"external_id": "A"}, [PATH.format("A")], id="an external id"),
    ],
)
def test_who_is_named_whole_takes_one_request(keys: dict[str, Any], requests: list[str]) -> None:
    store = store_of()
    applied = end_sessions(api_on(store), DesiredUser(**keys))
    assert [call.path for call in store.calls] == requests
    assert applied.actions == ("force_logout",)
    assert store.users[1].sessions_ended == 1


@pytest.mark.parametrize(
    ("keys", "user_id"),
    [
        pytest.param({"email": "ana@example.org"}, 1, id="an address"),
        pytest.param({"external_id": "1"}, 2, id="an external id that could be an id"),
        pytest.param({"external_id": ".."}, 3, id="an external id that leads out of a path"),
        pytest.param({"external_id": "."}, 4, id="an external id that a path drops"),
        pytest.param({"external_id": "a/b"}, 5, id="an external id that would be two steps"),
    ],
)
def test_who_could_be_mistaken_is_looked_up(keys: dict[str, Any], user_id: int) -> None:
    store = store_of()
    end_sessions(api_on(store), DesiredUser(**keys))
    assert [call.path for call in store.writes] == [PATH.format(user_id)]
    ended = {user.id: user.sessions_ended for user in store.users.values()}
    assert ended == {number: int(number == user_id) for number in store.users}


def test_check_mode_tells_it_and_sends_nothing() -> None:
    store = store_of()
    applied = end_sessions(api_on(store, read_only=True), DesiredUser(email="ana@example.org"))
    assert applied.actions == ("force_logout",)
    assert store.writes == []


@pytest.mark.parametrize("email", ["nobody@example.org", "gone@example.org"])
def test_nobody_active_with_the_address_is_an_error(email: str) -> None:
    store = store_of()
    with pytest.raises(NotFoundError, match=email):
        end_sessions(api_on(store), DesiredUser(email=email))
    assert store.writes == []


def test_a_key_that_the_store_does_not_know_is_an_error_in_clear_words() -> None:
    with pytest.raises(PublicaError, match="external_id X") as told:
        end_sessions(api_on(store_of()), DesiredUser(external_id="X"))
    assert told.value.as_failure()["status"] == 404
