# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching by id, else by external id, else by address; and conflicts of keys."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.matching import Match, match_users
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import current_user

ANA = current_user(1, email="ana@example.org", external_id="A")
BEN = current_user(2, email="ben@example.org", external_id="B")
CLEO = current_user(3, email="cleo@example.org", external_id="C", active=False)
# A user of a store that does not return external ids.
EVE = current_user(5, email="eve@example.org", external_id=None, returns_external_id=False)


def match(
    *desired: dict[str, Any], store: tuple[CurrentUser, ...] = (ANA, BEN, CLEO, EVE)
) -> list[Match]:
    users = [DesiredUser(**keys) for keys in desired]
    return match_users(users, UserIndex(store), range(len(users)))


def error_of(found: Match) -> str:
    assert isinstance(found, PublicaError)
    assert found.code == "identity_conflict"
    return found.message


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"id": 2}, BEN, id="id"),
        pytest.param({"external_id": "B"}, BEN, id="external id"),
        pytest.param({"email": "ben@example.org"}, BEN, id="address"),
        pytest.param({"email": "Ben@Example.ORG"}, BEN, id="address in another case"),
        pytest.param({"email": "cleo@example.org"}, CLEO, id="deactivated user"),
        pytest.param({"id": 2, "email": "new@example.org"}, BEN, id="id before new address"),
        pytest.param({"id": 2, "external_id": "new"}, BEN, id="id before new external id"),
        pytest.param(
            {"external_id": "B", "email": "new@example.org"}, BEN, id="external id before address"
        ),
        pytest.param(
            {"external_id": "new", "email": "ben@example.org"}, BEN, id="address, new external id"
        ),
        pytest.param(
            {"external_id": "E", "email": "eve@example.org"}, EVE, id="external id not returned"
        ),
        pytest.param({"external_id": "b"}, None, id="external id in another case"),
        pytest.param({"email": "ben@example.or"}, None, id="part of an address"),
        pytest.param({"email": "new@example.org", "external_id": "N"}, None, id="new user"),
        pytest.param({"id": 99, "state": "absent"}, None, id="absent, unknown id"),
        pytest.param(
            {"email": "ben@example.org", "external_id": "B", "state": "absent"},
            BEN,
            id="absent, both keys agree",
        ),
        pytest.param(
            {"email": "eve@example.org", "external_id": "E", "state": "absent"},
            EVE,
            id="absent, external id not returned",
        ),
        pytest.param(
            # A deactivated user can't be locked out, so this is no conflict.
            {"email": "cleo@example.org", "external_id": "left", "state": "absent"},
            CLEO,
            id="absent, address of a deactivated user",
        ),
    ],
)
def test_the_strongest_known_key_decides(
    keys: dict[str, Any], expected: CurrentUser | None
) -> None:
    assert match(keys) == [expected]


@pytest.mark.parametrize(
    ("keys", "other"),
    [
        pytest.param({"id": 1, "external_id": "B"}, BEN, id="id and external id"),
        pytest.param({"id": 1, "email": "ben@example.org"}, BEN, id="id and address"),
        pytest.param({"external_id": "A", "email": "BEN@example.org"}, BEN, id="ext and address"),
        pytest.param({"external_id": "A", "email": "cleo@example.org"}, CLEO, id="deactivated"),
        pytest.param({"id": 1, "email": "ben@example.org", "state": "absent"}, BEN, id="absent"),
        pytest.param(
            {"id": 1, "external_id": "C", "email": "ben@example.org", "state": "absent"},
            BEN,
            id="absent, one of three deactivated",
        ),
    ],
)
def test_keys_of_two_users_are_an_error_that_names_both(
    keys: dict[str, Any], other: CurrentUser
) -> None:
    message = error_of(match(keys)[0])
    state = "" if other.active else ", deactivated"
    assert "ana@example.org (id 1, external_id A)" in message
    assert f"{other.email} (id {other.id}, external_id {other.external_id}{state})" in message


@pytest.mark.parametrize(
    ("keys", "parts"),
    [
        # The store chooses ids, so a new user can't have one.
        pytest.param({"email": "new@example.org", "external_id": "N"}, (), id="new user"),
        pytest.param({"state": "absent", "email": "ben@example.org"}, (BEN.email,), id="address"),
        pytest.param({"state": "absent", "external_id": "B"}, (BEN.email,), id="external id"),
    ],
)
def test_an_unknown_id_is_an_error(keys: dict[str, Any], parts: tuple[str, ...]) -> None:
    message = error_of(match({"id": 99, **keys})[0])
    assert all(part in message for part in ("99", *parts))


@pytest.mark.parametrize("state", ["absent", "present"])
def test_an_external_id_alone_is_an_error_where_the_store_returns_none(state: str) -> None:
    keys = {"external_id": "E", "state": state}
    (found,) = match(keys, store=(EVE,))
    assert isinstance(found, PublicaError)
    assert (found.code, list(found.fields)) == ("incomplete", ["email"])
    assert match(keys, store=()) == [None]
    assert match({**keys, "email": "new@example.org"}, store=(EVE,)) == [None]


def test_absent_does_not_match_another_person_who_has_the_address_now() -> None:
    keys = {"email": "ben@example.org", "external_id": "left", "state": "absent"}
    message = error_of(match(keys)[0])
    assert "left" in message
    assert "external_id B" in message


@pytest.mark.parametrize("was_read", [True, False])
def test_absent_does_not_depend_on_which_deactivated_users_were_read(was_read: bool) -> None:
    store = (ANA, CLEO) if was_read else (ANA,)
    keys = {"external_id": "A", "email": "cleo@example.org", "state": "absent"}
    assert match(keys, store=store) == [ANA]


@pytest.mark.parametrize("number", [0, 1])
def test_two_desired_users_that_match_one_user_are_errors(number: int) -> None:
    desired: list[dict[str, Any]] = [{"id": 2}, {"email": "ben@example.org"}]
    desired.insert(number, {"id": 1})
    found = match(*desired)
    assert found.pop(number) == ANA
    first, second = (place for place in range(3) if place != number)
    for duplicate in found:
        message = error_of(duplicate)
        assert f"#{first} (id 2) and #{second} (ben@example.org)" in message
        assert "id 2, external_id B" in message


def test_a_deactivated_user_keeps_the_address() -> None:
    found = match(
        {"external_id": "A", "email": "ana.new@example.org", "state": "absent"},
        {"external_id": "N", "email": "ana@example.org"},
    )
    for duplicate in found:
        assert "same user of the store, ana@example.org" in error_of(duplicate)


@pytest.mark.parametrize(("external_id", "expected"), [("N", None), ("B", BEN)])
def test_an_address_that_is_given_up_does_not_match_its_current_holder(
    external_id: str, expected: CurrentUser | None
) -> None:
    found = match(
        {"external_id": "A", "email": "ana.new@example.org"},
        {"external_id": external_id, "email": "ana@example.org"},
    )
    assert found == [ANA, expected]


def test_an_external_id_cannot_move_to_another_user_in_one_run() -> None:
    # Only addresses can move: an external id identifies a person in the operator's own system.
    found = match(
        {"id": 1, "external_id": "A2", "email": "ana.new@example.org"},
        {"id": 2, "external_id": "A"},
    )
    assert found[0] == ANA
    assert "external_id A" in error_of(found[1])
