# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of users under every reading of the API: each value alone, and every two together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, count, product
from typing import Any

import pytest
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore
from support.readings import (
    ELSEWHERE,
    VALUES,
    Reading,
    describe,
    paired_readings,
    single_readings,
)
from support.short_life import DEACTIVATED, LOOK_ALIKES, Rows, Stage, background, stages
from support.truth_at import differences

from support import in_process

Provision = Callable[[SandboxStore, Rows], "list[dict[str, Any]]"]


def one_by_one(store: SandboxStore, rows: Rows) -> list[dict[str, Any]]:
    """A task of publica_user for each row."""
    return [in_process.user(store, row) for row in rows]


def all_at_once(store: SandboxStore, rows: Rows) -> list[dict[str, Any]]:
    """One task of publica_user_bulk."""
    return [in_process.bulk(store, rows)]


# Why not stands with LISTS.
CANNOT_MEET = {
    (("list_order", "newest"), ("shift_between_pages", "delete")),
    (("per_page_max", 7), ("shift_between_pages", "delete")),
}

# A list that is read without end would otherwise stop the whole suite.
pytestmark = pytest.mark.timeout(120)

both_modules = pytest.mark.parametrize("provision", [one_by_one, all_at_once])


@both_modules
@pytest.mark.parametrize("reading", single_readings(), ids=describe)
def test_each_reading_alone(reading: Reading, provision: Provision, store: SandboxStore) -> None:
    _live(store, reading, provision)


@both_modules
@pytest.mark.parametrize("reading", paired_readings(), ids=map(str, count()))
def test_every_two_readings_together(
    reading: Reading, provision: Provision, store: SandboxStore
) -> None:
    _live(store, reading, provision)


def test_only_switches_that_there_are_are_left_to_other_tests() -> None:
    assert set(ELSEWHERE) <= set(Switches.model_fields)


def test_every_two_values_meet() -> None:
    met = {pair for reading in paired_readings() for pair in combinations(reading.items(), 2)}
    met |= {(second, first) for first, second in met}

    for (first, ones), (second, others) in combinations(VALUES.items(), 2):
        missing = {((first, one), (second, other)) for one, other in product(ones, others)} - met
        assert missing <= CANNOT_MEET, missing


def _live(store: SandboxStore, reading: Reading, provision: Provision) -> None:
    store.generate_users(background(reading) + DEACTIVATED, deactivated=DEACTIVATED)
    store.add_users(LOOK_ALIKES)
    store.configure(**reading)
    for stage in stages(reading):
        _prove(store, stage, provision, quiet_again=reading.get("shift_between_pages") != "delete")
    for stranger in LOOK_ALIKES:
        assert differences(stranger, store.user(email=stranger["email"])) == {}


def _prove(store: SandboxStore, stage: Stage, provision: Provision, *, quiet_again: bool) -> None:
    first = provision(store, stage.rows)
    _prove_held(store, stage, first)
    store.clear_journal()

    again = provision(store, stage.rows)

    _prove_held(store, stage, again)
    assert not any(result["changed"] for result in again), f"{stage.name}, again: {again}"
    writes = store.journal(writes=True)
    assert [row for row in writes if row["changed"]] == [], f"{stage.name}, again"
    if quiet_again:
        # Where somebody deactivates users while the list is read, a page may lack one of ours. The
        # store then refuses to create the account again, and it is left as it is.
        assert writes == [], f"{stage.name}, again"


def _prove_held(store: SandboxStore, stage: Stage, results: Sequence[Mapping[str, Any]]) -> None:
    failures = [result["msg"] for result in results if result.get("failed")]
    assert failures == [], stage.name
    for external_id, expected in stage.holds.items():
        row = store.user(external_id=external_id)
        assert differences(expected, row) == {}, f"{stage.name}: {external_id}"
    for external_id, expected_plans in stage.plans.items():
        row = store.user(external_id=external_id)
        held = [plan["plan_id"] for plan in store.plans_of(row["id"])]
        assert held == list(expected_plans), f"{stage.name}: {external_id}"
    warnings = [warning for result in results for warning in result.get("warnings", [])]
    if stage.warns is not None:
        assert any(stage.warns in warning for warning in warnings), f"{stage.name}: {warnings}"
