# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine as a full matrix, from the desired user to the requests and to the second run.

State, presence at the store, managed option, difference, wish for a logout and check mode are all
crossed; what has to come out is told by the table in ``support/rules.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.rules import RECORD, Case, all_cases
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

CASES = [pytest.param(case, id=str(case)) for case in all_cases()]


def run(store: FakeStore, case: Case, *, check: bool) -> AppliedUser:
    provisioned = provision(api_on(store, read_only=check), desired_users([case.desired]))
    [applied] = provisioned.applied
    assert applied.error is None
    return applied


def store_of(case: Case) -> FakeStore:
    stored = case.stored()
    return FakeStore(*([stored] if stored else []))


def told(applied: AppliedUser, case: Case) -> dict[str, Any] | None:
    """What a result tells of the attributes that the case knows."""
    if applied.user is None or case.after is None:
        return None
    return {name: getattr(applied.user, name) for name in case.after}


def held(store: FakeStore, case: Case) -> dict[str, Any] | None:
    """The store's own truth, of the same attributes."""
    if case.after is None:
        return None if store.users == {} else {}
    [user] = store.users.values()
    known = {name: getattr(user, name) for name in RECORD if name in case.after}
    return {**known, "active": not user.deactivated}


def sent(store: FakeStore) -> list[tuple[str, str, Any]]:
    return [(call.method, call.path, call.body) for call in store.writes]


@pytest.mark.parametrize("case", CASES)
def test_a_run_does_exactly_what_the_rules_ask_for(case: Case) -> None:
    store = store_of(case)
    applied = run(store, case, check=False)
    assert applied.actions == case.actions
    assert applied.changed is bool(case.actions)
    assert sent(store) == case.requests
    assert told(applied, case) == case.after
    assert held(store, case) == case.after


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_has_nothing_left_to_do(case: Case) -> None:
    store = store_of(case)
    run(store, case, check=False)
    store.forget_calls()
    again = run(store, case, check=False)
    if case.row.always and case.state != "absent":
        # A password cannot be compared, so who asks for ``always`` gets it always.
        logout = ("force_logout",) * (case.force_logout and case.active_after)
        assert again.actions == ("set_password", *logout)
        return
    assert again.actions == ()
    assert store.writes == []


@pytest.mark.parametrize("case", CASES)
def test_check_mode_foresees_the_run_and_writes_nothing(case: Case) -> None:
    store = store_of(case)
    foreseen = run(store, case, check=True)
    assert store.writes == []
    done = run(store_of(case), case, check=False)
    assert foreseen.actions == done.actions == case.actions
    assert foreseen.warnings == done.warnings
    assert told(foreseen, case) == told(done, case) == case.after
