# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a long run is: in a terminal, in logs, when interrupted, and where nobody can tell."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.playbook_runner import INTERPRETER, LOCALHOST, PlaybookRunner, Run
from support.terminal import COLUMNS, Terminal

from support.paths import TESTS

# Two workers and 50 ms a request: 60 users take at least a second and a half.
LATENCY = 50
ROWS = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(60)]
# Enough to be still at work when the test gets round to interrupt.
MANY = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(3000)]
BUSY = r"^localhost: \d+/60 users \(\d+ created\), \d+\.\d/s, \d+ s left$"
LAST = r"^localhost: done, 60/60 users \(60 created\) in \d+ s$"
INTERRUPTED = r"localhost: interrupted after (?:at least )?(\d+) of 3000 users \((\d+) created\)\. "
ANY_LINE = r"(?m)^(?:localhost|press|faro): "


def bulk(name: str, users: list[dict[str, Any]] = ROWS, **options: Any) -> dict[str, Any]:
    options = {"concurrency": 2, "progress_interval": 0.2, **options}
    return {
        "name": name,
        "publica.la.publica_user_bulk": {"users": users, "lookup": "list", **options},
    }


def progress_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(ANY_LINE, line)]


def left_behind(folder: Path) -> list[Path]:
    return list(folder.rglob("publica-progress-*"))


@pytest.fixture
def slow_store(store: SandboxStore) -> SandboxStore:
    store.configure(latency=LATENCY)
    return store


def in_terminal(
    runner: PlaybookRunner, store: SandboxStore, task: dict[str, Any], **environment: str
) -> Terminal:
    command = runner.command(
        runner.play_of([task], store),
        runner.write("localhost.yml", LOCALHOST),
        environment=environment,
    )
    return Terminal(command, runner.folder)


class TestSeen:
    def test_in_a_terminal_while_the_task_runs(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        with in_terminal(runner, slow_store, bulk("many")) as terminal:
            terminal.wait_for(BUSY)
            there_already = len(slow_store.users())
            assert terminal.wait() == 0
            lines = progress_of("\n".join(terminal.lines))

        assert 0 < there_already < len(ROWS)
        assert re.match(LAST, lines[-1])
        assert max(map(len, lines)) <= COLUMNS
        # What is done only grows.
        done = [int(count) for count in re.findall(r": (\d+)/60 users", "\n".join(lines))]
        assert done == sorted(done)
        assert len(slow_store.users()) == len(ROWS)
        assert left_behind(runner.folder) == []

    @pytest.mark.parametrize("callback", ["default", "jsonl"])
    def test_in_logs_with_any_callback(
        self, slow_store: SandboxStore, runner: PlaybookRunner, callback: str
    ) -> None:
        log = runner.folder / "ansible.log"
        environment = {"ANSIBLE_STDOUT_CALLBACK": callback, "ANSIBLE_LOG_PATH": str(log)}

        run = runner.tasks([bulk("many")], slow_store, environment=environment).succeeded()

        is_document = callback == "jsonl"
        # For people where people look; beside the document that a program reads.
        shown, other = (run.stderr, run.stdout) if is_document else (run.stdout, run.stderr)
        lines = progress_of(shown)
        assert any(re.match(BUSY, line) for line in lines)
        assert re.match(LAST, lines[-1])
        assert progress_of(other) == []
        logged = [line.partition("| ")[2] for line in log.read_text().splitlines()]
        assert [line for line in logged if re.match(ANY_LINE, line)] == lines
        if is_document:
            assert json.loads(run.stdout)["localhost"]["changed"] == 1

    def test_of_every_store_by_its_name(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        # Two hosts of one store, which is as good as two for what is shown.
        hosts = dict.fromkeys(("press", "faro"), LOCALHOST["all"]["hosts"]["localhost"])
        inventory = runner.write("stores.yml", {"all": {"hosts": hosts}})
        rows = {name: rows_of(name) for name in hosts}
        task = bulk("many")
        task["publica.la.publica_user_bulk"]["users"] = "{{ rows[inventory_hostname] }}"
        play = runner.play_of([task], slow_store, {"hosts": "all", "vars": {"rows": rows}})

        run = runner.playbook(play, inventory).succeeded()

        lines = progress_of(run.stdout)
        for name in hosts:
            last = [line for line in lines if line.startswith(f"{name}: ")][-1]
            assert f"{name}: done, 60/60 users (60 created)" in last

    def test_a_wait_for_the_rate_limit(self, store: SandboxStore, runner: PlaybookRunner) -> None:
        store.configure(rate_limit=30, rate_limit_window=2)

        run = runner.tasks([bulk("many")], store).succeeded()

        waits = [line for line in progress_of(run.stdout) if ", waiting " in line]
        assert waits
        assert all(re.search(r"waiting \d+ s (for|\()", line) for line in waits)
        assert max(map(len, waits)) <= COLUMNS

    def test_with_the_interval_of_module_defaults(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        task = bulk("many")
        del task["publica.la.publica_user_bulk"]["progress_interval"]
        defaults = {
            "group/publica.la.publica": {
                "base_url": slow_store.base_url,
                "api_token": slow_store.token,
            },
            "publica.la.publica_user_bulk": {"progress_interval": 0.2},
        }

        run = runner.tasks([task], slow_store, play={"module_defaults": defaults}).succeeded()

        assert re.match(LAST, progress_of(run.stdout)[-1])

    def test_by_the_role_and_in_check_mode(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        slow_store.generate_users(1200)
        variables = {
            "publica_users_base_url": slow_store.base_url,
            "publica_users_api_token": slow_store.token,
            "publica_users_desired": ROWS,
            "publica_users_lookup": "list",
            "publica_users_progress_interval": 0.2,
            "publica_python_interpreter": INTERPRETER,
        }
        inventory = runner.write("stores.yml", {"publica_stores": {"hosts": {"press": variables}}})

        runs = [
            runner.playbook("publica.la.provision", inventory, arguments=arguments).succeeded()
            for arguments in (["--check"], [])
        ]

        checked, applied = (progress_of(run.stdout) for run in runs)
        assert any(line.startswith("press: reading the store") for line in checked)
        assert re.match(r"press: done in \d+ s, \d+ requests to read the store", checked[-1])
        assert "press: done, 60/60 users (60 created)" in applied[-1]

    @pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("su"), reason="needs root and su")
    def test_as_another_user(self, slow_store: SandboxStore, runner: PlaybookRunner) -> None:
        task = {**bulk("many"), "become": True, "become_method": "su"}

        run = runner.tasks(
            [task], slow_store, environment={"ANSIBLE_BECOME_ALLOW_SAME_USER": "true"}
        ).succeeded()

        assert re.match(LAST, progress_of(run.stdout)[-1])


class TestSilent:
    def test_a_run_that_is_shorter_than_the_interval(
        self, store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        # However busy the machine is.
        task = bulk("few", progress_interval=600)

        run = runner.tasks([task], store).succeeded()

        assert progress_of(run.output) == []
        assert left_behind(runner.folder) == []

    def test_wherever_it_is_not_wanted_or_not_possible(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        far = {**LOCALHOST["all"]["hosts"]["localhost"], "ansible_connection": "elsewhere"}
        runner.write("far.yml", {"all": {"hosts": {"far": far}}})
        cases: dict[str, dict[str, Any]] = {
            "switched-off": {},
            "no-log": {"no_log": True},
            "async": {"async": 60, "poll": 1},
            "another-connection": {"vars": {"ansible_connection": "elsewhere"}},
            "delegated": {"delegate_to": "far"},
        }
        tasks = [
            {**bulk(name, users=rows_of(name), **options), **keywords}
            for name, keywords in cases.items()
            for options in [{"progress_interval": 0} if name == "switched-off" else {}]
        ]

        run = runner.tasks(
            tasks,
            slow_store,
            arguments=["--inventory", str(runner.folder / "far.yml")],
            environment=elsewhere(runner),
        ).succeeded()

        assert progress_of(run.output) == []
        assert len(slow_store.users()) == len(ROWS) * len(cases)

    def test_where_the_environment_says_so(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        task = bulk("many")
        del task["publica.la.publica_user_bulk"]["progress_interval"]

        runs = [
            runner.tasks(
                [{**task, "check_mode": True}],
                slow_store,
                environment={"PUBLICA_PROGRESS_INTERVAL": seconds},
            ).succeeded()
            for seconds in ("0", "0.1")
        ]

        assert [bool(progress_of(run.output)) for run in runs] == [False, True]


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows with addresses and external ids of their own."""
    return [{key: f"{name}-{value}" for key, value in row.items()} for row in ROWS]


def elsewhere(runner: PlaybookRunner) -> dict[str, str]:
    """Lets a run know the connection ``elsewhere``; its temporary files stay in the folder."""
    return {
        "ANSIBLE_CONNECTION_PLUGINS": str(TESTS / "connection_plugins"),
        "ANSIBLE_REMOTE_TEMP": str(runner.folder / "remote"),
    }


class TestFile:
    @pytest.mark.parametrize("poll", [0, 1])
    def test_of_an_asynchronous_task(
        self, slow_store: SandboxStore, runner: PlaybookRunner, poll: int
    ) -> None:
        path = runner.folder / "progress.json"
        task = {**bulk("many", progress_file=str(path)), "async": 60, "poll": poll}
        state = "{{ lookup('ansible.builtin.file', path) | from_json }}"
        follow = [
            {
                "name": "seen",
                "ansible.builtin.set_fact": {"seen": state},
                "until": "(seen | default({'done': 0})).done | int > 0",
                "retries": 100,
                "delay": 0,
                "when": "poll == 0",
            },
            {
                "name": "over",
                "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
                "register": "over",
                "until": "over is finished",
                "retries": 100,
                "delay": 1,
                "when": "poll == 0",
            },
        ]
        wait = {
            "name": "there",
            "ansible.builtin.wait_for": {"path": str(path), "search_regex": '"applying"'},
            "when": "poll == 0",
        }
        play = {"vars": {"path": str(path), "poll": poll}}

        run = runner.tasks(
            [{**task, "register": "job"}, wait, *follow],
            slow_store,
            play=play,
            environment=elsewhere(runner),
        ).succeeded()

        assert progress_of(run.output) == []
        state_at_end = json.loads(path.read_text())
        assert (state_at_end["phase"], state_at_end["ended"]) == ("finishing", True)
        assert (state_at_end["done"], state_at_end["created"]) == (60, 60)
        assert path.stat().st_mode & 0o777 == 0o600
        if poll == 0:
            seen = run.named("seen").result["ansible_facts"]["seen"]
            assert 0 < seen["done"] <= seen["total"] == 60

    def test_that_a_task_brings_itself_is_followed_and_stays(
        self, slow_store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        path = runner.write("progress.json", '{"phase": "finishing", "done": 999}')

        run = runner.tasks([bulk("many", progress_file=str(path))], slow_store).succeeded()

        lines = progress_of(run.stdout)
        assert re.match(LAST, lines[-1])
        assert not any("999" in line for line in lines)
        assert json.loads(path.read_text())["done"] == 60

    def test_that_cannot_be_written_gives_a_warning(
        self, store: SandboxStore, runner: PlaybookRunner
    ) -> None:
        target = runner.write("target", "precious")
        link = runner.folder / "link"
        link.symlink_to(target)
        paths = [str(link), str(runner.folder / "nowhere" / "progress.json")]
        tasks = [bulk(path, progress_file=path, progress_interval=5) for path in paths]

        run = runner.tasks(tasks, store).succeeded()

        for path in paths:
            assert "progress_file cannot be written" in str(run.named(path).result["warnings"])
        assert target.read_text() == "precious"
        assert link.is_symlink()


def test_a_result_is_the_same_with_progress_and_without(
    slow_store: SandboxStore, runner: PlaybookRunner
) -> None:
    slow_store.add_users(ROWS)
    rows = [{**row, "sessions_limit": 2} for row in ROWS]
    tasks = [
        {**bulk(name, users=rows, **options), "check_mode": True, "diff": True}
        for name, options in (("with", {}), ("without", {"progress_interval": 0}))
    ]

    # From 2.21 on an invocation is told only where it is asked for.
    wish = {"ANSIBLE_INJECT_INVOCATION": "true"}
    run = runner.tasks(tasks, slow_store, environment=wish).succeeded()

    shown, silent = (_comparable(run, name) for name in ("with", "without"))
    assert shown == silent
    assert shown["summary"]["updated"] == len(ROWS)


def _comparable(run: Run, name: str) -> dict[str, Any]:
    result = run.named(name).result
    assert result["invocation"]["module_args"].pop("progress_interval") in (0.2, 0)
    assert result["invocation"]["module_args"]["progress_file"] is None
    return result


def test_an_interval_that_cannot_be_meant(store: SandboxStore, runner: PlaybookRunner) -> None:
    tasks = [
        {**bulk(str(value), progress_interval=value), "ignore_errors": True}
        for value in (-1, "often")
    ]

    run = runner.tasks(tasks, store).succeeded()

    assert list(run.named("-1").result["failure"]["fields"]) == ["progress_interval"]
    assert "progress_interval" in run.named("often").result["msg"]
    assert store.journal() == []


class TestInterrupted:
    @pytest.mark.parametrize("how", ["ctrl-c", "SIGTERM", "SIGKILL"])
    def test_the_operator_learns_what_was_done(
        self, slow_store: SandboxStore, runner: PlaybookRunner, how: str
    ) -> None:
        log = runner.folder / "ansible.log"
        task = bulk("many", users=MANY)
        with in_terminal(runner, slow_store, task, ANSIBLE_LOG_PATH=str(log)) as terminal:
            terminal.wait_for(r"localhost: [1-9]\d*/3000 users")
            if how == "ctrl-c":
                terminal.press_ctrl_c()
            else:
                terminal.send_signal(signal.Signals[how])
            line = terminal.wait_for(INTERRUPTED + r"[^.]+\.")
            terminal.wait()

        told = re.search(INTERRUPTED, line)
        assert told is not None
        assert told[1] == told[2]
        # Requests under way at that moment may still have been carried out, one a worker.
        there = len(slow_store.users())
        assert int(told[1]) <= there <= int(told[1]) + 100
        assert there < len(MANY)
        assert re.search(INTERRUPTED, log.read_text())
        assert left_behind(runner.folder) == []
