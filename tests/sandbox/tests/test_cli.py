# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line and its documentation."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from api_client import Api
from typer.main import get_command

from publica_sandbox import database_state
from publica_sandbox.cli import app, main
from publica_sandbox.switches import switch_table
from publica_sandbox.testing import SandboxStore

ROOT = Path(__file__).parents[1]
PAGE = ROOT.parents[1] / "docs" / "sandbox.md"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(ROOT),
    "COLUMNS": "80",
    "LC_ALL": "C.UTF-8",
}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in this process, because starting an interpreter takes longer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("PUBLICA_BASE_URL", "PUBLICA_API_TOKEN", "PUBLICA_SANDBOX_DATABASE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["publica_sandbox", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == code, printed
        return printed.out if code == 0 else printed.err

    return run


def test_serve_until_a_signal(tmp_path):
    ready = tmp_path / "ready.json"
    arguments = [
        "serve", "-d", "s.sqlite3", "--token", "a-token", "--users", "3", "--set", "put=replace",
        "-v",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "publica_sandbox", *arguments, "--ready-file", str(ready)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 15
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    written = json.loads(ready.read_text())
    assert written["pid"] == process.pid
    assert len(Api(written["base_url"], "a-token").records()) == 3
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert out == f"Sandbox store at {written['base_url']} (stop with Ctrl+C)\n"
    assert "GET /integration-api/v1/dashboard/users 200" in err
    assert len(database_state.users(tmp_path / "s.sqlite3")) == 3


def test_seed_and_show(run, tmp_path):
    (tmp_path / "u.yml").write_text(
        "- {email: ada@example.org, external_id: x, plan_id: 11, plan_status: paused}\n"
        "- {email: null, external_id: nowhere-at-all, ip_ranges: [192.0.2.1]}\n"
    )
    arguments = [
        "--users", "5", "--deactivated", "1", "--admins", "1", "--file", "u.yml", "-d", "s.db",
    ]  # fmt: skip
    assert run("seed", *arguments) == "7 users added to s.db\n"
    shown = run("show", "-d", "s.db")
    assert "ada@example.org" in shown
    assert "nowhere-at-all" in shown
    assert "7 of 7 users" in shown
    (user,) = json.loads(run("show", "-d", "s.db", "--email", "ADA@example", "--json"))
    assert user["email"] == "ada@example.org"
    assert (user["plans"][0]["plan_id"], user["plans"][0]["status"]) == (11, "paused")
    assert not {"password_hash", "impersonation_secret"} & set(user)
    assert "1 of 1 users" in run("show", "-d", "s.db", "--deactivated")
    assert "2 of 7 users" in run("show", "-d", "s.db", "--last", 2)
    run("reset", "-d", "s.db")
    assert "0 of 0 users" in run("show", "-d", "s.db")


def test_table_of_switches(run):
    shown = run("switches")
    assert "force_logout_path" in shown
    rows = json.loads(run("switches", "--json"))
    assert {row["variant"] for row in rows} == {None, *range(1, 29)}


def test_control_of_a_running_store(run):
    with SandboxStore(users=1) as store:
        api = Api(store.base_url, store.token)
        url = ("--url", store.base_url)
        assert run("set", *url) == "rate_limit=0\n"
        assert run("set", "put=replace", *url) == "put=replace\nrate_limit=0\n"
        assert "kind=503" in run("fault", "503", "--endpoint", "list", "--times", 0, *url)
        assert [api.list().status_code for _ in range(2)] == [503, 503]
        assert run("fault", "--clear", *url) == ""
        api.list()
        api.create(new_password="Secret-Word-42")
        shown = run("journal", "-d", store.database)
        assert "/dashboard/users" in shown
        assert "Secret" not in shown
        counted = run("journal", "-d", store.database, "--counts")
        assert " ".join(counted.split()[-9:]) == "create 200 1 list 200 1 list 503 2"
        (entry,) = json.loads(run("journal", "-d", store.database, "--writes", "--json"))
        assert entry["changed"] is True
        run("reset", *url)
        assert store.users() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--set", "puts=merge"], "The nearest is 'put'"),
        (["show"], "There is no database"),
        (["journal"], "There is no database"),
        (["set", "put=merge"], "No address"),
        (["set", "put=merge", "--url", "https://store.example"], "not the address of a sandbox"),
        (["set", "put=merge", "--url", "http://127.0.0.1:1"], "No sandbox answers"),
        (["fault", "teapot", "--url", "http://127.0.0.1:1"], "kind"),
        (["seed", "--users", "1", "--admins", "2"], "more than 1"),
    ],
)
def test_errors_end_in_one_line(run, arguments, message):
    error = run(*arguments, code=1)
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_port_that_is_in_use(run, store):
    port = store.base_url.rpartition(":")[2]
    error = run("serve", "--port", port, code=1)
    assert error == f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use.\n"


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def expected_table():
    yield "| # | Switch | Values | |"
    yield "|---|---|---|---|"
    for row in switch_table():
        others = [value for value in row.values.split(" | ") if value != row.default]
        values = ", ".join(f"`{value}`" for value in (row.default, *others) if value != "number")
        yield f"| {row.variant or ''} | `{row.name}` | {values} | {row.about} |"


def test_documented_table_of_switches(page):
    shown = page.partition("<!-- switches: begin -->\n")[2].partition("<!-- switches: end -->")[0]
    assert shown.strip().splitlines() == list(expected_table())


def test_documented_commands_and_options_exist(page):
    commands = get_command(app).commands
    shown = re.findall(r"python -m publica_sandbox (\w+)([^\n`]*)", page)
    assert {name for name, _ in shown} == set(commands)
    for name, arguments in shown:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", arguments)) <= known
