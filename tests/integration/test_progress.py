# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of a long run: in a terminal, in logs and in a file; and interrupted runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.documentation import SUPPORT
from support.in_process import ModuleRunner
from support.inventories import connection_of, write_hosts
from support.playbooks import LOCALHOST, PlaybookRunner, Run
from support.terminal import COLUMNS, Terminal

# With two workers and 50 ms a request, 60 users take at least 1.5 s.
LATENCY = 50
# Longer than any test waits for a request that the store holds back.
HELD_SECONDS = 250
ROWS = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(60)]
# Enough for a run to be interrupted.
MANY = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(3000)]
BUSY = r"^localhost: \D*\d+/60 "
WORKING = r"(?m)localhost: [1-9]\d*/60 users"
LAST = r"^localhost: \D*60/60 "
INTERRUPTED = r"localhost: interrupted\D*([\d,]+)\D+3,?000\D+([\d,]+) created"
ANY_LINE = r"(?m)^(?:localhost|press|faro): "
HOST = LOCALHOST["all"]["hosts"]["localhost"]


def bulk(name: str, users: Any = None, **options: Any) -> dict[str, Any]:
    """A task with progress lines; an option that is None is left out."""
    common = {"concurrency": 2, "progress_interval": 0.2, "lookup": "list"}
    options = {**common, "timeout": HELD_SECONDS, **options}
    given = {key: value for key, value in options.items() if value is not None}
    return {"name": name, "publica.la.publica_user_bulk": {"users": users or ROWS, **given}}


def progress_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(ANY_LINE, line)]


def rows_of(name: str, rows: Any = None) -> list[dict[str, Any]]:
    """Rows with addresses and external ids of their own."""
    return [{key: f"{name}-{value}" for key, value in row.items()} for row in rows or ROWS]


def left_behind(directory: Path) -> list[Path]:
    return list(directory.rglob("publica-progress-*"))


@pytest.fixture
def slow_store(store: SandboxStore) -> SandboxStore:
    store.configure(latency=LATENCY)
    return store


def hold(store: SandboxStore, *creations: int) -> None:
    """Hold back the creations with these numbers until the store is to release them."""
    for number in creations:
        store.fault("hang", endpoint="create", nth=number, seconds=HELD_SECONDS)


@contextmanager
def held_until(store: SandboxStore, is_seen: Callable[[], bool], *creations: int) -> Iterator[None]:
    """Hold back creations of the run in the block until something is seen, or the run has ended."""
    hold(store, *creations)
    over = threading.Event()

    def watch() -> None:
        while not is_seen() and not over.wait(0.05):
            pass
        store.release()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def in_terminal(
    runner: PlaybookRunner, store: SandboxStore, task: dict[str, Any], **environment: str
) -> Terminal:
    command = runner.command(
        runner.play_of([task], store),
        runner.write("localhost.yml", LOCALHOST),
        environment=environment,
    )
    return Terminal(command, runner.directory)


class TestLines:
    def test_in_a_terminal_while_the_task_runs(
        self, store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        hold(store, 30)
        with in_terminal(runner, store, bulk("many")) as terminal:
            terminal.wait_for(WORKING)
            already = len(store.users())
            store.release()
            assert terminal.wait() == 0
            lines = progress_of("\n".join(terminal.lines))

        assert 0 < already < len(ROWS)
        assert re.match(LAST, lines[-1])
        assert max(map(len, lines)) <= COLUMNS
        done = [int(count) for count in re.findall(r": (\d+)/60 users", "\n".join(lines))]
        assert done == sorted(done)
        assert len(store.users()) == len(ROWS)
        assert left_behind(runner.directory) == []

    @pytest.mark.parametrize("callback", ["default", "jsonl"])
    @pytest.mark.full
    def test_in_logs_with_any_callback(
        self, slow_store: SandboxStore, runner: PlaybookRunner, callback: str
    ) -> None:
        """Also with the interval of module_defaults, and not for runs shorter than the interval."""
        log = runner.directory / "ansible.log"
        environment = {"ANSIBLE_STDOUT_CALLBACK": callback, "ANSIBLE_LOG_PATH": str(log)}
        defaults = {
            "group/publica.la.publica": {
                "base_url": slow_store.base_url,
                "api_token": slow_store.token,
            },
            "publica.la.publica_user_bulk": {"progress_interval": 0.2},
        }
        tasks = [bulk("many", progress_interval=None), bulk("few", progress_interval=600)]

        run = runner.tasks(
            tasks, slow_store, play={"module_defaults": defaults}, environment=environment
        ).succeeded()

        is_document = callback == "jsonl"
        # Not in a document on standard output that a program reads.
        shown, other = (run.stderr, run.stdout) if is_document else (run.stdout, run.stderr)
        lines = progress_of(shown)
        assert any(re.match(BUSY, line) for line in lines)
        assert re.match(LAST, lines[-1])
        assert progress_of(other) == []
        logged = [line.partition("| ")[2] for line in log.read_text().splitlines()]
        assert [line for line in logged if re.match(ANY_LINE, line)] == lines
        assert left_behind(runner.directory) == []
        if is_document:
            assert json.loads(run.stdout)["localhost"]["changed"] == 1

    @pytest.mark.full
    def test_of_every_host_and_as_another_user(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        # Two hosts of one store.
        hosts = dict.fromkeys(("press", "faro"), HOST)
        inventory = runner.write("stores.yml", {"all": {"hosts": hosts}})
        rows = {name: rows_of(name) for name in hosts}
        task = bulk("many", users="{{ rows[inventory_hostname] }}")
        environment = {}
        if os.geteuid() == 0 and shutil.which("su"):
            task |= {"become": True, "become_method": "su"}
            environment = {"ANSIBLE_BECOME_ALLOW_SAME_USER": "true"}
        play = runner.play_of([task], slow_store, {"hosts": "all", "vars": {"rows": rows}})

        run = runner.playbook(play, inventory, environment=environment).succeeded()

        lines = progress_of(run.stdout)
        for name in hosts:
            last = [line for line in lines if line.startswith(f"{name}: ")][-1]
            assert re.search(r"60/60 .*60 created", last)

    @pytest.mark.full
    @pytest.mark.oldest_core
    def test_a_wait_for_the_rate_limit(self, store: SandboxStore, runner: PlaybookRunner) -> None:
        store.configure(rate_limit=30, rate_limit_window=2)

        run = runner.tasks([bulk("many")], store).succeeded()

        waits = [line for line in progress_of(run.stdout) if ", waiting " in line]
        assert waits
        assert all(re.search(r"waiting \d+ s (for|\()", line) for line in waits)
        assert max(map(len, waits)) <= COLUMNS

    def test_by_the_role_and_in_check_mode(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        slow_store.generate_users(1200)
        variables = {
            **connection_of(slow_store),
            "publica_users_desired": ROWS,
            "publica_users_lookup": "list",
            "publica_users_progress_interval": 0.2,
        }
        inventory = write_hosts(runner, {"press": variables})

        checked, applied = (
            progress_of(runner.playbook("publica.la.provision", inventory, arguments=words)
                        .succeeded().stdout)
            for words in (["--check"], [])
        )  # fmt: skip

        assert len(checked) > 1
        assert re.search(r"\d+ requests", checked[-1])
        assert re.search(r"60/60 .*60 created", applied[-1])

    @pytest.mark.full
    def test_none_where_they_are_unwanted_or_impossible(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        cases: dict[str, dict[str, Any]] = {
            "switched-off": {},
            "no-log": {"no_log": True},
            "async": {"async": 60, "poll": 1},
            "another-connection": {"vars": {"ansible_connection": "elsewhere"}},
            "delegated": {"delegate_to": "far"},
        }
        tasks = [
            {
                **bulk(name, users=rows_of(name), progress_interval=0 if not keywords else 0.2),
                **keywords,
            }
            for name, keywords in cases.items()
        ]
        hosts = {"localhost": HOST, "far": {**HOST, "ansible_connection": "elsewhere"}}
        inventory = runner.write("far.yml", {"all": {"hosts": hosts}})

        run = runner.playbook(
            runner.play_of(tasks, slow_store), inventory, environment=elsewhere(runner)
        ).succeeded()

        assert progress_of(run.output) == []
        assert len(slow_store.users()) == len(ROWS) * len(cases)

    def test_the_environment_sets_the_interval(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        task = {**bulk("many", progress_interval=None), "check_mode": True}
        environment = {"PUBLICA_PROGRESS_INTERVAL": "0.1"}

        run = runner.tasks([task], slow_store, environment=environment).succeeded()

        assert progress_of(run.output)


def elsewhere(runner: PlaybookRunner) -> dict[str, str]:
    return {
        "ANSIBLE_CONNECTION_PLUGINS": str(SUPPORT / "connection_plugins"),
        "ANSIBLE_REMOTE_TEMP": str(runner.directory / "remote"),
        "ANSIBLE_PIPELINING": "true",
    }


class TestFile:
    @pytest.mark.full
    @pytest.mark.oldest_core
    def test_of_an_asynchronous_task(self, store: SandboxStore, runner: PlaybookRunner) -> None:
        # The first task creates 60 users, the second one as many.
        hold(store, 90)
        path = runner.directory / "progress.json"
        state = "{{ lookup('ansible.builtin.file', path) | from_json }}"
        polled = bulk("polled", users=rows_of("polled"), progress_file=str(path))
        tasks = [
            {**polled, "async": 60, "poll": 1},
            {"name": "removed", "ansible.builtin.file": {"path": str(path), "state": "absent"}},
            {
                **bulk("background", progress_file=str(path)),
                "async": 60,
                "poll": 0,
                "register": "job",
            },
            {
                "name": "there",
                "ansible.builtin.wait_for": {"path": str(path), "search_regex": '"done": [1-9]'},
            },
            {"name": "seen", "ansible.builtin.set_fact": {"seen": state}},
            {
                "name": "released",
                "ansible.builtin.uri": {
                    "url": f"{store.base_url}/_sandbox/hanging",
                    "method": "DELETE",
                    "status_code": 204,
                },
            },
            {
                "name": "over",
                "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
                "register": "over",
                "until": "over is finished",
                "retries": 100,
                "delay": 1,
            },
        ]

        run = runner.tasks(
            tasks, store, play={"vars": {"path": str(path)}}, environment=elsewhere(runner)
        ).succeeded()

        assert progress_of(run.output) == []
        final = json.loads(path.read_text())
        assert (final["phase"], final["ended"]) == ("finishing", True)
        assert (final["done"], final["created"]) == (60, 60)
        assert path.stat().st_mode & 0o777 == 0o600
        seen = run.named("seen").result["ansible_facts"]["seen"]
        assert (seen["phase"], seen["ended"]) == ("applying", False)
        assert 0 < seen["done"] < seen["total"] == 60
        assert run.named("polled").result["summary"]["created"] == 60

    def test_given_by_the_task_is_followed_and_stays(
        self, store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        log = runner.write("ansible.log", "")
        path = runner.write("progress.json", '{"phase": "finishing", "done": 999}')
        rows = [{**row, "sessions_limit": 2} for row in ROWS]
        tasks = [
            bulk("many", progress_file=str(path)),
            *(
                {**bulk(name, users=rows, progress_interval=seconds), "check_mode": True}
                for name, seconds in (("with", 0.2), ("without", 0))
            ),
        ]

        # A result has an invocation from 2.21 on only on request.
        environment = {"ANSIBLE_INJECT_INVOCATION": "true", "ANSIBLE_LOG_PATH": str(log)}
        with held_until(store, lambda: bool(re.search(WORKING, log.read_text())), 30):
            run = runner.tasks(tasks, store, environment=environment).succeeded()

        lines = progress_of(run.stdout)
        assert any(re.match(LAST, line) for line in lines)
        assert not any("999" in line for line in lines)
        assert json.loads(path.read_text())["done"] == 60
        # The result does not depend on progress.
        shown, silent = (_comparable(run, name) for name in ("with", "without"))
        assert shown == silent
        assert shown["summary"]["updated"] == len(ROWS)

    def test_that_cannot_be_written_gives_a_warning(
        self, store: SandboxStore, modules: ModuleRunner
    ) -> None:
        target = modules.write("target", "precious")
        link = modules.directory / "link"
        link.symlink_to(target)
        inventory = modules.write("hosts.yml", "all: {hosts: {}}\n")
        nowhere = modules.directory / "nowhere" / "progress.json"
        paths = [str(link), str(inventory), str(nowhere)]
        tasks = [bulk(path, progress_file=path, progress_interval=5) for path in paths]
        tasks.append({**bulk("negative", progress_interval=-1), "ignore_errors": True})
        tasks.append({**bulk("text", progress_interval="often"), "ignore_errors": True})

        run = modules.tasks(tasks, store).succeeded()

        for path in paths:
            assert "progress_file" in str(run.named(path).result["warnings"])
        assert target.read_text() == "precious"
        assert link.is_symlink()
        assert inventory.read_text() == "all: {hosts: {}}\n"
        assert list(run.named("negative").result["failure"]["fields"]) == ["progress_interval"]
        assert "progress_interval" in run.named("text").result["msg"]


def _comparable(run: Run, name: str) -> dict[str, Any]:
    result = run.named(name).result
    assert result["invocation"]["module_args"].pop("progress_interval") in (0.2, 0)
    assert result["invocation"]["module_args"]["progress_file"] is None
    return result


class TestInterrupted:
    @pytest.mark.parametrize(
        "how", ["ctrl-c", "SIGKILL", pytest.param("SIGTERM", marks=pytest.mark.full)]
    )
    def test_ansible_playbook_reports_what_was_done(
        self, slow_store: SandboxStore, runner: PlaybookRunner, how: str
    ) -> None:
        log = runner.directory / "ansible.log"
        task = bulk("many", users=MANY)
        with in_terminal(runner, slow_store, task, ANSIBLE_LOG_PATH=str(log)) as terminal:
            terminal.wait_for(r"localhost: [1-9]\d*/3,?000 users")
            if how == "ctrl-c":
                terminal.press_ctrl_c()
            else:
                terminal.send_signal(signal.Signals[how])
            line = terminal.wait_for(INTERRUPTED)
            terminal.wait()

        found = re.search(INTERRUPTED, line)
        assert found is not None
        done, created = (int(count.replace(",", "")) for count in found.groups())
        assert done == created
        # Requests that were under way may still have been carried out.
        users = len(slow_store.users())
        assert done <= users <= done + 100
        assert users < len(MANY)
        assert re.search(INTERRUPTED, log.read_text())
        assert left_behind(runner.directory) == []

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
    def test_the_module_reports_what_was_done(
        self, number: signal.Signals, store: SandboxStore, modules: ModuleRunner
    ) -> None:
        task = {**bulk("all"), "ignore_errors": True}

        def interrupted() -> bool:
            if len(store.journal(writes=True)) < 4:
                return False
            os.kill(os.getpid(), number)
            return True

        # One for each worker.
        with held_until(store, interrupted, 5, 6):
            result = modules.tasks([task], store).named("all").result

        assert result["failure"]["code"] == "interrupted"
        assert number.name in result["msg"]
        created = {item["email"] for item in result["results"] if item["changed"]}
        assert {user["email"] for user in store.users()} == created
        assert 4 <= len(created) < len(ROWS)
        assert result["summary"]["created"] == len(created)
        assert result["summary"]["failed"] == len(ROWS) - len(created)
        assert result["changed"] is True

        again = modules.tasks([task], store).succeeded().named("all").result
        assert again["summary"]["created"] == len(ROWS) - len(created)
        assert {user["email"] for user in store.users()} == {row["email"] for row in ROWS}
