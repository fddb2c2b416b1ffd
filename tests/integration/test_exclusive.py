# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users in no list: who is removed, what each guard refuses, and what a review lets pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.failures import BadCase, assert_clear
from support.fenced_blocks import INVENTORY, PLAYBOOK, blocks_of
from support.inventories import ALL_VARIABLES
from support.playbook_runner import INTERPRETER, PlaybookRunner, TaskRun
from support.readings import Reading, describe, paired_readings, single_readings

from support import in_process
from support.paths import collection

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


def _bulk(name: str, **options: Any) -> dict[str, Any]:
    task = {"exclusive": True, **options}
    return {
        "name": name,
        "publica.la.publica_user_bulk": task,
        "register": "run",
        "ignore_errors": True,
    }


def _dry(name: str, **options: Any) -> dict[str, Any]:
    return {**_bulk(name, **options), "check_mode": True, "register": "dry"}


def _active(task: TaskRun) -> set[str]:
    return {user["email"] for user in task.truth.users() if user["deleted_at"] is None}


def _addresses(users: Sequence[dict[str, Any]]) -> set[str]:
    return {user["email"] for user in users}


def _codes(task: TaskRun) -> set[str | None]:
    return {item["error"] and item["error"]["code"] for item in task.result["results"]}


EVERYBODY = _addresses([*READERS, *LEAVERS])


def test_only_the_reviewed_plan_passes(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    rows = [*READERS, NEW]
    approve = "{{ dry.plan.hash }}"
    tasks = [
        _bulk("refused", users=rows),
        _dry("review", users=rows),
        _dry("review, though removals would be left out", users=rows, on_guard="skip"),
        _bulk("another plan", users=rows, approve="0123456789abcdef"),
        _bulk("another list", users=READERS, approve=approve),
        _bulk("approved", users=rows, approve=approve, max_deactivations="0"),
        _bulk("again", users=rows, approve=approve, max_deactivations="0"),
    ]

    run = runner.tasks(tasks, store, arguments=["--diff"]).succeeded()

    refused, review, _skipping, other_plan, other_list, approved, again = run.tasks
    for task, code in (
        (refused, "too_many_deactivations"),
        (other_plan, "not_approved"),
        (other_list, "not_approved"),
    ):
        assert task.failed
        assert task.result["failure"]["code"] == task.result["guard"]["code"] == code
        assert task.result["changed"] is False
        assert _codes(task) == {"not_tried"}
        assert _active(task) == EVERYBODY
        assert len(task.result["diff"]) == len(task.result["results"]) >= len(LEAVERS)
    assert "3 users are not in the list" in refused.result["msg"]
    assert "allows 1 (10% of 13 active users)" in refused.result["msg"]
    assert all(leaver["email"] in refused.result["msg"] for leaver in LEAVERS)
    assert refused.result["guard"] == review.result["guard"]
    assert refused.result["failed_users"] == [NEW]
    assert not review.failed
    assert review.result["summary"]["deactivated"] == len(LEAVERS)
    assert len({task.result["plan"]["hash"] for task in run.tasks[:4]}) == 1
    assert review.result["plan"] == approved.result["plan"]
    # Up to the approval, no request has even tried to write.
    assert other_list.truth.writes_since(refused.truth) == []
    assert not approved.failed
    assert approved.result["guard"] is None
    assert _active(approved) == _addresses(rows)
    assert not again.failed
    assert again.result["changed"] is False
    assert again.truth.writes_since(approved.truth) == []
    foretold = [task.result["warnings"] for task in run.tasks[1:3]]
    assert "would refuse this plan" in foretold[0][0]
    assert "would leave out 3 deactivations" in foretold[1][0]


def test_skip_does_everything_but_the_removals(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    rows = [*READERS[:8], {**READERS[8], "state": "absent"}, {**READERS[9], "admin": True}, NEW]
    tasks = [
        _bulk("skipped", users=rows, on_guard="skip"),
        _bulk("skipped again", users=rows, on_guard="skip", approve="0123456789abcdef"),
        _bulk("raised", users=rows, max_deactivations="3", on_guard="skip"),
    ]

    run = runner.tasks(tasks, store).succeeded()

    skipped, again, raised = run.tasks
    assert not skipped.failed
    assert skipped.result["guard"]["deactivations"] == len(LEAVERS)
    assert "Left out 3 deactivations" in skipped.result["warnings"][0]
    assert _active(skipped) == (EVERYBODY | {NEW["email"]}) - {READERS[8]["email"]}
    assert skipped.truth.user(READERS[9]["email"])["admin"]
    assert again.result["guard"]["code"] == "not_approved"
    assert again.result["changed"] is False
    assert again.truth.writes_since(skipped.truth) == []
    assert raised.result["guard"] is None
    assert _active(raised) == _active(skipped) - _addresses(LEAVERS)


def test_an_approval_counts_without_exclusive_too(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users(LEAVERS)
    common = {"users": READERS, "exclusive": False, "on_guard": "skip"}
    tasks = [
        _dry("review", **common),
        _bulk("another plan", **{**common, "users": READERS[1:]}, approve="{{ dry.plan.hash }}"),
        _bulk("approved", **common, approve="{{ dry.plan.hash }}"),
        _bulk("again", **common, approve="{{ dry.plan.hash }}"),
    ]

    run = runner.tasks(tasks, store).succeeded()

    _review, other, approved, again = run.tasks
    assert other.result["failure"]["code"] == "not_approved"
    assert other.result["guard"]["limit"] is None
    assert _active(other) == _addresses(LEAVERS)
    assert _active(approved) == EVERYBODY
    assert again.result["changed"] is False


def test_admins_and_protected_users_stay(store: SandboxStore, runner: PlaybookRunner) -> None:
    kept = [
        {"email": "Boss@Example.org", "admin": True},
        {"email": "Auditor@Example.ORG"},
        {"email": "guest.one@Partner.example.org"},
    ]
    gone = [
        {"email": "guest@other.example.org", "open_sessions": 2, "plan_admin": True},
        {"email": "auditor2@example.org", "open_sessions": 2},
    ]
    store.add_users([*READERS, *kept, *gone, {"email": "long.gone@example.org", "active": False}])
    options = {
        "users": READERS,
        "protected": ["AUDITOR@example.org", "*.ONE@partner.*"],
        "max_deactivations": "20%",
        "defaults": {"force_logout": True},
    }

    run = runner.tasks([_bulk("removed", **options), _bulk("again", **options)], store).succeeded()

    removed, again = run.tasks
    assert _active(removed) == _addresses([*READERS, *kept])
    assert removed.result["summary"]["protected"] == len(kept)
    assert removed.result["summary"]["deactivated"] == len(gone)
    assert {tuple(item["actions"]) for item in removed.result["results"]} == {
        ("deactivate", "force_logout")
    }
    for user in gone:
        row = removed.truth.user(user["email"])
        assert (row["forced_logouts"], row["open_sessions"]) == (1, 0)
    assert again.result["changed"] is False
    assert again.truth.writes_since(removed.truth) == []


def test_who_shares_any_key_with_an_entry_stays(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users([*READERS, *LEAVERS])
    ids = {user["email"]: user["id"] for user in store.users()}
    rows = [
        {"email": "READER0@Example.org"},
        {"external_id": "reader-1", "email": "renamed@example.org"},
        {"id": ids[READERS[2]["email"]]},
        # Two users' keys: an error, and both stay.
        {"email": READERS[3]["email"], "external_id": "reader-4"},
        *READERS[5:],
    ]

    run = runner.tasks([_bulk("run", users=rows, max_deactivations="100%")], store).succeeded()

    (task,) = run.tasks
    assert task.result["failure"]["code"] == "users_failed"
    assert task.result["failed_users"] == [rows[3]]
    expected = (_addresses(READERS) - {READERS[1]["email"]}) | {"renamed@example.org"}
    assert _active(task) == expected


def test_a_list_of_nobody_and_options_that_cannot_be_right(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users(LEAVERS)
    store.clear_journal()
    runner.write("empty.csv", "")
    runner.write("header.csv", "email,external_id\n")
    everything = {"exclusive": True, "max_deactivations": "100%", "on_guard": "skip"}

    def case(name: str, says: list[str], code: str = "invalid_input", **options: Any) -> BadCase:
        fields = options.pop("fields", [])
        return BadCase(name, "publica_user_bulk", {**everything, **options}, says, code, fields)

    cases = [
        case("nobody", ["would deactivate everybody", "users and src"], "empty_list", users=[]),
        case("an empty file", ["empty.csv", "is empty"], src=str(runner.folder / "empty.csv")),
        case("a header", ["holds no user"], src=str(runner.folder / "header.csv")),
        case(
            "all faults at once",
            ["lookup is search", "lots", "such as 10%", "16 characters", "no address"],
            users=[{"email": "ana"}],
            lookup="search",
            max_deactivations="lots",
            approve="yesterday",
            protected=["a@example.org", ""],
            fields=["lookup", "max_deactivations", "approve", "protected[1]", "users[0].email"],
        ),
        case("too much", ["0% to 100%"], users=READERS, max_deactivations="150%"),
        case("less than nobody", ["whole number"], users=READERS, max_deactivations="-1"),
        case("an empty approval", ["16 characters"], users=READERS, approve=""),
    ]
    tasks = [case.task() for case in cases]
    tasks += [{**tasks[0], "name": "nobody, dry run", "check_mode": True}]

    run = runner.tasks(tasks, store).succeeded()

    assert_clear(run, cases)
    assert run.named("nobody, dry run").result["failure"]["code"] == "empty_list"
    assert store.journal() == []
    assert len(store.users(active=True)) == len(LEAVERS)


@pytest.mark.parametrize(
    "reading",
    [
        {"page_ignored": True},
        {"shift_between_pages": "delete", "list_order": "oldest", "paginator": "full"},
    ],
    ids=describe,
)
def test_a_list_that_did_not_come_in_whole_removes_nobody(
    reading: Reading, store: SandboxStore, runner: PlaybookRunner
) -> None:
    # Whoever is at the head of the list is deactivated by somebody else meanwhile.
    store.add_users({"email": f"head{number}@example.org"} for number in range(10))
    store.generate_users(120)
    store.add_users([*READERS, *LEAVERS])
    store.configure(**reading)
    options = {"users": [*READERS, NEW], "max_deactivations": "100%"}
    tasks = [
        _dry("review", **options),
        _bulk("refused", **options, approve="{{ dry.plan.hash }}"),
        _bulk("skipped", **options, on_guard="skip"),
    ]

    run = runner.tasks(tasks, store).succeeded()

    review, refused, skipped = run.tasks
    assert not review.failed
    assert "incomplete_listing" in review.result["warnings"][0]
    assert refused.result["failure"]["code"] == "incomplete_listing"
    assert refused.result["guard"]["limit"] is None
    assert not skipped.failed
    assert skipped.result["guard"]["code"] == "incomplete_listing"
    assert skipped.result["summary"]["created"] == 1
    assert [(row["endpoint"], row["changed"]) for row in store.journal(writes=True)] == [
        ("create", 1)
    ]
    assert _addresses([*READERS, *LEAVERS, NEW]) <= _active(skipped)


def test_with_hidden_external_ids_a_new_address_is_no_leaver(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users([*READERS, *LEAVERS])
    store.configure(external_id_shown=False)
    moved = {**READERS[0], "email": "moved@example.org", "generate_password": True}
    options = {"max_deactivations": "100%", "report": "all"}
    tasks = [
        _bulk("moved", users=[moved, *READERS[1:]], **options),
        _bulk(
            "named by a hidden key", users=[{"external_id": "reader-0"}, *READERS[1:]], **options
        ),
        _bulk("corrected", users=[*READERS, NEW], **options),
    ]

    run = runner.tasks(tasks, store).succeeded()

    by_address, by_hidden_key, corrected = run.tasks
    for task in (by_address, by_hidden_key):
        assert _active(task) == EVERYBODY
        held = task.result["results"][len(READERS) :]
        assert {item["error"]["code"] for item in held} == {"not_tried"}
        assert len(task.result["failed_users"]) == 1
    assert "moved@example.org" in by_address.result["results"][-1]["error"]["message"]
    assert not corrected.failed
    assert _active(corrected) == _addresses([*READERS, NEW])


def test_a_store_of_several_pages(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.generate_users(250, admins=2, deactivated=30)
    users = store.users(active=True)
    listed = [{"email": user["email"], "external_id": user["external_id"]} for user in users[20:]]
    gone = [user for user in users[:20] if not user["admin"]]
    start = {"name": "start", "ansible.builtin.debug": {"msg": "start"}}

    run = runner.tasks([start, _bulk("run", users=listed)], store).succeeded()

    task = run.named("run")
    assert _active(task) == _addresses([user for user in users if user not in gone])
    requests = task.truth.requests_since(run.named("start").truth)
    pages = [row for row in requests if not row["write"]]
    assert len(pages) == 3
    assert len(requests) == len(pages) + len(gone)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("reading", [*single_readings(), *paired_readings()], ids=map(str, count()))
def test_under_every_reading_nobody_is_removed_who_is_to_stay(
    reading: Reading, store: SandboxStore
) -> None:
    store.add_users({"email": f"head{number}@example.org"} for number in range(10))
    admin = {"email": "boss@example.org", "admin": True}
    former = {"email": "former@example.org", "active": False}
    store.add_users([admin, former, *READERS, *LEAVERS])
    store.configure(**reading)
    options = {"exclusive": True, "max_deactivations": "100%", "protected": ["LEAVER0@*"]}

    result = in_process.bulk(store, READERS, **options)

    active = _addresses(store.users(active=True))
    stay = _addresses([*READERS, admin, LEAVERS[0]])
    assert stay <= active
    shift = reading.get("shift_between_pages", "none")
    if "failure" in result:
        assert reading.get("page_ignored") or shift != "none"
        assert result["failure"]["code"] == "incomplete_listing"
        assert [row for row in store.journal(writes=True) if row["changed"]] == []
        return
    if shift == "none":
        assert active == stay
        assert result["summary"]["protected"] == 2
    store.clear_journal()
    again = in_process.bulk(store, READERS, **options)
    if shift == "none":
        assert again["changed"] is False
        assert store.journal(writes=True) == []


def test_failed_users_can_be_given_again(store: SandboxStore, runner: PlaybookRunner) -> None:
    table = "email,external_id,sessions_limit,generate_password\n" + "".join(
        f"{user['email']},{user['external_id']},{number},yes\n"
        for number, user in enumerate(READERS[5:])
    )
    runner.write("readers.csv", table)
    secret = "Correct-Horse-9"
    bad = {**NEW, "plan_id": 999, "password": secret}
    rows = [READERS[0], bad, *READERS[1:5]]
    options = {"exclusive": False, "defaults": {"sessions_limit": 3, "plan_admin": False}}
    tasks = [
        _bulk(
            "stopped",
            users=rows,
            src=str(runner.folder / "readers.csv"),
            on_error="stop",
            concurrency=1,
            report="summary",
            **options,
        ),
        _bulk(
            "the rest",
            users="{{ run.failed_users | rejectattr('plan_id', 'defined') | list }}",
            **options,
        ),
        _bulk("nobody left", users=READERS, **options),
    ]

    run = runner.tasks(tasks, store, arguments=["-vvv"]).succeeded()

    stopped, rest, nobody = run.tasks
    assert _active(stopped) == {READERS[0]["email"]}
    failed = stopped.result["failed_users"]
    assert failed[0] == {**NEW, "plan_id": 999}
    assert failed[1:5] == READERS[1:5]
    assert [user["sessions_limit"] for user in failed[5:]] == [0, 1, 2, 3, 4]
    assert stopped.result["results"] == []
    assert not rest.failed
    assert _active(rest) == _addresses(READERS)
    limits = [rest.truth.user(user["email"])["sessions_limit"] for user in READERS]
    assert limits == [3, 3, 3, 3, 3, None, 1, 2, 3, 4]
    assert rest.result["failed_users"] == nobody.result["failed_users"] == []
    assert secret not in run.output


# The role, and the pipeline that the documentation shows.

PAGE = collection() / "docs" / "removals.md"
ROLE_VARIABLES = {
    "publica_users_exclusive": True,
    "publica_users_protected": ["LEAVER0@*"],
    "publica_users_max_deactivations": 1,
    "publica_users_on_guard": "skip",
}


def _inventory(runner: PlaybookRunner, store: SandboxStore, variables: dict[str, Any]) -> Any:
    runner.write("inventory/group_vars/all.yml", ALL_VARIABLES)
    connection = {
        "publica_users_base_url": store.base_url,
        "publica_users_api_token": store.token,
    }
    hosts = {"press": {**connection, **variables}}
    return runner.write("inventory/stores.yml", {"publica_stores": {"hosts": hosts}})


def test_the_role_hands_the_options_on(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users([*READERS, *LEAVERS])
    desired = {"publica_users_desired": READERS, **ROLE_VARIABLES}
    inventory = _inventory(runner, store, desired)

    skipped = runner.playbook("publica.la.provision", inventory).succeeded()
    hash_of_plan = next(skipped.of_module("publica_user_bulk")).result["plan"]["hash"]
    assert _addresses(store.users(active=True)) == EVERYBODY
    inventory = _inventory(runner, store, {**desired, "publica_users_approve": hash_of_plan})
    runner.playbook("publica.la.provision", inventory).succeeded()

    assert _addresses(store.users(active=True)) == _addresses([*READERS, LEAVERS[0]])


def test_a_list_that_lost_its_users_stops_the_provisioning(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users(READERS)
    inventory = _inventory(runner, store, {"publica_users_exclusive": True})

    run = runner.playbook("publica.la.provision", inventory).failed()

    assert next(run.of_module("publica_user_bulk")).result["failure"]["code"] == "empty_list"
    assert store.journal() == []


def test_the_pipeline_of_the_documentation(store: SandboxStore, runner: PlaybookRunner) -> None:
    blocks = list(blocks_of(PAGE))
    (inventory_block,) = (block.text for block in blocks if block.kind == INVENTORY)
    review, apply = (
        runner.write(name, block.text.replace("{{ ansible_playbook_python }}", INTERPRETER))
        for name, block in zip(
            ("review.yml", "apply.yml"), (block for block in blocks if block.kind == PLAYBOOK)
        )
    )
    inventory = runner.write(
        "stores.yml", inventory_block.replace("https://example.publica.la", store.base_url)
    )
    token = ["--extra-vars", json.dumps({"publica_api_token": store.token})]
    partner = {"email": "Pia@Partner.example.org"}
    ana = {"email": "ana@example.org", "external_id": "staff-1001"}
    store.add_users([ana, *LEAVERS, partner])

    reviewed = runner.playbook(review, inventory, arguments=token).succeeded()
    plan = json.loads((runner.folder / "plans" / "press.json").read_text(encoding="utf-8"))
    assert set(plan["removed"]) == _addresses(LEAVERS)
    assert "3 users are not in the list" in plan["refused_without_approval"]
    assert "leaver1@example.org (deactivate, force_logout: not in the list)" in reviewed.output
    assert store.journal(writes=True) == []

    # Somebody signs up between review and approval, so the plan is another one.
    late = store.add_user("late@example.org")
    refused = runner.playbook(apply, inventory, arguments=token).failed()
    failure = next(refused.of_module("publica_user_bulk")).result["failure"]
    assert failure["code"] == "not_approved"
    assert "late@example.org" in failure["message"]
    assert store.journal(writes=True) == []

    store.change_user(late["id"], active=False)
    applied = runner.playbook(apply, inventory, arguments=token).succeeded()
    result = next(applied.of_module("publica_user_bulk")).result
    assert result["plan"]["hash"] == plan["approve"]
    assert result["summary"] == plan["summary"]
    desired = {"ana@example.org", "bruno@example.org"}
    assert _addresses(store.users(active=True)) == {*desired, partner["email"]}
    store.clear_journal()
    again = runner.playbook(apply, inventory, arguments=token).succeeded()
    assert next(again.of_module("publica_user_bulk")).result["changed"] is False
    assert store.journal(writes=True) == []
