# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Current users by each of their keys."""

from __future__ import annotations

from ansible_collections.publica.la.plugins.module_utils.store.user import UserIndex, address_key
from ansible_collections.publica.la.tests.unit.support.builders import current_user


def test_a_user_is_found_by_every_key() -> None:
    user = current_user(5, email="Ana@Example.org")
    index = UserIndex([user])
    assert index.by_id[5] is user
    assert index.by_external_id["ext-5"] is user
    assert index.by_address[address_key(" ANA@example.ORG ")] is user


def test_a_newer_record_takes_its_former_keys_along() -> None:
    index = UserIndex([current_user(5)])
    newer = current_user(5, email="new@example.org", external_id="new")
    index.add(newer)
    assert list(index.by_address.values()) == list(index.by_external_id.values()) == [newer]


def test_a_key_that_passed_on_stays_with_its_new_holder() -> None:
    # Read while addresses were handed on: 2 has 1's address before 1's newer record comes.
    index = UserIndex([current_user(1), current_user(2, email="user1@example.org")])
    index.add(current_user(1, email="new@example.org"))
    assert index.by_address["user1@example.org"].id == 2


def test_of_two_holders_of_one_address_the_active_one_is_meant() -> None:
    active = current_user(1, email="ana@example.org")
    gone = current_user(2, email="ana@example.org", external_id=None, active=False)
    for order in ([active, gone], [gone, active]):
        assert UserIndex(order).by_address["ana@example.org"] is active


def test_nobody_is_found_by_no_address() -> None:
    assert UserIndex([current_user(5, email="")]).by_address == {}


def test_whether_external_ids_are_told_is_unknown_until_somebody_was_read() -> None:
    index = UserIndex()
    assert index.returns_external_id is None
    index.add(current_user(1, external_id=None, returns_external_id=False))
    assert index.returns_external_id is False
    index.add(current_user(2))
    assert index.returns_external_id is True
