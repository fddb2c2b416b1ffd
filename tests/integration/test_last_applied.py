# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks with a record of what was applied last: its content, the cost, leavers, audits."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from publica_sandbox.testing import SandboxStore

from support.documentation import collection
from support.inventories import connection_of, write_hosts
from support.playbooks import INTERPRETER, PlaybookRunner, Run, TaskRun

PROVISION, AUDIT = "publica.la.provision", "publica.la.audit"
# Accounts that no list names, such as those of people who bought a book.
BYSTANDERS = 1500
READERS: list[dict[str, Any]] = [
    {
        "email": f"reader.{number:02}@example.org",
        "external_id": f"reader-{number:02}",
        "sessions_limit": 1,
        "generate_password": True,
    }
    for number in range(40)
]
SETTINGS = {
    "publica_users_last_applied": "{{ inventory_dir }}/../records/{{ inventory_hostname }}.json",
    "publica_users_leavers": "deactivate",
    "publica_users_max_deactivations": "5",
}


def counts(task: TaskRun) -> Mapping[str, int]:
    """The counts of the summary that are not 0."""
    return {name: count for name, count in task.result["summary"].items() if count}


def bulk(run: Run, host: str = "north") -> TaskRun:
    (task,) = [task for task in run.of_module("publica_user_bulk") if task.host == host]
    return task


class Site:
    """An inventory of stores that keep records and write a report."""

    def __init__(self, runner: PlaybookRunner, stores: Mapping[str, SandboxStore]) -> None:
        self.runner, self.stores = runner, stores
        self.inventory = write_hosts(runner, {name: connection_of(stores[name]) for name in stores})
        # Not in the inventory's directory, of which Ansible reads every file as an inventory.
        self.records = runner.directory / "records"
        self.records.mkdir()
        self.reports = runner.directory / "reports"
        settings = {**SETTINGS, "publica_users_report_dir": str(self.reports)}
        runner.write("inventory/group_vars/publica_stores.yml", settings)
        for name in stores:
            self.declare(name, READERS)

    def declare(self, host: str, rows: list[dict[str, Any]]) -> None:
        """Write the list of a store."""
        variables = {"publica_users_desired": rows}
        self.runner.write(f"inventory/host_vars/{host}/desired.yml", variables)

    def run(self, playbook: str, *arguments: str, **environment: str) -> Run:
        """Run a playbook; the journals then hold its requests."""
        for store in self.stores.values():
            store.clear_journal()
        return self.runner.playbook(
            playbook, self.inventory, arguments=arguments, environment=environment
        )

    def record(self, host: str = "north") -> Path:
        return self.records / f"{host}.json"

    def report(self) -> dict[str, Any]:
        """The report, which must match its schema."""
        report: dict[str, Any] = json.loads((self.reports / "report.json").read_text("utf-8"))
        schema = (collection() / "docs" / "report.schema.json").read_text("utf-8")
        jsonschema.Draft202012Validator(json.loads(schema)).validate(report)
        return report

    def page(self) -> str:
        return (self.reports / "index.html").read_text("utf-8")


def test_a_second_run_reads_nothing_and_says_so(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    site = Site(runner, {"north": store, "south": south})
    site.declare("south", READERS[:7])
    site.run(PROVISION, "--check").succeeded()
    assert list(site.records.iterdir()) == []

    first = site.run(PROVISION).succeeded()

    each = {"north": 40, "south": 7}
    assert {path.name for path in site.records.iterdir()} == {
        f"{host}.json{suffix}" for host in each for suffix in ("", ".lock")
    }
    contents = {host: site.record(host).read_bytes() for host in each}
    for host, number in each.items():
        assert counts(bulk(first, host)) == {"desired": number, "created": number}
        assert stat.S_IMODE(site.record(host).stat().st_mode) == 0o600
        record = json.loads(contents[host])
        assert record["store"] == site.stores[host].base_url
        assert [user["email"] for user in record["users"]] == [
            row["email"] for row in READERS[:number]
        ]
        # One user a line, so that the changes of a run can be reviewed in Git.
        lines = contents[host].decode().splitlines()
        assert sum(line.count("@example.org") == 1 for line in lines) == number
        assert site.stores[host].token not in contents[host].decode()
    assert "unverified" not in first.stdout

    second = site.run(PROVISION).succeeded()

    for host, number in each.items():
        task = bulk(second, host)
        unread = {"desired": number, "unchanged": number, "unverified": number}
        assert counts(task) == unread
        assert not task.result["changed"]
        assert len(site.stores[host].journal()) <= 1
        assert site.record(host).read_bytes() == contents[host]
        assert task.result["last_applied"] == {
            "path": str(site.record(host)),
            "entries": number,
            "verified_at": json.loads(contents[host])["verified_at"],
        }
        message = second.named("Show the run summary", host).result["msg"]
        unchanged = f"{number} unchanged ({number} of them unverified: not read)"
        assert message.startswith(f"{number} desired: {unchanged}; ")
    report = site.report()
    assert report["totals"]["users"]["unverified"] == 47
    assert [one["seats"] for one in report["stores"]] == [None, None]
    assert "47 unchanged users were not read." in site.page()
    assert "As last applied" in site.page()


def test_a_list_that_changes(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.generate_users(BYSTANDERS)
    site = Site(runner, {"north": store})
    site.run(PROVISION).succeeded()
    bystanders = {user["id"] for user in store.users()} - {
        store.user(email=row["email"])["id"] for row in READERS
    }
    renamed = store.user(email=READERS[3]["email"])["id"]
    rows = [
        {**READERS[0], "sessions_limit": 5},
        *READERS[1:3],
        {**READERS[3], "email": "renamed@example.org"},
        # Readers 4 and 5 have left.
        *READERS[6:],
        {**READERS[4], "email": "joiner@example.org", "external_id": "joiner"},
    ]
    site.declare("north", rows)
    store.configure(latency=200)

    run = site.run(PROVISION, PUBLICA_PROGRESS_INTERVAL="0.1").succeeded()

    store.configure(latency=0)
    assert counts(bulk(run)) == {
        "desired": 39,
        "created": 1,
        "updated": 2,
        "deactivated": 2,
        "unchanged": 36,
        "unverified": 36,
    }
    # The first page, a look-up for each of six users (the renamed one has two addresses), the
    # writes of five: not the fifteen pages of the store.
    assert len(store.journal()) <= 14
    assert "36 not read" in run.stdout
    assert "36 unchanged (36 of them unverified: not read)" in run.stdout
    active = {user["email"]: user["id"] for user in store.users(active=True)}
    assert bystanders <= set(active.values())
    assert active["renamed@example.org"] == renamed
    assert {READERS[n]["email"] for n in (3, 4, 5)}.isdisjoint(active)
    assert len(active) == len(bystanders) + len(rows)
    changes = site.report()["changes"]
    left = [change["email"] for change in changes if change["leaver"]]
    assert sorted(left) == [READERS[4]["email"], READERS[5]["email"]]
    assert "no longer in the inventory" in site.page()

    # An audit also finds what others changed, and leaves the record and its lock alone.
    other = store.user(email=READERS[9]["email"])["id"]
    store.change_user(other, sessions_limit=9)
    site.declare("north", [row for row in rows if row["email"] != READERS[8]["email"]])
    content = site.record().read_bytes()
    (site.records / "north.json.lock").unlink()

    audit = site.run(AUDIT, "-e", "publica_audit_fail=true").failed()

    assert counts(bulk(audit)) == {
        "desired": 38,
        "updated": 1,
        "deactivated": 1,
        "unchanged": 37,
    }
    assert store.journal(writes=True) == []
    assert [path.name for path in site.records.iterdir()] == ["north.json"]
    assert site.record().read_bytes() == content
    report = site.report()
    assert {(one["email"], one["leaver"]) for one in report["changes"]} == {
        (READERS[8]["email"], True),
        (READERS[9]["email"], False),
    }
    assert report["stores"][0]["seats"]["active"] == len(active)

    repaired = site.run(PROVISION, "-e", "publica_users_verify=all").succeeded()

    assert counts(bulk(repaired)) == counts(bulk(audit))
    assert store.user(id=other)["sessions_limit"] == 1
    assert bystanders <= {user["id"] for user in store.users(active=True)}
    assert site.report()["stores"][0]["seats"]["active"] == len(active) - 1


@pytest.mark.every_core
def test_a_record_of_another_host_or_of_several(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    stores = {"north": store, "south": south, "west": south, "east": store}
    site = Site(runner, stores)
    # Relative to the working directory of the module.
    named = {
        "north": "{{ inventory_dir }}/south.json",
        "south": "a.json",
        "west": "./a.json",
        "east": "{{ playbook_dir }}/{{ inventory_hostname }}.json",
    }
    for host, path in named.items():
        variables = {"publica_users_last_applied": path}
        runner.write(f"inventory/host_vars/{host}/record.yml", variables)

    run = site.run(PROVISION).failed()

    errors = {task.host: task for task in run.tasks if task.failed}
    assert {task.code for task in errors.values()} == {"invalid_input"}
    messages = {host: " ".join(task.result["msg"].split()) for host, task in errors.items()}
    assert "south.json' is named after the host south, but this host is north" in messages["north"]
    assert "is in the directory of this collection's playbooks" in messages["east"]
    for host in ("south", "west"):
        assert "publica_users_last_applied: 'a.json' is the record of south, west" in messages[host]
        assert "No request was sent." in messages[host]
        assert "{{ inventory_hostname }}" in messages[host]
    assert [one.journal() for one in (store, south)] == [[], []]
    assert list(site.records.iterdir()) == []


@pytest.mark.full
def test_a_variable_of_the_play_and_a_loop_over_stores(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    site = Site(runner, {"north": store, "south": south})
    shared = ["-e", f"publica_users_last_applied={site.records}/all.json"]
    of_play = {
        "hosts": "publica_stores",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "publica_users_last_applied": f"{site.records}/all.json",
            "ansible_python_interpreter": INTERPRETER,
        },
        "roles": [{"role": "publica.la.publica_users"}],
    }
    playbook = runner.write("of-play.yml", [of_play])

    for run in (site.run(PROVISION, *shared), site.run(str(playbook))):
        failed = [task for task in run.failed().tasks if task.failed]
        assert {task.host for task in failed} == {"north", "south"}
        assert all("is the record of north, south" in task.result["msg"] for task in failed)

    # In a loop, the item is the store.
    options = {
        "base_url": "{{ hostvars[item].publica_users_base_url }}",
        "api_token": "{{ hostvars[item].publica_users_api_token }}",
        "users": READERS[:2],
        "last_applied": f"{site.records}/{{{{ item }}}}.json",
    }
    task = {"name": "Provision", "publica.la.publica_user_bulk": options}
    play = {
        "hosts": "north",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": INTERPRETER},
        "tasks": [{**task, "loop": ["north", "south"]}],
    }
    site.run(str(runner.write("loop.yml", [play]))).succeeded()

    assert {path.stem for path in site.records.glob("*.json")} == {"north", "south"}
    assert [len(one.users()) for one in (store, south)] == [2, 2]
