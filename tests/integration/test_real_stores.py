# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real stores hold beyond the documentation's examples (variants 20 to 28)."""

from __future__ import annotations

from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.in_process import ModuleRunner
from support.playbooks import TaskRun

ANA: dict[str, Any] = {"email": "ana@example.org", "external_id": "staff-1"}
BEN: dict[str, Any] = {"email": "ben@example.org", "external_id": "staff-2"}
END = "2031-12-31"


def _bulk(name: str, *users: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
    task = {"users": list(users), **options}
    module = "publica.la.publica_user_bulk"
    return {"name": name, module: task, "check_mode": check, "ignore_errors": True}


def _runs(
    modules: ModuleRunner, store: SandboxStore, *tasks: dict[str, Any]
) -> tuple[TaskRun, ...]:
    return tuple(modules.tasks(tasks, store).tasks)


@pytest.mark.parametrize(
    ("plan_end", "assignments", "shown"),
    [("kept", 1, None), ("dropped_for_recurring", 1, "no end"), ("own", 2, "until ")],
)
def test_a_plan_is_not_assigned_at_every_run(
    store: SandboxStore, modules: ModuleRunner, plan_end: str, assignments: int, shown: str | None
) -> None:
    months = {"duration_months": 6} if plan_end == "own" else {"type": "recurring"}
    plan_id = store.add_plan("Campus", **months)
    store.configure(plan_end=plan_end)
    store.add_user(**ANA)
    row = {**ANA, "plan_id": plan_id, "plan_valid_to": END}

    runs = _runs(modules, store, *(_bulk(f"run {number}", row) for number in range(4)))

    assert not any(run.failed for run in runs)
    user_id = store.user(email=ANA["email"])["id"]
    assert len(store.plans_of(user_id)) == assignments
    assert [run.result["changed"] for run in runs[assignments:]] == [False] * (4 - assignments)
    warnings = runs[-1].result.get("warnings", [])
    if shown is None:
        assert warnings == []
    else:
        [warning] = warnings
        for part in (ANA["email"], f"plan {plan_id}", shown, END):
            assert part in warning


@pytest.mark.parametrize("where", ["row", "order"])
def test_the_state_of_an_order_decides_whether_its_plan_is_held(
    store: SandboxStore, modules: ModuleRunner, where: str
) -> None:
    store.configure(plan_status=where)
    plan_id = store.add_plan("Campus")
    held = ("pending", "approved", "active", "paused", "frozen")
    ended = ("cancelled", "refunded", "expired", "error", "dispute_lost")
    users = [{"email": f"{state}@example.org", "external_id": state} for state in (*held, *ended)]
    store.add_users(
        {**user, "plans": [{"plan_id": plan_id, "status": user["external_id"]}]} for user in users
    )
    rows = [{**user, "plan_id": plan_id} for user in users]

    first, second = _runs(modules, store, _bulk("first", *rows), _bulk("second", *rows))

    assert {item["external_id"] for item in first.result["results"]} == set(ended)
    assert {tuple(item["actions"]) for item in first.result["results"]} == {("assign_plan",)}
    [warning] = second.result["warnings"]
    assert "frozen@example.org" in warning
    assert second.result["changed"] is False


def test_a_plan_with_a_past_end_is_not_assigned(store: SandboxStore, modules: ModuleRunner) -> None:
    plan_id = store.add_plan("Campus")
    store.add_user(**ANA)
    rows = [{**user, "plan_id": plan_id, "plan_valid_to": "2020-12-31"} for user in (ANA, BEN)]
    dry, run, again = _runs(
        modules, store, _bulk("dry run", *rows, check=True), _bulk("run", *rows), _bulk("2", *rows)
    )
    for task, created in ((dry, 1), (run, 1), (again, 0)):
        summary = task.result["summary"]
        assert (summary["created"], summary["updated"], summary["failed"]) == (created, 0, 0)
        [warning] = task.result["warnings"]
        assert ANA["email"] in warning
        assert BEN["email"] in warning
    assert all(store.plans_of(user["id"]) == [] for user in store.users())


SPECIAL: dict[str, dict[str, Any]] = {
    "plan_admin": {"plan_admin": True},
    "institution": {"ip_ranges": ["192.0.2.0/24"]},
    "anonymized": {"anonymized": True},
    "not_editable": {"can_be_edited": False},
}


@pytest.mark.parametrize("anonymized_email", ["null", "replaced"])
def test_special_accounts_are_never_leavers(
    store: SandboxStore, modules: ModuleRunner, anonymized_email: str
) -> None:
    store.configure(anonymized_email=anonymized_email, paginator="full")
    store.add_users([ANA, {"email": "leaver@example.org", "external_id": "leaver"}])
    for name, values in SPECIAL.items():
        store.add_user(f"{name}@example.org", external_id=name, **values)
    options = {"exclusive": True, "max_deactivations": "100%", "report": "all"}

    dry, run, again = _runs(
        modules,
        store,
        _bulk("dry run", ANA, check=True, **options),
        _bulk("run", ANA, **options),
        _bulk("again", ANA, **options),
    )

    for task, deactivated in ((dry, 1), (run, 1), (again, 0)):
        assert not task.failed
        summary = task.result["summary"]
        assert (summary["deactivated"], summary["protected"]) == (deactivated, len(SPECIAL))
        kept = task.result["kept"]
        assert {reason: entry["count"] for reason, entry in kept.items()} == dict.fromkeys(
            SPECIAL, 1
        )
        assert kept["institution"]["users"] == ["institution@example.org"]
        warnings = task.result["warnings"]
        assert len(warnings) == len(SPECIAL)
        assert any("institution@example.org" in warning for warning in warnings)
    gone = [user["external_id"] for user in store.users(active=False)]
    assert gone == ["leaver"]


@pytest.mark.parametrize("put", ["merge", "replace"])
@pytest.mark.parametrize("left_out", ["admin", "all"])
def test_attributes_that_a_list_leaves_out_are_not_overwritten(
    store: SandboxStore, modules: ModuleRunner, left_out: str, put: str
) -> None:
    store.configure(list_leaves_out=left_out, put=put)
    rights = {"admin": True, "plan_admin": True, "only_sees_readable": True}
    store.add_user(**ANA, **rights, sessions_limit=3)
    unknown = ["admin"] if left_out == "admin" else [*rights, "sessions_limit"]
    given = {"admin": True, "plan_admin": True, "only_sees_readable": True, "sessions_limit": 3}
    new = {**BEN, **{name: given[name] for name in unknown}, "generate_password": True}
    renamed = {**ANA, "email": "ana.new@example.org"}

    created, again, refused, sent = _runs(
        modules,
        store,
        _bulk("create", new),
        _bulk("again", new),
        _bulk("refused", renamed),
        _bulk("sent", {**renamed, **given}),
    )

    assert created.result["summary"]["created"] == 1
    assert all(store.user(email=BEN["email"])[name] for name in unknown)
    assert again.result["changed"] is False
    [warning] = again.result["warnings"]
    assert all(name in warning for name in (BEN["email"], *unknown))
    assert refused.code == "users_failed"
    [item] = refused.result["results"]
    assert (item["error"]["code"], list(item["error"]["fields"])) == ("incomplete", unknown)
    assert refused.database.writes_since(again.database) == []
    assert not sent.failed
    ana = store.user(email="ana.new@example.org")
    assert {name: ana[name] for name in given} == given


def test_accounts_that_can_not_be_changed_fail_alone(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    long_id = "x" * 65
    locked, gone, nameless, endless = store.add_users(
        [
            {"email": "locked@example.org", "external_id": "locked", "can_be_edited": False},
            {"email": "gone@example.org", "external_id": "gone", "anonymized": True},
            {"email": None, "external_id": "nameless"},
            {"email": "endless@example.org", "external_id": long_id},
        ]
    )
    limit = {"sessions_limit": 2}
    rows = [
        {"external_id": "locked", **limit},
        {"external_id": "gone", **limit},
        {"external_id": "nameless", **limit},
        {"email": "endless@example.org", **limit},
        {**ANA, "generate_password": True, **limit},
    ]

    run, repaired = _runs(
        modules,
        store,
        _bulk("run", *rows),
        _bulk(
            "repaired",
            {"id": nameless, "external_id": "nameless", "email": "named@example.org", **limit},
            {"id": endless, "external_id": "short", **limit},
        ),
    )

    results = {item["id"]: item for item in run.result["results"]}
    codes = {number: item["error"] and item["error"]["code"] for number, item in results.items()}
    new = store.user(email=ANA["email"])["id"]
    assert codes == {
        locked: "forbidden",
        gone: "anonymized",
        nameless: "incomplete",
        endless: "incomplete",
        new: None,
    }
    assert "64 characters" in results[endless]["error"]["message"]
    assert [request["method"] for request in store.journal(writes=True)] == ["POST", "PUT", "PUT"]
    assert not repaired.failed
    assert store.user(id=endless)["external_id"] == "short"
    assert store.user(id=nameless)["email"] == "named@example.org"


def test_an_id_that_a_spreadsheet_changed_causes_a_warning(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    store.add_users({"email": f"{n}@example.org", "external_id": f"000{n}"} for n in range(1, 4))
    rows = [{"email": f"{n}@example.org", "external_id": str(n)} for n in range(1, 4)]
    [run] = _runs(modules, store, _bulk("dry run", *rows, check=True))
    [warning] = run.result["warnings"]
    assert "1@example.org (from 0001 to 1)" in warning
    assert "leading zeros" in warning
