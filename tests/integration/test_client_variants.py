# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores with other paths, refusals and lists of plans (variants 13, 17, 22 and 27)."""

from __future__ import annotations

from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.failures import BadCase, check_failures
from support.in_process import ModuleRunner

USERS = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(14)]
CHANGED = [{**user, "sessions_limit": 2} for user in USERS]
CREATE = "/integration-api/v1/dashboard/users"


def _bulk(name: str, users: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    task = {"users": users, **options}
    return {"name": name, "publica.la.publica_user_bulk": task, "ignore_errors": True}


@pytest.mark.parametrize("form", ["with_slash", "without_slash"])
@pytest.mark.parametrize(
    "refusal", ["redirect", "relative_redirect", "not_found", "method_not_allowed"]
)
def test_users_are_created_by_the_form_that_the_store_has(
    store: SandboxStore, modules: ModuleRunner, form: str, refusal: str
) -> None:
    store.configure(trailing_slash=form, trailing_slash_answer=refusal)
    # One of them is logged out, whose path has no slash in any case.
    rows = [{**USERS[0], "sessions_limit": 1, "force_logout": True}, *USERS[1:4]]
    store.add_user(**USERS[0])

    run = modules.tasks([_bulk("run", rows, concurrency=1)], store).succeeded()

    assert run.named("run").result["summary"]["created"] == 3
    paths = [row["path"] for row in store.journal() if row["method"] == "POST"]
    created = [path for path in paths if "force-logout" not in path]
    documented, other = f"{CREATE}/", CREATE
    assert created == [documented] * 3 if form == "with_slash" else [documented, *[other] * 3]
    assert len(paths) == len(created) + 1


def test_a_redirect_to_another_origin_is_no_form_of_the_path(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    # The other origin reaches the same store, which would show it.
    store.configure(trailing_slash="without_slash", trailing_slash_answer="redirect_elsewhere")
    arguments = {**USERS[0], "lookup": "search"}
    case = BadCase("run", "publica_user", arguments, "redirected", mentions=["localhost"])

    run = modules.tasks([case.task()], store)

    check_failures(run, [case])
    assert store.users() == []
    assert [row["method"] for row in store.journal()].count("POST") == 1


def test_sessions_end_where_no_path_of_force_logout_exists(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    store.configure(force_logout_path="auth_sessions")
    store.add_users([*USERS[:4], {"email": "zoe@example.org", "external_id": "zoe"}])
    logout = {"name": "logout", "publica.la.publica_user_logout": {"external_id": "zoe"}}
    rows = [{**user, "force_logout": True} for user in CHANGED[:4]]

    run = modules.tasks([_bulk("run", rows, concurrency=1), logout], store).succeeded()

    assert [user["forced_logouts"] for user in store.users()] == [1] * 5
    # Two paths are tried once, and the third one for each user.
    assert run.named("run").result["api"]["requests"] == 1 + 4 + 2 + 4


def test_a_user_that_may_not_be_changed_is_no_error_of_the_others(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    # The list does not show that the API may not change the account.
    store.configure(can_be_edited="always_true")
    store.add_users({**user, "can_be_edited": number != 3} for number, user in enumerate(USERS))
    single = {
        "name": "one user",
        "publica.la.publica_user": {**CHANGED[3]},
        "ignore_errors": True,
    }

    run = modules.tasks([_bulk("run", CHANGED), single], store).succeeded()

    result = run.named("run").result
    assert (result["failure"]["code"], result["changed"]) == ("users_failed", True)
    (failed,) = (item for item in result["results"] if item["failed"])
    assert (failed["email"], failed["error"]["code"]) == (USERS[3]["email"], "forbidden")
    assert "can_be_edited" in failed["error"]["message"]
    assert [user["sessions_limit"] for user in store.users()].count(2) == len(USERS) - 1
    assert run.named("one user").code == "forbidden"


@pytest.mark.parametrize("writes", ["update", "all"])
def test_a_token_without_the_right_to_write_ends_the_run(
    store: SandboxStore, modules: ModuleRunner, writes: str
) -> None:
    store.configure(writes_forbidden=writes)
    store.add_users(USERS)

    run = modules.tasks([_bulk("run", CHANGED, concurrency=1)], store)

    result = run.named("run").result
    assert (result["failure"]["code"], result["changed"]) == ("forbidden", False)
    assert "api_token" in result["failure"]["message"]
    assert len(store.journal(writes=True)) == 10
    codes = [item["error"]["code"] for item in result["results"]]
    assert codes == ["forbidden"] * 10 + ["not_tried"] * 4


def test_a_forbidden_creation_ends_the_run_and_keeps_what_was_done(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    store.configure(writes_forbidden="create")
    store.add_users(USERS[:2])

    run = modules.tasks([_bulk("run", CHANGED, concurrency=1)], store)

    result = run.named("run").result
    assert (result["failure"]["code"], result["changed"]) == ("forbidden", True)
    assert result["summary"]["updated"] == 2
    assert [row["status"] for row in store.journal(writes=True)] == [204, 204, 403]


@pytest.mark.parametrize(
    ("plans_list", "is_listed"),
    [("paginator", True), ("list", True), ("not_found", False), ("forbidden", False),
     ("empty", False)],
)  # fmt: skip
def test_a_dry_run_warns_of_a_plan_that_is_not_listed(
    store: SandboxStore, modules: ModuleRunner, plans_list: str, is_listed: bool
) -> None:
    known = [store.add_plan(f"Plan {number}") for number in range(3)]
    hidden = store.add_plan("Hidden", listed=False)
    # Several pages, whose number the store does not report.
    store.configure(plans_list=plans_list, per_page_max=2, paginator="bare")
    rows = [{**user, "plan_id": plan} for user, plan in zip(USERS, [999, *known, hidden, 999])]
    tasks = [
        {**_bulk("many", rows), "check_mode": True},
        {"name": "one", "publica.la.publica_user": rows[0], "check_mode": True},
        {"name": "other", "publica.la.publica_user": rows[1], "check_mode": True},
        {**_bulk("no plan", USERS), "check_mode": True},
    ]

    run = modules.tasks(tasks, store).succeeded()

    warnings = {task.name: " ".join(task.result.get("warnings", [])) for task in run.tasks}
    asked = [row for row in store.journal() if row["endpoint"] == "plans"]
    if not is_listed:
        assert set(warnings.values()) == {""}
        return
    first, sixth = USERS[0]["email"], USERS[5]["email"]
    assert f"{first}, {sixth}: plan_id 999 is not in" in warnings["many"]
    assert f"{USERS[4]['email']}: plan_id {hidden} is not in" in warnings["many"]
    assert f"{first}: plan_id 999 is not in" in warnings["one"]
    assert warnings["other"] == warnings["no plan"] == ""
    # Three pages, and one that shows where the list ends; a plain list has no pages.
    assert len(asked) == 3 * {"paginator": 4, "list": 2}[plans_list]

    store.clear_journal()
    done = modules.tasks([_bulk("run", rows)], store).named("run").result
    assert done["summary"]["created"] == 4
    assert "plan_id 999: The selected" in done["msg"]
    assert "plans" not in {row["endpoint"] for row in store.journal()}
