# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports on all stores of a run, also where stores fail; and audits."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml
from publica_sandbox.testing import SandboxStore

from support.documentation import collection
from support.inventories import EACH, connection_of, write_inventory
from support.playbooks import LOCALHOST, PlaybookRunner, connection_defaults

PROVISION, AUDIT = "publica.la.provision", "publica.la.audit"
FILES = ["index.html", "junit.xml", "report.json", "report.md"]
PLAY = {
    "name": "Provision",
    "hosts": "publica_stores",
    "connection": "local",
    "gather_facts": False,
    "vars": {"ansible_python_interpreter": "{{ publica_python_interpreter }}"},
    "roles": [{"role": "publica.la.publica_users"}],
}


@pytest.fixture
def stores(store: SandboxStore, south: SandboxStore) -> dict[str, SandboxStore]:
    return {"north": store, "south": south}


@pytest.fixture
def reports(runner: PlaybookRunner) -> Path:
    """The directory of the report, which does not exist yet."""
    return runner.directory / "new" / "reports"


def variables(directory: Path | str, **more: Any) -> list[str]:
    return ["--extra-vars", json.dumps({"publica_users_report_dir": str(directory), **more})]


def report_in(directory: Path) -> dict[str, Any]:
    """The report, which must be complete, readable by all users, and match its schema."""
    assert sorted(path.name for path in directory.iterdir()) == FILES
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o644}
    report: dict[str, Any] = json.loads((directory / "report.json").read_text("utf-8"))
    schema = (collection() / "docs" / "report.schema.json").read_text("utf-8")
    jsonschema.Draft202012Validator(json.loads(schema)).validate(report)
    suites = JUnitXml.fromfile(str(directory / "junit.xml"))
    assert [suite.name for suite in suites] == [one["name"] for one in report["stores"]]
    assert (directory / "report.md").read_text("utf-8").startswith("### ")
    return report


def page_in(directory: Path) -> str:
    return (directory / "index.html").read_text("utf-8")


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in report["stores"]}


def test_provisioning_writes_one_report_on_all_stores(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, reports: Path
) -> None:
    inventory = write_inventory(runner, stores)

    dry = runner.playbook(PROVISION, inventory, arguments=["--check", *variables(reports)])

    assert len(dry.succeeded().of_module("publica_report")) == 1
    predicted = report_in(reports)
    assert predicted["check_mode"]
    assert predicted["totals"]["drifted"] == 2 * EACH
    assert predicted["totals"]["seats"]["active"] == 0
    assert {change["status"] for change in predicted["changes"]} == {"foreseen"}
    markdown = (reports / "report.md").read_text("utf-8")
    assert "Dry run: nothing was written." in markdown
    assert f"{2 * EACH} users in 2 stores would be created." in markdown
    (needed,) = re.findall(r"The run needs (\d+) requests", markdown)
    spanish = variables(reports, publica_users_report_language="es")
    run = runner.playbook(PROVISION, inventory, arguments=spanish).succeeded()
    (task,) = run.of_module("publica_report")
    assert not task.result["changed"]
    done = report_in(reports)
    assert statuses(done) == {"north": "changed", "south": "changed"}
    assert done["totals"]["users"]["created"] == 2 * EACH
    assert int(needed) == done["totals"]["requests"]
    assert done["totals"]["seats"]["active"] == 2 * EACH
    assert [change["differences"] for change in done["changes"]] == [
        change["differences"] for change in predicted["changes"]
    ]
    assert done["language"] == "es"

    again = runner.playbook(PROVISION, inventory, arguments=variables(reports)).succeeded()

    assert "changed=1" not in again.stdout
    nothing = report_in(reports)
    assert statuses(nothing) == {"north": "as_declared", "south": "as_declared"}
    assert nothing["changes"] == []


@pytest.mark.full
def test_seats_are_those_of_the_store(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.generate_users(230, deactivated=130, admins=2)
    inventory = write_inventory(runner, {"north": store})
    # Relative to where ansible-playbook was started.
    reports = runner.directory / "relative" / "reports"
    looked_up = {"publica_users_count_seats": False, "publica_users_lookup": "search"}
    relative = variables("relative/reports", **looked_up)
    audit = runner.playbook(AUDIT, inventory, arguments=relative).succeeded()
    message = audit.named("Show the run summary").result["msg"]
    assert message.startswith(f"Dry run: nothing was written. {EACH} users would be created. The ")
    assert statuses(report_in(reports)) == {"north": "changed"}
    assert report_in(reports)["stores"][0]["seats"] is None
    assert "publica_users_count_seats" in page_in(reports)

    counted = variables(reports, publica_users_count_seats=True)
    runner.playbook(PROVISION, inventory, arguments=counted).succeeded()

    seats = report_in(reports)["stores"][0]["seats"]
    assert seats["active"] == len(store.users(active=True))
    assert seats["deactivated"] == len(store.users(active=False)) > 100
    holders = store.sql(
        "SELECT plans.id AS plan_id, count(DISTINCT users.id) AS users "
        "FROM plans JOIN user_plans ON user_plans.plan_id = plans.id "
        "JOIN users ON users.id = user_plans.user_id AND users.deleted_at IS NULL "
        "WHERE user_plans.valid_to IS NULL OR user_plans.valid_to >= date('now') "
        "GROUP BY plans.id ORDER BY plans.id"
    )
    counts = {plan["plan_id"]: plan["users"] for plan in seats["plans"]}
    assert counts == {plan["plan_id"]: plan["users"] for plan in holders}
    # The name of a plan is known only where a user held it before the run.
    assert {plan["plan_id"]: plan["name"] for plan in seats["plans"]}[11] == "Campus"


@pytest.mark.parametrize(("strategy", "serial"), [("linear", None), ("free", 1)])
@pytest.mark.full
def test_a_failing_store_is_in_the_report_and_fails_the_run(
    stores: dict[str, SandboxStore],
    runner: PlaybookRunner,
    reports: Path,
    strategy: str,
    serial: int | None,
) -> None:
    stores["south"].fault(401, times=None)
    inventory = write_inventory(runner, stores)
    # The last host: Ansible stops after a batch in which every host has failed.
    runner.write("inventory/host_vars/bad/list.yml", {"publica_users_desired_bad": "no list"})
    runner.write("inventory/zz-more.yml", {"publica_stores": {"hosts": {"bad": None}}})
    play: dict[str, Any] = {**PLAY, "strategy": strategy}
    if serial is not None:
        play |= {"serial": serial, "max_fail_percentage": 100}
    playbook = runner.write("provision.yml", [play])

    run = runner.playbook(playbook, inventory, arguments=variables(reports)).failed()

    report = report_in(reports)
    bad = "failed" if serial is None else "not_run"
    assert statuses(report) == {"north": "changed", "south": "failed", "bad": bad}
    failure = next(one["failure"] for one in report["stores"] if one["name"] == "south")
    assert (failure["code"], failure["status"]) == ("unauthenticated", 401)
    if (strategy, serial) == ("linear", None):
        assert len(run.of_module("publica_report")) == 1
    assert len(stores["north"].users()) == EACH


@pytest.mark.full
def test_a_report_where_all_stores_fail(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, reports: Path
) -> None:
    for one in stores.values():
        one.fault(403, times=None)
    inventory = write_inventory(runner, stores)

    run = runner.playbook(PROVISION, inventory, arguments=variables(reports)).failed()

    assert len(run.of_module("publica_report")) == 1
    assert statuses(report_in(reports)) == {"north": "failed", "south": "failed"}


def test_an_unreachable_host_is_in_the_report(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, reports: Path
) -> None:
    inventory = write_inventory(runner, stores)
    nowhere = {"ansible_remote_tmp": "/proc/nowhere", "ansible_pipelining": False}
    runner.write("inventory/host_vars/south/nowhere.yml", nowhere)
    playbook = runner.write("provision.yml", [PLAY])

    run = runner.playbook(playbook, inventory, arguments=variables(reports))

    assert run.returncode == 4
    assert statuses(report_in(reports)) == {"north": "changed", "south": "unreachable"}


def test_what_a_guard_refuses_is_reported_by_user(
    store: SandboxStore, runner: PlaybookRunner, reports: Path
) -> None:
    store.generate_users(30)
    inventory = write_inventory(runner, {"north": store})
    exclusive = {"publica_users_exclusive": True, "publica_audit_fail": False}
    limit = {"publica_users_max_deactivations": "3"}

    runner.playbook(AUDIT, inventory, arguments=variables(reports, **exclusive)).succeeded()

    report = report_in(reports)
    assert report["totals"]["drifted"] == EACH + 30
    assert report["stores"][0]["guard"]["code"] == "too_many_deactivations"

    arguments = variables(reports, **exclusive, **limit)
    runner.playbook(PROVISION, inventory, arguments=arguments).failed()

    report = report_in(reports)
    (one,) = report["stores"]
    assert one["guard"]["code"] == one["failure"]["code"] == "too_many_deactivations"
    assert report["totals"]["drifted"] == 0
    assert report["totals"]["not_tried"] == EACH + 30
    removed = [change for change in report["changes"] if not change["listed"]]
    assert len(removed) == 30
    for change in removed:
        assert {"name": "active", "before": True, "after": False} in change["differences"]
    assert store.journal(writes=True) == []
    assert len(store.users(active=True)) == 30


def test_a_report_is_never_written_through_a_link(
    store: SandboxStore, runner: PlaybookRunner, reports: Path
) -> None:
    reports.mkdir(parents=True)
    victim = runner.write("victim", "as it was")
    (reports / "report.md").symlink_to(victim)
    inventory = write_inventory(runner, {"north": store})

    run = runner.playbook(PROVISION, inventory, arguments=variables(reports)).failed()

    (task,) = run.of_module("publica_report")
    assert str(reports / "report.md") in task.result["msg"]
    assert victim.read_text("utf-8") == "as it was"
    assert [path.name for path in reports.iterdir()] == ["report.md"]
    # The store is provisioned all the same.
    assert len(store.users()) == EACH


@pytest.mark.full
@pytest.mark.oldest_core
def test_values_of_a_store_stay_text(
    store: SandboxStore, runner: PlaybookRunner, reports: Path
) -> None:
    mark = runner.directory / "evaluated"
    evil = f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}</script><script>alert(1)"
    plan = store.add_plan(evil, id=99)
    store.add_user(
        "ana@example.org", external_id="{{ 7 * 7 }}", sessions_limit=1, plans=[{"plan_id": plan}]
    )
    inventory = write_inventory(runner, {"north": store})
    # In a file, since Ansible evaluates variables.
    seats = [{"email": "ana@example.org", "external_id": "{{ 7 * 7 }}", "plan_id": 12}]
    source = runner.write("seats.json", json.dumps(seats))
    arguments = variables(reports, publica_users_src=str(source))

    runner.playbook(PROVISION, inventory, arguments=arguments).succeeded()

    assert not mark.exists()
    report = report_in(reports)
    (ana,) = [change for change in report["changes"] if change["email"] == "ana@example.org"]
    assert ana["external_id"] == "{{ 7 * 7 }}"
    (plans,) = [entry for entry in ana["differences"] if entry["name"] == "plans"]
    assert [plan["name"] for plan in plans["before"]] == [evil]
    names = {held["plan_id"]: held["name"] for held in report["stores"][0]["seats"]["plans"]}
    assert names[99] == evil
    page = page_in(reports)
    assert "<script>alert" not in page
    assert page.count("</script>") == 2


def test_options_of_the_module(store: SandboxStore, runner: PlaybookRunner, reports: Path) -> None:
    """Some hosts, another variable, bad options, and hosts without a connection."""
    bulk = {"users": [{"email": "ana@example.org", "external_id": "staff-1"}], "report": "summary"}
    options = {
        "dir": str(reports / "some"),
        "results": "mine",
        "hosts": ["localhost", "unknown"],
        "language": "pt",
        "kind": "provision",
    }
    bad = {"dir": {}, "fr": {"dir": "x", "language": "fr"}, "folder": {"dir": "x", "folder": "x"}}
    tasks = [
        {"name": "bulk", "publica.la.publica_user_bulk": bulk, "register": "mine"},
        {"name": "some", "publica.la.publica_report": options},
        *(
            {"name": word, "publica.la.publica_report": given, "ignore_errors": True}
            for word, given in bad.items()
        ),
    ]
    (reports / "all").mkdir(parents=True)
    (reports / "all").chmod(0o777)
    in_all = {"dir": str(reports / "all" / "new")}
    tasks.append({"name": "in all", "publica.la.publica_report": in_all, "ignore_errors": True})
    far = [{"name": "far", "publica.la.publica_report": {"dir": str(reports / "far")}}]
    hosts = {
        **LOCALHOST["all"]["hosts"],
        "far": {"ansible_connection": "ssh", "ansible_host": "127.0.0.9"},
    }
    plays = [
        {"hosts": "localhost", "module_defaults": connection_defaults(store), "tasks": tasks},
        {"hosts": "far", "tasks": far},
    ]
    playbook = runner.write("plays.yml", [{"gather_facts": False, **play} for play in plays])
    inventory = runner.write("all.yml", {"all": {"hosts": hosts}})

    run = runner.playbook(playbook, inventory).succeeded()

    report = report_in(reports / "some")
    assert statuses(report) == {"localhost": "changed", "unknown": "not_run"}
    assert report["totals"]["drifted"] is None
    assert run.named("some").result["page"] == str(reports / "some" / "index.html")
    assert "publica_users_report" in page_in(reports / "some")
    for word in bad:
        assert word in run.named(word).result["msg"]
    # Only root has more to lose than the user who can write there.
    refused = run.named("in all").result.get("msg", "")
    assert ("can be changed by any user" in refused) is (os.geteuid() == 0)
    assert statuses(report_in(reports / "far")) == {"far": "not_run"}


@pytest.mark.every_core
@pytest.mark.full
@pytest.mark.oldest_core
def test_results_of_loops_and_of_other_tasks(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, reports: Path
) -> None:
    """Each item of a loop is in the report; what is no result is refused, or would be lost."""
    stores["north"].generate_users(3)
    items = [{"name": name, **connection_of(one)} for name, one in stores.items()]
    bulk = {
        "base_url": "{{ item.publica_users_base_url }}",
        "api_token": "{{ item.publica_users_api_token }}",
        "users": [{"email": "{{ item.name }}@example.org", "external_id": "staff-1"}],
    }
    name = "publica.la.publica_user_bulk"
    predicted = {name: {**bulk, "exclusive": True}, "register": "predicted", "check_mode": True}

    def report(directory: str, results: str) -> dict[str, Any]:
        options = {"dir": str(reports / directory), "results": results}
        return {"name": directory, "publica.la.publica_report": options, "ignore_errors": True}

    inner = [{name: bulk, "register": "mine"}, report("included", "mine")]
    include = str(runner.write("inner.yml", inner))
    tasks = [
        {**predicted, "loop": items, "no_log": True},
        report("loop", "predicted"),
        {"ansible.builtin.set_fact": {"other": {"changed": True}}},
        report("other", "other"),
        {"ansible.builtin.include_tasks": include, "loop": items},
    ]

    run = runner.tasks(tasks, stores["north"]).succeeded()

    done = report_in(reports / "loop")
    assert statuses(done) == {"localhost (north)": "changed", "localhost (south)": "changed"}
    north = done["stores"][0]
    assert north["warnings"] == [north["guard"]["warning"]]
    assert "WarningSummary" not in page_in(reports / "loop")
    assert "publica_user_bulk" in run.named("other").result["msg"]
    assert not (reports / "other").exists()
    first, second = (task for task in run.tasks if task.name == "included")
    assert (first.failed, second.failed) == (False, True)
    assert "earlier item" in second.result["msg"]
    (change,) = report_in(reports / "included")["changes"]
    assert change["email"] == "north@example.org"


@pytest.mark.full
@pytest.mark.oldest_core
def test_a_role_in_a_loop(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, reports: Path
) -> None:
    """It needs a directory for each item, or the report of an item would replace the one before."""
    items = [{"name": name, **connection_of(one)} for name, one in stores.items()]
    role = {
        "ansible.builtin.include_role": {"name": "publica.la.publica_users"},
        "loop": items,
        "vars": {
            "publica_users_base_url": "{{ item.publica_users_base_url }}",
            "publica_users_api_token": "{{ item.publica_users_api_token }}",
            "publica_users_desired": [{"email": "ana@example.org", "external_id": "staff-1"}],
        },
    }
    same, own = str(reports), f"{reports}/{{{{ item.name }}}}"
    directory = "publica_users_report_dir"

    refused = runner.tasks([role], stores["north"], play={"vars": {directory: same}}).failed()

    assert [one.journal() for one in stores.values()] == [[], []]
    assert directory in next(task for task in refused.tasks if task.failed).result["msg"]
    runner.tasks([role], stores["north"], play={"vars": {directory: own}}).succeeded()
    for name in stores:
        assert statuses(report_in(reports / name)) == {"localhost": "changed"}


def test_an_audit_reports_drift_and_writes_nothing(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, reports: Path
) -> None:
    inventory = write_inventory(runner, stores)
    before = set(runner.directory.rglob("*"))
    provisioned = runner.playbook(PROVISION, inventory).succeeded()
    # Without a directory, no report is written, and no seats are counted for one.
    assert provisioned.of_module("publica_report") == []
    bulk = provisioned.of_module("publica_user_bulk")
    assert {task.args["count_seats"] for task in bulk} == {False}
    assert not {p.name for p in set(runner.directory.rglob("*")) - before} & set(FILES)
    drifted = stores["north"].user(email="library.07@north.example.org")
    stores["north"].change_user(drifted["id"], sessions_limit=9)
    for one in stores.values():
        one.clear_journal()
        one.configure(refuse_writes=True)

    runner.playbook(AUDIT, inventory, arguments=variables(reports)).succeeded()

    report = report_in(reports)
    assert report["kind"] == "audit"
    assert statuses(report) == {"north": "changed", "south": "as_declared"}
    (change,) = report["changes"]
    assert change["email"] == drifted["email"]
    assert change["differences"] == [
        {"name": "sessions_limit", "before": 9, "after": drifted["sessions_limit"]}
    ]
    cases = [case for suite in JUnitXml.fromfile(str(reports / "junit.xml")) for case in suite]
    failed = [case.name for case in cases if any(isinstance(r, Failure) for r in case.result)]
    assert len(failed) == 2  # the store and the user
    assert not any(isinstance(r, Error) for case in cases for r in case.result)

    failing = {"publica_audit_fail": True, "publica_users_report_language": "pt"}
    # Of no program of this collection.
    (reports / "report.json").write_text('{"run": 1, "stores": [{"name": []}], "totals": -1}')
    run = runner.playbook(AUDIT, inventory, arguments=variables(reports, **failing)).failed()

    (fail,) = [task for task in run.tasks if task.failed]
    assert fail.host == "north"
    assert "publica_audit_fail" in fail.result["msg"]
    assert statuses(report_in(reports)) == {"north": "changed", "south": "as_declared"}
    assert report_in(reports)["language"] == "pt"
    assert [one.journal(writes=True) for one in stores.values()] == [[], []]
