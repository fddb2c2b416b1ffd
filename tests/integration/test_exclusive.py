# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users in no list: which are removed, what each guard refuses, and what an approval permits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support import in_process
from support.documentation import INVENTORY, blocks_of, collection
from support.failures import BadCase, check_failures
from support.in_process import ModuleRunner
from support.inventories import connection_of, write_hosts
from support.playbooks import INTERPRETER, PlaybookRunner, TaskRun
from support.variants import Variant, all_variants, describe, hides_admins

READERS: list[dict[str, Any]] = [
    {"email": f"reader{number}@example.org", "external_id": f"reader-{number}"}
    for number in range(10)
]
LEAVERS: list[dict[str, Any]] = [
    {"email": f"leaver{number}@example.org", "external_id": f"leaver-{number}", "open_sessions": 2}
    for number in range(3)
]
NEW: dict[str, Any] = {
    "email": "new@example.org",
    "external_id": "new-1",
    "generate_password": True,
}
UNKNOWN_HASH = "0123456789abcdef"


def _bulk(name: str, **options: Any) -> dict[str, Any]:
    task = {"exclusive": True, **options}
    return {"name": name, "publica.la.publica_user_bulk": task, "ignore_errors": True}


def _dry(name: str, **options: Any) -> dict[str, Any]:
    return {**_bulk(name, **options), "check_mode": True}


def _reviewed(results: dict[str, Any]) -> str:
    """The hash of the plan of the task ``review``."""
    return str(results["review"]["plan"]["hash"])


def _addresses(users: Sequence[dict[str, Any]]) -> set[str]:
    return {user["email"] for user in users}


def _codes(task: TaskRun) -> set[str | None]:
    return {item["error"] and item["error"]["code"] for item in task.result["results"]}


ALL_USERS = _addresses([*READERS, *LEAVERS])


def test_only_the_reviewed_plan_passes(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    rows = [*READERS, NEW]
    tasks = [
        _bulk("refused", users=rows),
        _dry("review", users=rows),
        _dry("review with skip", users=rows, on_guard="skip"),
        _bulk("another plan", users=rows, approve=UNKNOWN_HASH),
        _bulk("another list", users=READERS, approve=_reviewed),
        _bulk("approved", users=rows, approve=_reviewed, max_deactivations="0"),
        _bulk("again", users=rows, approve=_reviewed, max_deactivations="0"),
    ]

    run = modules.tasks(tasks, store)

    refused, review, skipping, other_plan, other_list, approved, again = run.tasks
    for task, code in (
        (refused, "too_many_deactivations"),
        (other_plan, "not_approved"),
        (other_list, "not_approved"),
    ):
        assert task.failed
        assert task.code == task.result["guard"]["code"] == code
        assert task.result["changed"] is False
        assert _codes(task) == {"not_tried"}
        assert task.database.active() == ALL_USERS
        assert len(task.result["diff"]) == len(task.result["results"]) >= len(LEAVERS)
    guard = refused.result["guard"]
    assert (guard["deactivations"], guard["limit"]) == (len(LEAVERS), 1)
    assert all(leaver["email"] in refused.result["msg"] for leaver in LEAVERS)
    approval = f"\napprove: '{review.result['plan']['hash']}'"
    assert refused.result["msg"].endswith(approval)
    assert review.result["guard"]["warning"].endswith(approval)
    assert guard["warning"] is None
    assert review.result["guard"]["warning"] in review.result["warnings"]
    assert {**review.result["guard"], "warning": None} == guard
    assert refused.result["failed_users"] == [NEW]
    for task in (review, skipping):
        assert not task.failed
        assert "3" in task.result["warnings"][0]
    assert review.result["summary"]["deactivated"] == len(LEAVERS)
    assert len({task.result["plan"]["hash"] for task in run.tasks[:4]}) == 1
    assert review.result["plan"] == approved.result["plan"]
    # Before the approval, no request tried to write.
    assert other_list.database.writes_since(refused.database) == []
    assert not approved.failed
    assert approved.result["guard"] is None
    assert approved.database.active() == _addresses(rows)
    assert not again.failed
    assert again.result["changed"] is False
    assert again.database.writes_since(approved.database) == []


def test_skip_applies_all_but_the_removals(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    rows = [*READERS[:8], {**READERS[8], "state": "absent"}, {**READERS[9], "admin": True}, NEW]
    tasks = [
        _bulk("skipped", users=rows, on_guard="skip"),
        _bulk("skipped again", users=rows, on_guard="skip", approve=UNKNOWN_HASH),
        _bulk("raised", users=rows, max_deactivations="3", on_guard="skip"),
    ]

    run = modules.tasks(tasks, store).succeeded()

    skipped, again, raised = run.tasks
    assert not skipped.failed
    assert skipped.result["guard"]["deactivations"] == len(LEAVERS)
    assert len(skipped.result["warnings"]) == 1
    assert skipped.database.active() == (ALL_USERS | {NEW["email"]}) - {READERS[8]["email"]}
    assert skipped.database.user(READERS[9]["email"])["admin"]
    assert again.result["guard"]["code"] == "not_approved"
    assert again.result["changed"] is False
    assert again.database.writes_since(skipped.database) == []
    assert raised.result["guard"] is None
    assert raised.database.active() == skipped.database.active() - _addresses(LEAVERS)


def test_an_approval_without_exclusive(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users(LEAVERS)
    common = {"users": READERS, "exclusive": False, "on_guard": "skip"}
    tasks = [
        _dry("review", **common),
        _bulk("another plan", **{**common, "users": READERS[1:]}, approve=_reviewed),
        _bulk("approved", **common, approve=_reviewed),
        _bulk("again", **common, approve=_reviewed),
    ]

    _review, other, approved, again = modules.tasks(tasks, store).tasks

    assert other.code == "not_approved"
    assert other.result["guard"]["limit"] is None
    assert other.database.active() == _addresses(LEAVERS)
    assert approved.database.active() == ALL_USERS
    assert again.result["changed"] is False


def test_admins_and_protected_users_stay(store: SandboxStore, modules: ModuleRunner) -> None:
    kept = [
        {"email": "Boss@Example.org", "admin": True},
        {"email": "Auditor@Example.ORG"},
        {"email": "guest.one@Partner.example.org"},
    ]
    gone = [
        {"email": "guest@other.example.org", "open_sessions": 2},
        {"email": "auditor2@example.org", "open_sessions": 2},
    ]
    store.add_users([*READERS, *kept, *gone, {"email": "long.gone@example.org", "active": False}])
    options = {
        "users": READERS,
        "protected": ["AUDITOR@example.org", "*.ONE@partner.*"],
        "max_deactivations": "20%",
        "defaults": {"force_logout": True},
    }

    run = modules.tasks([_bulk("removed", **options), _bulk("again", **options)], store)

    removed, again = run.succeeded().tasks
    assert removed.database.active() == _addresses([*READERS, *kept])
    assert removed.result["summary"]["protected"] == len(kept)
    assert removed.result["summary"]["deactivated"] == len(gone)
    assert {tuple(item["actions"]) for item in removed.result["results"]} == {
        ("deactivate", "force_logout")
    }
    for user in gone:
        row = removed.database.user(user["email"])
        assert (row["forced_logouts"], row["open_sessions"]) == (1, 0)
    assert again.result["changed"] is False
    assert again.database.writes_since(removed.database) == []


def test_a_user_with_any_key_of_a_row_stays(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    ids = {user["email"]: user["id"] for user in store.users()}
    rows = [
        {"email": "READER0@Example.org"},
        {"external_id": "reader-1", "email": "renamed@example.org"},
        {"id": ids[READERS[2]["email"]]},
        # The keys of two users: an error, and both stay.
        {"email": READERS[3]["email"], "external_id": "reader-4"},
        *READERS[5:],
    ]

    (task,) = modules.tasks([_bulk("run", users=rows, max_deactivations="100%")], store).tasks

    assert task.code == "users_failed"
    assert task.result["failed_users"] == [rows[3]]
    expected = (_addresses(READERS) - {READERS[1]["email"]}) | {"renamed@example.org"}
    assert task.database.active() == expected


def test_empty_lists_and_bad_options(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users(LEAVERS)
    store.clear_journal()
    modules.write("empty.csv", "")
    modules.write("header.csv", "email,external_id\n")
    removing = {"exclusive": True, "max_deactivations": "100%", "on_guard": "skip"}

    def case(name: str, *fields: str, code: str = "invalid_input", **options: Any) -> BadCase:
        return BadCase(name, "publica_user_bulk", {**removing, **options}, code, fields)

    cases = [
        case("empty list", code="empty_list", users=[]),
        case("empty file", "empty.csv", src="empty.csv"),
        case("only a header", "header.csv", src="header.csv"),
        case(
            "all errors together",
            *("lookup", "max_deactivations", "approve", "protected[1]", "users[0].email"),
            users=[{"email": "ana"}],
            lookup="search",
            max_deactivations="lots",
            approve="yesterday",
            protected=["a@example.org", ""],
        ),
        case("too much", "max_deactivations", users=READERS, max_deactivations="150%"),
        case("negative", "max_deactivations", users=READERS, max_deactivations="-1"),
        case("empty approval", "approve", users=READERS, approve=""),
    ]
    tasks = [*(case.task() for case in cases), cases[0].task(name="dry run", check_mode=True)]

    run = modules.tasks(tasks, store)

    check_failures(run, cases)
    assert run.named("dry run").code == "empty_list"
    assert store.journal() == []
    assert len(store.users(active=True)) == len(LEAVERS)


@pytest.mark.parametrize(
    "variant",
    [
        {"page_ignored": True},
        {"shift_between_pages": "delete", "list_order": "oldest", "paginator": "full"},
    ],
    ids=describe,
)
def test_an_incomplete_listing_removes_no_user(
    variant: Variant, store: SandboxStore, modules: ModuleRunner
) -> None:
    # Another client deactivates the users at the head of the list between the pages.
    store.add_users({"email": f"head{number}@example.org"} for number in range(10))
    store.generate_users(120)
    store.add_users([*READERS, *LEAVERS])
    store.configure(**variant)
    options = {"users": [*READERS, NEW], "max_deactivations": "100%"}
    tasks = [
        _dry("review", **options),
        _bulk("refused", **options, approve=_reviewed),
        _bulk("skipped", **options, on_guard="skip"),
    ]

    review, refused, skipped = modules.tasks(tasks, store).tasks

    assert not review.failed
    assert "incomplete_listing" in review.result["warnings"][0]
    assert refused.code == "incomplete_listing"
    assert refused.result["guard"]["limit"] is None
    assert not skipped.failed
    assert skipped.result["guard"]["code"] == "incomplete_listing"
    assert skipped.result["summary"]["created"] == 1
    writes = [(row["endpoint"], row["changed"]) for row in store.journal(writes=True)]
    assert writes == [("create", 1)]
    assert _addresses([*READERS, *LEAVERS, NEW]) <= skipped.database.active()


def test_with_hidden_external_ids_a_new_address_is_no_leaver(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    store.add_users([*READERS, *LEAVERS])
    store.configure(external_id_shown=False)
    moved = {**READERS[0], "email": "moved@example.org", "generate_password": True}
    options = {"max_deactivations": "100%", "report": "all"}
    tasks = [
        _bulk("moved", users=[moved, *READERS[1:]], **options),
        _bulk("hidden key", users=[{"external_id": "reader-0"}, *READERS[1:]], **options),
        _bulk("corrected", users=[*READERS, NEW], **options),
    ]

    by_address, by_hidden_key, corrected = modules.tasks(tasks, store).tasks

    for task in (by_address, by_hidden_key):
        assert task.database.active() == ALL_USERS
        held = task.result["results"][len(READERS) :]
        assert {item["error"]["code"] for item in held} == {"not_tried"}
        assert len(task.result["failed_users"]) == 1
    assert "moved@example.org" in by_address.result["results"][-1]["error"]["message"]
    assert not corrected.failed
    assert corrected.database.active() == _addresses([*READERS, NEW])


def test_a_store_of_several_pages(store: SandboxStore, modules: ModuleRunner) -> None:
    store.generate_users(250, admins=2, deactivated=30)
    users = store.users(active=True)
    listed = [{"email": user["email"], "external_id": user["external_id"]} for user in users[20:]]
    gone = [user for user in users[:20] if not user["admin"]]
    start = modules.copy(store)

    (task,) = modules.tasks([_bulk("run", users=listed)], store).succeeded().tasks

    assert task.database.active() == _addresses([user for user in users if user not in gone])
    requests = task.database.requests_since(start)
    pages = [row for row in requests if not row["write"]]
    assert len(pages) == 3
    assert len(requests) == len(pages) + len(gone)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("variant", all_variants())
def test_no_variant_removes_a_user_who_is_to_stay(variant: Variant, store: SandboxStore) -> None:
    store.add_users({"email": f"head{number}@example.org"} for number in range(10))
    admin = {"email": "boss@example.org", "admin": True}
    former = {"email": "former@example.org", "active": False}
    store.add_users([admin, former, *READERS, *LEAVERS])
    store.configure(**variant)
    options = {"exclusive": True, "max_deactivations": "100%", "protected": ["LEAVER0@*"]}

    result = in_process.bulk(store, READERS, **options)

    active = _addresses(store.users(active=True))
    stay = _addresses([*READERS, admin, LEAVERS[0]])
    assert stay <= active
    shift = variant.get("shift_between_pages", "none")
    if "failure" in result:
        assert variant.get("page_ignored") or shift != "none"
        assert result["failure"]["code"] == "incomplete_listing"
        assert [row for row in store.journal(writes=True) if row["changed"]] == []
        return
    if hides_admins(variant):
        assert result["changed"] is False
    elif shift == "none":
        assert active == stay
        assert result["summary"]["protected"] == 2
    store.clear_journal()
    again = in_process.bulk(store, READERS, **options)
    if shift == "none":
        assert again["changed"] is False
        assert store.journal(writes=True) == []


def test_failed_users_can_be_given_again(store: SandboxStore, modules: ModuleRunner) -> None:
    table = "email,external_id,sessions_limit,generate_password\n" + "".join(
        f"{user['email']},{user['external_id']},{number},yes\n"
        for number, user in enumerate(READERS[5:])
    )
    modules.write("readers.csv", table)
    secret = "Correct-Horse-9"
    bad = {**NEW, "plan_id": 999, "password": secret}
    rows = [READERS[0], bad, *READERS[1:5]]
    options = {"exclusive": False, "defaults": {"sessions_limit": 3, "plan_admin": False}}

    def rest_of(results: dict[str, Any]) -> list[dict[str, Any]]:
        return [user for user in results["stopped"]["failed_users"] if "plan_id" not in user]

    tasks = [
        _bulk(
            "stopped",
            users=rows,
            src="readers.csv",
            on_error="stop",
            concurrency=1,
            report="summary",
            **options,
        ),
        _bulk("the rest", users=rest_of, **options),
        _bulk("no failure", users=READERS, **options),
    ]

    run = modules.tasks(tasks, store)

    stopped, rest, complete = run.tasks
    assert stopped.database.active() == {READERS[0]["email"]}
    failed = stopped.result["failed_users"]
    assert failed[0] == {**NEW, "plan_id": 999}
    assert failed[1:5] == READERS[1:5]
    assert [user["sessions_limit"] for user in failed[5:]] == [0, 1, 2, 3, 4]
    assert stopped.result["results"] == []
    assert not rest.failed
    assert rest.database.active() == _addresses(READERS)
    limits = [rest.database.user(user["email"])["sessions_limit"] for user in READERS]
    assert limits == [3, 3, 3, 3, 3, None, 1, 2, 3, 4]
    assert rest.result["failed_users"] == complete.result["failed_users"] == []
    assert secret not in run.output


# The role, and the pipeline of the documentation.

PAGE = collection() / "docs" / "removals.md"


def test_the_role_passes_the_options_on(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    variables = {
        **connection_of(store),
        "publica_users_desired": READERS,
        "publica_users_exclusive": True,
        "publica_users_protected": ["LEAVER0@*"],
        "publica_users_max_deactivations": 1,
        "publica_users_on_guard": "skip",
    }
    inventory = write_hosts(runner, {"press": variables})

    skipped = runner.playbook("publica.la.provision", inventory).succeeded()
    (task,) = skipped.of_module("publica_user_bulk")
    assert _addresses(store.users(active=True)) == ALL_USERS
    *_, line = task.result["guard"]["message"].split("\n")
    assert line in skipped.output
    approve = line.split()
    runner.playbook("publica.la.provision", inventory, arguments=approve).succeeded()

    assert _addresses(store.users(active=True)) == _addresses([*READERS, LEAVERS[0]])


def test_a_refusal_is_short_on_the_terminal(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.generate_users(200)
    variables = {
        **connection_of(store),
        "publica_users_desired": READERS,
        "publica_users_exclusive": True,
        "publica_users_report_dir": str(runner.directory / "reports"),
    }
    run = runner.playbook(
        "publica.la.provision", write_hosts(runner, {"press": variables})
    ).failed()

    (task,) = run.of_module("publica_user_bulk")
    assert task.code == "too_many_deactivations"
    assert len(run.output) < 8_000
    report = json.loads((runner.directory / "reports" / "report.json").read_text(encoding="utf-8"))
    users = len(READERS) + task.result["guard"]["deactivations"]
    assert len(report["changes"]) == report["totals"]["not_tried"] == users > 190


@pytest.mark.full
def test_the_pipeline_of_the_documentation(store: SandboxStore, runner: PlaybookRunner) -> None:
    [block] = [block for block in blocks_of(PAGE) if block.kind == INVENTORY]
    inventory = runner.write(
        "stores.yml", block.text.replace("https://example.publica.la", store.base_url)
    )
    variables = {"publica_api_token": store.token, "publica_python_interpreter": INTERPRETER}
    arguments = ["--extra-vars", json.dumps(variables)]
    provision = "publica.la.provision"
    partner = {"email": "Pia@Partner.example.org"}
    ana = {"email": "ana@example.org", "external_id": "staff-1001"}
    store.add_users([ana, *LEAVERS, partner])

    reviewed = runner.playbook(
        provision, inventory, arguments=[*arguments, "--check", "--diff"]
    ).succeeded()
    [planned] = (task.result for task in reviewed.of_module("publica_user_bulk"))
    removed = {item["email"] for item in planned["results"] if "deactivate" in item["actions"]}
    assert removed == _addresses(LEAVERS)
    assert planned["guard"]["code"] == "too_many_deactivations"
    assert all(leaver["email"] in reviewed.output for leaver in LEAVERS)
    assert store.journal(writes=True) == []
    arguments += ["--extra-vars", f"publica_users_approve={planned['plan']['hash']}"]

    # A user who signs up between review and approval changes the plan.
    late = store.add_user("late@example.org")
    refused = runner.playbook(provision, inventory, arguments=arguments).failed()
    (task,) = refused.of_module("publica_user_bulk")
    assert task.code == "not_approved"
    assert "late@example.org" in task.result["msg"]
    assert store.journal(writes=True) == []

    store.change_user(late["id"], active=False)
    applied = runner.playbook([provision, provision], inventory, arguments=arguments).succeeded()
    first, again = (task.result for task in applied.of_module("publica_user_bulk"))
    assert first["plan"]["hash"] == planned["plan"]["hash"]
    assert first["summary"] == planned["summary"]
    assert _addresses(store.users(active=True)) == {
        "ana@example.org", "bruno@example.org", partner["email"],
    }  # fmt: skip
    assert again["changed"] is False
    assert again["plan"]["requests"] == 0
