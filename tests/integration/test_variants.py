# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short lifecycle in every API variant, with both modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support import in_process
from support.accounts import accounts_of
from support.database import differences
from support.in_process import MODULES, SINGLE
from support.oracle import Prediction, oracle_for
from support.short_lifecycle import (
    ANA,
    BRUNO,
    CARLA,
    LOOK_ALIKES,
    OTHERS,
    Rows,
    Stage,
    fill,
    stages,
)
from support.variants import Variant, all_variants

DECLARED = {user["external_id"] for user in (ANA, BRUNO, CARLA)}


def _provision(store: SandboxStore, rows: Rows, module: str) -> list[dict[str, Any]]:
    if module == SINGLE:
        return [in_process.user(store, row) for row in rows]
    return [in_process.bulk(store, rows)]


# Without it, a listing without end would stop the suite.
@pytest.mark.timeout(120)
@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("variant", all_variants())
def test_a_lifecycle(variant: Variant, module: str, store: SandboxStore) -> None:
    fill(store, variant, LOOK_ALIKES)
    others = [store.user(id=number) for number in store.add_users(OTHERS)]
    oracle, logouts = oracle_for(variant), 0
    for stage in stages(variant):
        # Variant 20: an end that is not kept needs a second assignment to be noticed.
        for _run in range(2 if variant.get("plan_end") == "own" else 1):
            predicted = oracle.predict(accounts_of(store), stage.rows)
            results = _provision(store, stage.rows, module)
            _check(store, stage, predicted, results)
            logouts += sum("force_logout" in each.actions for each in predicted.outcomes)
        store.clear_journal()

        again = _provision(store, stage.rows, module)

        _check(store, stage, predicted, again)
        assert not any(result["changed"] for result in again), f"{stage.name}, again: {again}"
        writes = store.journal(writes=True)
        assert [row for row in writes if row["changed"]] == [], f"{stage.name}, again"
        if variant.get("shift_between_pages") != "delete":
            # Otherwise a listing may lack one of these users; the store then refuses to create the
            # account again, which is left as it is.
            assert writes == [], f"{stage.name}, again"
    for user in (ANA, BRUNO, CARLA):
        assert store.user(external_id=user["external_id"])["password_changes"] == 1
    # Variant 26: where no difference is seen, no session ends.
    assert logouts == (0 if variant.get("list_leaves_out") == "all" else 1)
    assert store.user(external_id=ANA["external_id"])["forced_logouts"] == logouts
    for stranger in LOOK_ALIKES:
        assert differences(stranger, store.user(email=stranger["email"])) == {}
    assert [store.user(id=user["id"]) for user in others] == others


def _check(
    store: SandboxStore, stage: Stage, predicted: Prediction, results: Sequence[Mapping[str, Any]]
) -> None:
    assert [result["msg"] for result in results if result.get("failed")] == [], stage.name
    found, expected = (
        {each.external_id: each.likeness() for each in accounts if each.external_id in DECLARED}
        for accounts in (accounts_of(store), predicted.accounts)
    )
    assert found == expected, stage.name
    warnings = [warning for result in results for warning in result.get("warnings", [])]
    if stage.warns is not None:
        assert any(stage.warns in warning for warning in warnings), f"{stage.name}: {warnings}"
