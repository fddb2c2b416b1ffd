# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports on all stores of a run, written once and whatever became of the stores; and audits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from junitparser import Error, Failure, JUnitXml
from publica_sandbox.testing import SandboxStore
from support.inventories import write_inventory
from support.playbook_runner import LOCALHOST, PlaybookRunner, Run

from support.paths import collection

PROVISION, AUDIT = "publica.la.provision", "publica.la.audit"
FILES = ["index.html", "junit.xml", "report.json", "report.md"]
EACH = 100  # users of a store in the two departments
LANGUAGES = {"en": "Audit of the stores", "es": "Auditoría", "pt": "Auditoria"}


@pytest.fixture
def south() -> Iterator[SandboxStore]:
    with SandboxStore(token="token-of-the-southern-store-0123456789") as store:
        yield store


@pytest.fixture
def stores(store: SandboxStore, south: SandboxStore) -> dict[str, SandboxStore]:
    return {"north": store, "south": south}


def variables(folder: Path, **more: Any) -> list[str]:
    return ["--extra-vars", json.dumps({"publica_users_report_dir": str(folder), **more})]


def report_in(folder: Path) -> dict[str, Any]:
    """The report, after it was seen to be whole, readable by everybody, and as described."""
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    schema = (collection() / "docs" / "report.schema.json").read_text("utf-8")
    jsonschema.Draft202012Validator(json.loads(schema)).validate(report)
    suites = JUnitXml.fromfile(str(folder / "junit.xml"))
    assert [suite.name for suite in suites] == [one["name"] for one in report["stores"]]
    assert (folder / "report.md").read_text("utf-8").startswith("### ")
    return report


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in report["stores"]}


def reports_of(run: Run) -> list[Any]:
    return [task for task in run.of_module("publica_report") if task.status != "skipped"]


def test_provisioning_writes_one_report_on_all_stores(
    stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, stores)
    folder = runner.folder / "new" / "reports"

    dry = runner.playbook(PROVISION, inventory, arguments=["--check", *variables(folder)])

    assert len(reports_of(dry.succeeded())) == 1
    foreseen = report_in(folder)
    assert foreseen["check_mode"]
    assert foreseen["totals"]["drifted"] == 2 * EACH
    assert foreseen["totals"]["seats"]["active"] == 0
    assert {change["status"] for change in foreseen["changes"]} == {"foreseen"}
    spanish = variables(folder, publica_users_report_language="es")
    run = runner.playbook(PROVISION, inventory, arguments=spanish).succeeded()
    (task,) = reports_of(run)
    assert not task.result["changed"]
    done = report_in(folder)
    assert statuses(done) == {"north": "changed", "south": "changed"}
    assert done["totals"]["users"]["created"] == 2 * EACH
    assert done["totals"]["seats"]["active"] == 2 * EACH
    assert [change["differences"] for change in done["changes"]] == [
        change["differences"] for change in foreseen["changes"]
    ]
    assert "Aprovisionamiento" in (folder / "index.html").read_text("utf-8")

    again = runner.playbook(PROVISION, inventory, arguments=variables(folder)).succeeded()

    assert "changed=1" not in again.stdout
    nothing = report_in(folder)
    assert statuses(nothing) == {"north": "as_declared", "south": "as_declared"}
    assert nothing["changes"] == []


def test_without_a_directory_there_is_no_report(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, {"north": store})
    before = set(runner.folder.rglob("*"))

    run = runner.playbook(PROVISION, inventory).succeeded()

    assert reports_of(run) == []
    (bulk,) = run.of_module("publica_user_bulk")
    assert bulk.args["count_seats"] is False
    assert not {p.name for p in set(runner.folder.rglob("*")) - before} & set(FILES)


def test_seats_are_those_of_the_store(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.generate_users(230, deactivated=130, admins=2)
    inventory = write_inventory(runner, {"north": store})
    folder = runner.folder / "reports"
    looked_up = {"publica_users_count_seats": False, "publica_users_lookup": "search"}
    runner.playbook(AUDIT, inventory, arguments=variables(folder, **looked_up)).succeeded()
    assert report_in(folder)["stores"][0]["seats"] is None
    assert "publica_users_count_seats" in (folder / "index.html").read_text("utf-8")

    counted = variables(folder, publica_users_count_seats=True)
    runner.playbook(PROVISION, inventory, arguments=counted).succeeded()

    seats = report_in(folder)["stores"][0]["seats"]
    assert seats["active"] == len(store.users(active=True))
    assert seats["deactivated"] == len(store.users(active=False)) > 100
    holders = store.sql(
        "SELECT plans.id AS plan_id, count(DISTINCT users.id) AS users "
        "FROM plans JOIN user_plans ON user_plans.plan_id = plans.id "
        "JOIN users ON users.id = user_plans.user_id AND users.deleted_at IS NULL "
        "WHERE user_plans.valid_to IS NULL OR user_plans.valid_to >= date('now') "
        "GROUP BY plans.id ORDER BY plans.id"
    )
    told = {plan["plan_id"]: plan["users"] for plan in seats["plans"]}
    assert told == {plan["plan_id"]: plan["users"] for plan in holders}
    # The store tells a plan's name with whoever held it before the run, and nobody held this one.
    assert {plan["plan_id"]: plan["name"] for plan in seats["plans"]}[11] == "Campus"


@pytest.mark.parametrize("serial", [None, 1], ids=["together", "one by one"])
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_store_that_fails_is_in_the_report_and_fails_the_run(
    stores: dict[str, SandboxStore],
    runner: PlaybookRunner,
    strategy: str,
    serial: int | None,
) -> None:
    stores["south"].fault(401, times=None)
    inventory = write_inventory(runner, stores)
    # The last, since Ansible goes no further than a batch that has failed as a whole.
    runner.write("inventory/host_vars/bad/list.yml", {"publica_users_desired_bad": "no list"})
    runner.write("inventory/zz-more.yml", {"publica_stores": {"hosts": {"bad": None}}})
    folder = runner.folder / "reports"
    play: dict[str, Any] = {
        "name": "Provision",
        "hosts": "publica_stores",
        "connection": "local",
        "gather_facts": False,
        "strategy": strategy,
        "vars": {"ansible_python_interpreter": "{{ publica_python_interpreter }}"},
        "roles": [{"role": "publica.la.publica_users"}],
    }
    if serial is not None:
        play |= {"serial": serial, "max_fail_percentage": 100}
    playbook = runner.write("provision.yml", [play])

    run = runner.playbook(playbook, inventory, arguments=variables(folder)).failed()

    report = report_in(folder)
    assert statuses(report) == {"north": "changed", "south": "failed", "bad": "not_run"}
    failure = next(one["failure"] for one in report["stores"] if one["name"] == "south")
    assert (failure["code"], failure["status"]) == ("unauthenticated", 401)
    if (strategy, serial) == ("linear", None):
        assert len(reports_of(run)) == 1
    assert len(stores["north"].users()) == EACH


def test_a_report_is_written_where_all_stores_fail(
    stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> None:
    for one in stores.values():
        one.fault(403, times=None)
    folder = runner.folder / "reports"

    run = runner.playbook(
        PROVISION, write_inventory(runner, stores), arguments=variables(folder)
    ).failed()

    assert len(reports_of(run)) == 1
    assert statuses(report_in(folder)) == {"north": "failed", "south": "failed"}


def test_a_store_whose_host_is_not_reached_is_in_the_report(
    stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, stores)
    nowhere = {"ansible_remote_tmp": "/proc/nowhere", "ansible_pipelining": False}
    runner.write("inventory/host_vars/south/nowhere.yml", nowhere)
    play = {
        "name": "Provision",
        "hosts": "publica_stores",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ publica_python_interpreter }}"},
        "roles": [{"role": "publica.la.publica_users"}],
    }
    folder = runner.folder / "reports"

    run = runner.playbook(
        runner.write("provision.yml", [play]), inventory, arguments=variables(folder)
    )

    assert run.returncode == 4
    report = report_in(folder)
    assert statuses(report) == {"north": "changed", "south": "unreachable"}


def test_what_a_guard_refused_is_told_user_by_user(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.generate_users(30)
    inventory = write_inventory(runner, {"north": store})
    folder = runner.folder / "reports"
    exclusive = {"publica_users_exclusive": True, "publica_users_max_deactivations": "3"}

    runner.playbook(PROVISION, inventory, arguments=variables(folder, **exclusive)).failed()

    report = report_in(folder)
    (one,) = report["stores"]
    assert one["guard"]["code"] == one["failure"]["code"] == "too_many_deactivations"
    assert report["totals"]["drifted"] == 0
    assert report["totals"]["not_tried"] == EACH + 30
    removed = [change for change in report["changes"] if not change["listed"]]
    assert len(removed) == 30
    for change in removed:
        assert {"name": "active", "before": True, "after": False} in change["differences"]


def test_a_report_is_never_written_through_a_link(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    folder = runner.folder / "reports"
    folder.mkdir()
    victim = runner.write("victim", "as it was")
    (folder / "report.md").symlink_to(victim)

    run = runner.playbook(
        PROVISION, write_inventory(runner, {"north": store}), arguments=variables(folder)
    ).failed()

    (task,) = reports_of(run)
    assert f"{folder / 'report.md'} is a link" in task.result["msg"]
    assert victim.read_text("utf-8") == "as it was"
    assert [path.name for path in folder.iterdir()] == ["report.md"]
    # What came before is done, and the failure is only that there is no report.
    assert len(store.users()) == EACH


def test_a_relative_directory_counts_from_where_the_run_was_started(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    arguments = variables(Path("relative/reports"))

    runner.playbook(AUDIT, write_inventory(runner, {"north": store}), arguments=arguments)

    assert statuses(report_in(runner.folder / "relative" / "reports")) == {"north": "changed"}


def test_values_of_a_store_stay_text(store: SandboxStore, runner: PlaybookRunner) -> None:
    mark = runner.folder / "evaluated"
    evil = f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}</script><script>alert(1)"
    plan = store.add_plan(evil, id=99)
    store.add_user(
        "ana@example.org", external_id="{{ 7 * 7 }}", sessions_limit=1, plans=[{"plan_id": plan}]
    )
    inventory = write_inventory(runner, {"north": store})
    # As it stands in a file, which nobody templates.
    seats = [{"email": "ana@example.org", "external_id": "{{ 7 * 7 }}", "plan_id": 12}]
    source = runner.write("seats.json", json.dumps(seats))
    folder = runner.folder / "reports"
    arguments = variables(folder, publica_users_src=str(source))

    runner.playbook(PROVISION, inventory, arguments=arguments).succeeded()

    assert not mark.exists()
    report = report_in(folder)
    (ana,) = [change for change in report["changes"] if change["email"] == "ana@example.org"]
    assert ana["external_id"] == "{{ 7 * 7 }}"
    (plans,) = [entry for entry in ana["differences"] if entry["name"] == "plans"]
    assert plans["before"] == [f"plan 99 ({evil})"]
    names = {held["plan_id"]: held["name"] for held in report["stores"][0]["seats"]["plans"]}
    assert names[99] == evil
    page = (folder / "index.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert page.count("</script>") == 2


def test_some_hosts_and_another_variable(store: SandboxStore, runner: PlaybookRunner) -> None:
    bulk = {"users": [{"email": "ana@example.org", "external_id": "staff-1"}], "report": "summary"}
    folder = runner.folder / "reports"
    tasks = [
        {"name": "bulk", "publica.la.publica_user_bulk": bulk, "register": "mine"},
        {
            "name": "report",
            "publica.la.publica_report": {
                "dir": str(folder),
                "results": "mine",
                "hosts": ["localhost", "nobody"],
                "language": "pt",
                "kind": "provision",
            },
        },
    ]

    run = runner.tasks(tasks, store).succeeded()

    report = report_in(folder)
    assert statuses(report) == {"localhost": "changed", "nobody": "not_run"}
    assert report["totals"]["drifted"] is None
    assert run.named("report").result["page"] == str(folder / "index.html")
    assert "publica_users_report: summary" in (folder / "index.html").read_text("utf-8")


def test_options_that_cannot_be_meant_are_named(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    given = [{}, {"dir": "reports", "language": "fr"}, {"dir": "reports", "folder": "x"}]
    tasks = [
        {"name": f"task {number}", "publica.la.publica_report": options, "ignore_errors": True}
        for number, options in enumerate(given)
    ]

    run = runner.tasks(tasks, store).succeeded()

    said = [run.named(f"task {number}").result["msg"] for number in range(len(given))]
    for message, words in zip(said, ["dir", "fr", "folder"], strict=True):
        assert words in message


def test_an_audit_tells_drift_and_writes_nothing(
    stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, stores)
    runner.playbook(PROVISION, inventory).succeeded()
    drifted = stores["north"].user(email="library.07@north.example.org")
    stores["north"].change_user(drifted["id"], sessions_limit=9)
    for one in stores.values():
        one.clear_journal()
        one.configure(refuse_writes=True)
    folder = runner.folder / "reports"

    for language, words in LANGUAGES.items():
        arguments = variables(folder, publica_users_report_language=language)
        runner.playbook(AUDIT, inventory, arguments=arguments).succeeded()
        assert words in (folder / "index.html").read_text("utf-8")

    report = report_in(folder)
    assert statuses(report) == {"north": "changed", "south": "as_declared"}
    (change,) = report["changes"]
    assert change["email"] == drifted["email"]
    assert change["differences"] == [
        {"name": "sessions_limit", "before": 9, "after": drifted["sessions_limit"]}
    ]
    cases = [case for suite in JUnitXml.fromfile(str(folder / "junit.xml")) for case in suite]
    failed = [case.name for case in cases if any(isinstance(r, Failure) for r in case.result)]
    assert len(failed) == 2  # the store and the user
    assert not any(isinstance(r, Error) for case in cases for r in case.result)

    failing = variables(folder, publica_audit_fail=True)
    (folder / "report.json").unlink()
    run = runner.playbook(AUDIT, inventory, arguments=failing).failed()

    (fail,) = [task for task in run.tasks if task.failed]
    assert fail.host == "north"
    assert "1 to update" in fail.result["msg"]
    assert statuses(report_in(folder)) == {"north": "changed", "south": "as_declared"}
    assert [one.journal(writes=True) for one in stores.values()] == [[], []]


def test_an_audit_shows_what_a_guard_would_refuse(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.generate_users(30)
    inventory = write_inventory(runner, {"north": store})
    folder = runner.folder / "reports"
    exclusive = {"publica_users_exclusive": True, "publica_audit_fail": False}

    runner.playbook(AUDIT, inventory, arguments=variables(folder, **exclusive)).succeeded()

    report = report_in(folder)
    assert report["totals"]["drifted"] == EACH + 30
    assert report["stores"][0]["guard"]["code"] == "too_many_deactivations"
    assert store.journal(writes=True) == []
    assert len(store.users(active=True)) == 30


def test_the_module_runs_without_a_connection(store: SandboxStore, runner: PlaybookRunner) -> None:
    """It is for the machine of ansible-playbook, also where the hosts are somewhere else."""
    hosts = yaml.safe_load(yaml.safe_dump(LOCALHOST))
    hosts["all"]["hosts"] = {"far": {"ansible_connection": "ssh", "ansible_host": "127.0.0.9"}}
    folder = runner.folder / "reports"
    tasks = [{"name": "report", "publica.la.publica_report": {"dir": str(folder)}}]
    play = runner.play_of(tasks, store, {"hosts": "far", "module_defaults": {}})

    runner.playbook(play, runner.write("far.yml", hosts)).succeeded()

    assert statuses(report_in(folder)) == {"far": "not_run"}
