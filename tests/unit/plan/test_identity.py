# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a desired user is: by id, else external id, else address; and when that is refused."""

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


STORE = (ANA, BEN, CLEO)


def match(*desired: dict[str, Any], store: tuple[CurrentUser, ...] = STORE) -> list[Match]:
    return match_users([DesiredUser(**keys) for keys in desired], UserIndex(store))


def match_one(store: tuple[CurrentUser, ...] = STORE, **keys: Any) -> Match:
    return match(keys, store=store)[0]


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
        pytest.param({"email": "cleo@example.org"}, CLEO, id="a deactivated user"),
        pytest.param({"id": 2, "email": "new@example.org"}, BEN, id="id before a new address"),
        pytest.param({"id": 2, "external_id": "new"}, BEN, id="id before a new external id"),
        pytest.param(
            {"external_id": "B", "email": "new@example.org"}, BEN, id="external id before address"
        ),
        pytest.param(
            {"external_id": "new", "email": "ben@example.org"}, BEN, id="address, new external id"
        ),
        pytest.param({"external_id": "b"}, None, id="an external id has its case"),
        pytest.param({"email": "ben@example.or"}, None, id="a part of an address is none"),
        pytest.param({"email": "new@example.org", "external_id": "N"}, None, id="nobody yet"),
        pytest.param({"id": 99, "state": "absent"}, None, id="absent with an unknown id"),
    ],
)
def test_the_strongest_key_that_is_known_decides(
    keys: dict[str, Any], expected: CurrentUser | None
) -> None:
    assert match_one(**keys) == expected


@pytest.mark.parametrize(
    ("keys", "other"),
    [
        pytest.param({"id": 1, "external_id": "B"}, BEN, id="id and external id"),
        pytest.param({"id": 1, "email": "ben@example.org"}, BEN, id="id and address"),
        pytest.param({"external_id": "A", "email": "BEN@example.org"}, BEN, id="ext and address"),
        pytest.param({"external_id": "A", "email": "cleo@example.org"}, CLEO, id="a deactivated"),
        pytest.param({"id": 1, "email": "ben@example.org", "state": "absent"}, BEN, id="absent"),
        pytest.param(
            {"id": 1, "external_id": "C", "email": "ben@example.org", "state": "absent"},
            BEN,
            id="absent, beside a deactivated",
        ),
    ],
)
def test_keys_of_two_users_are_refused_and_both_are_named(
    keys: dict[str, Any], other: CurrentUser
) -> None:
    message = error_of(match_one(**keys))
    for user in (ANA, other):
        assert user.email in message
        assert f"id {user.id}" in message


def test_an_unknown_id_is_an_error_since_the_store_chooses_ids() -> None:
    assert "99" in error_of(match_one(id=99, email="new@example.org", external_id="N"))


def test_an_error_tells_who_is_deactivated() -> None:
    message = error_of(match_one(id=1, external_id="C"))
    assert "cleo@example.org (id 3, external_id C, deactivated)" in message
    assert "ana@example.org (id 1, external_id A)" in message


@pytest.mark.parametrize("known", [{"email": "ben@example.org"}, {"external_id": "B"}])
def test_an_absent_unknown_id_beside_another_key_that_is_known_is_refused(
    known: dict[str, Any],
) -> None:
    message = error_of(match_one(id=99, state="absent", **known))
    assert "99" in message
    assert BEN.email in message


def test_nobody_is_deactivated_who_has_taken_over_an_address() -> None:
    message = error_of(match_one(email="ben@example.org", external_id="left", state="absent"))
    assert "left" in message
    assert "external_id B" in message


def test_absent_with_an_agreeing_or_unknown_external_id_is_matched() -> None:
    silent = current_user(2, email="ben@example.org", external_id=None, returns_external_id=False)
    keys: dict[str, Any] = {"email": "ben@example.org", "external_id": "B", "state": "absent"}
    assert match_one(**keys) == BEN
    assert match_one(store=(silent,), **keys) == silent


def test_absent_is_content_with_a_deactivated_holder_of_the_address() -> None:
    # Nobody can be locked out any more, so there is nothing to refuse.
    found = match_one(email="cleo@example.org", external_id="left", state="absent")
    assert not isinstance(found, PublicaError)


@pytest.mark.parametrize("was_read", [True, False])
def test_what_absent_means_does_not_depend_on_which_deactivated_users_were_read(
    was_read: bool,
) -> None:
    store = (ANA, CLEO) if was_read else (ANA,)
    found = match_one(store=store, external_id="A", email="cleo@example.org", state="absent")
    assert found == ANA


def test_two_desired_users_that_are_one_user_are_both_refused() -> None:
    found = match({"id": 2}, {"email": "ana@example.org"}, {"email": "ben@example.org"})
    assert found[1] == ANA
    for double in (found[0], found[2]):
        message = error_of(double)
        assert "#0 (id 2)" in message
        assert "#2 (ben@example.org)" in message
        assert "id 2, external_id B" in message


def test_doubles_are_found_behind_those_who_are_none() -> None:
    found = match({"id": 1}, {"id": 2}, {"email": "ben@example.org"})
    assert found[0] == ANA
    assert "#1 (id 2) and #2 (ben@example.org)" in error_of(found[1])


def test_a_leaver_gives_no_address_up() -> None:
    # He keeps it while he is deactivated, so nobody could be created with it.
    found = match(
        {"external_id": "A", "email": "ana.new@example.org", "state": "absent"},
        {"external_id": "N", "email": "ana@example.org"},
    )
    for double in found:
        assert "are the same user of the store, ana@example.org" in error_of(double)


def test_without_external_ids_in_reads_the_address_identifies() -> None:
    silent = current_user(5, email="eve@example.org", external_id=None, returns_external_id=False)
    found = match_one(store=(silent,), email="eve@example.org", external_id="E")
    assert found == silent


def test_an_address_that_is_given_up_names_its_former_holder_no_more() -> None:
    found = match(
        {"external_id": "A", "email": "ana.new@example.org"},
        {"external_id": "N", "email": "ana@example.org"},
    )
    assert found == [ANA, None]


def test_an_address_that_is_given_up_is_no_conflict_for_its_next_holder() -> None:
    found = match(
        {"external_id": "A", "email": "ana.new@example.org"},
        {"external_id": "B", "email": "ana@example.org"},
    )
    assert found == [ANA, BEN]


def test_an_external_id_cannot_be_taken_over_in_one_run() -> None:
    # Only addresses are handed on: an external id names a person in the operator's own system.
    found = match(
        {"id": 1, "external_id": "A2", "email": "ana.new@example.org"},
        {"id": 2, "external_id": "A"},
    )
    assert found[0] == ANA
    assert "external_id A" in error_of(found[1])
