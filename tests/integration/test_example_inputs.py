# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/inputs: every example provisions a sandbox store, and again without a change."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.documentation import collection
from support.inventories import ALL_VARIABLES, encrypted_files
from support.playbooks import PlaybookRunner, Run

EXAMPLES = collection() / "docs" / "examples" / "inputs"
PROVISION = "publica.la.provision"
TABLE_ROW = re.compile(r"^\| \[`([\w-]+)`\]\(\1/\w+\.yml\) \|", re.MULTILINE)
ANA, BRUNO, CARLA = "ana@example.org", "bruno@example.org", "carla@example.org"


class Example:
    """A copy of one example, with sandbox stores at its addresses."""

    def __init__(self, runner: PlaybookRunner, name: str, **stores: SandboxStore) -> None:
        self.directory = runner.directory / name
        self._runner = runner
        self._stores = stores
        shutil.copytree(EXAMPLES / name, self.directory)
        found = set()
        for path in self.directory.rglob("*.yml"):
            text = path.read_text(encoding="utf-8")
            for host, store in stores.items():
                if f"https://{host}.example.org" in text:
                    found.add(host)
                text = text.replace(f"https://{host}.example.org", store.base_url)
            assert ".example.org/" not in text
            path.write_text(text, encoding="utf-8")
        self.addressed = found
        runner.write(f"{name}/group_vars/all.yml", ALL_VARIABLES)

    def runs_twice(
        self,
        playbook: str | Path = PROVISION,
        *,
        environment: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
    ) -> Run:
        """A dry run, and two runs, of which the second changes nothing; returns those two."""
        inventory = self.directory / "inventory.yml"
        if not inventory.exists():
            inventory = self._runner.write("localhost.yml", "localhost:\n")
        before = [store.users() for store in self._stores.values()]
        dry = self._runner.playbook(
            playbook, inventory, environment=environment,
            arguments=[*arguments, "--check", "--diff"],
        ).succeeded()  # fmt: skip
        assert before == [store.users() for store in self._stores.values()]
        twice = self._runner.playbook(
            [playbook, playbook], inventory, environment=environment, arguments=arguments
        ).succeeded()
        assert before != [store.users() for store in self._stores.values()]
        assert any(task.result.get("changed") for task in dry.tasks)
        again = twice.tasks[len(twice.tasks) // 2 :]
        assert not any(task.result.get("changed") for task in again), twice.output
        for store in self._stores.values():
            assert all(store.token not in run.output for run in (dry, twice))
        return twice


def held(store: SandboxStore, email: str) -> dict[str, Any]:
    """A user's row in the database, with the plans."""
    user = store.user(email=email)
    plans = [(plan["plan_id"], plan["valid_to"]) for plan in store.plans_of(user["id"])]
    return {**user, "plans": plans}


def active(store: SandboxStore) -> list[str]:
    return sorted(user["email"] for user in store.users(active=True))


def environment_of(store: SandboxStore) -> dict[str, str]:
    return {"PUBLICA_API_TOKEN": store.token}


@pytest.mark.full
@pytest.mark.oldest_core
def test_a_table_from_a_spreadsheet(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_user(CARLA, external_id="staff-1003")

    Example(runner, "spreadsheet", press=store).runs_twice(environment=environment_of(store))

    assert active(store) == [ANA, BRUNO]
    ana, bruno = held(store, ANA), held(store, BRUNO)
    assert (ana["external_id"], ana["sessions_limit"]) == ("staff-1001", 2)
    assert (bruno["external_id"], bruno["sessions_limit"]) == ("staff-1002", None)
    assert ana["plans"] == bruno["plans"] == [(12, "2031-12-31")]


@pytest.mark.full
def test_an_export_of_a_personnel_system(store: SandboxStore, runner: PlaybookRunner) -> None:
    # Twenty protected users, so that one leaver is less than a tenth.
    store.add_users(
        {"email": f"p{n}@partner.example.org", "external_id": f"p{n}"} for n in range(20)
    )
    store.add_user("gone@example.org", external_id="900", open_sessions=1)
    store.add_user("admin@example.org", external_id="901", admin=True)

    example = Example(runner, "personnel-system", press=store)
    example.runs_twice(environment=environment_of(store))

    assert len(active(store)) == 20 + 1 + 3
    assert held(store, "gone@example.org")["active"] == 0
    assert held(store, "gone@example.org")["forced_logouts"] == 1
    bruno = held(store, BRUNO)
    assert (bruno["external_id"], bruno["sessions_limit"]) == ("1002", 1)


@pytest.mark.full
def test_an_export_of_a_library_system(south: SandboxStore, runner: PlaybookRunner) -> None:
    example = Example(runner, "library-system", university=south)
    example.runs_twice(environment=environment_of(south))

    diego = held(south, "diego@example.org")
    assert diego["external_id"] == "0023401"
    assert diego["plans"] == [(12, "2031-07-31")]
    assert len(active(south)) == 3


@pytest.mark.full
def test_a_file_for_each_department(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_user("diego@example.org", external_id="staff-1004", open_sessions=1)

    Example(runner, "departments", press=store).runs_twice(environment=environment_of(store))

    assert active(store) == [ANA, BRUNO, CARLA]
    assert held(store, ANA)["plans"] == [(13, None)]
    assert held(store, CARLA)["only_sees_readable"]
    assert held(store, "diego@example.org")["forced_logouts"] == 1


@pytest.mark.full
def test_a_token_in_the_vault(store: SandboxStore, runner: PlaybookRunner) -> None:
    example = Example(runner, "vault", press=store)
    vault = example.directory / "group_vars/publica_stores/vault.yml"
    password_file = encrypted_files(runner, {vault: {"vault_publica_api_token": store.token}})
    assert store.token not in vault.read_text(encoding="utf-8")

    example.runs_twice(arguments=("--vault-password-file", str(password_file)))

    assert active(store) == [ANA]


@pytest.mark.full
def test_the_environment(store: SandboxStore, south: SandboxStore, runner: PlaybookRunner) -> None:
    example = Example(runner, "environment", press=store, university=south)
    environment = {
        "PUBLICA_BASE_URL": store.base_url,
        "PUBLICA_API_TOKEN": store.token,
        "UNIVERSITY_BASE_URL": south.base_url,
        "UNIVERSITY_API_TOKEN": south.token,
    }

    example.runs_twice(environment=environment)

    assert active(store) == active(south) == [ANA]


@pytest.mark.full
def test_module_defaults(store: SandboxStore, runner: PlaybookRunner) -> None:
    example = Example(runner, "module-defaults", press=store)

    run = example.runs_twice(
        example.directory / "playbook.yml", environment={"PRESS_API_TOKEN": store.token}
    )

    assert active(store) == [ANA, BRUNO]
    assert held(store, ANA)["plan_admin"]
    assert held(store, BRUNO)["plans"] == [(12, "2031-09-15")]
    received = {float(task.args["timeout"]) for task in run.tasks}
    assert received == {60.0}


@pytest.mark.full
def test_several_stores_with_tokens_of_their_own(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    example = Example(runner, "several-stores", press=store, university=south)
    assert example.addressed == {"press", "university"}
    vaults = {
        example.directory / f"host_vars/{host}/vault.yml": {"vault_api_token": one.token}
        for host, one in (("press", store), ("university", south))
    }
    password_file = encrypted_files(runner, vaults)

    example.runs_twice(arguments=("--vault-password-file", str(password_file)))

    assert active(store) == [ANA, "ines@example.org"]
    assert active(south) == [BRUNO, "ines@example.org"]
    assert held(south, BRUNO)["plans"] == [(12, "2031-07-31")]


def test_every_example_is_in_the_table_and_without_a_secret() -> None:
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    table = TABLE_ROW.findall((EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert sorted(table) == names
    page = (collection() / "docs" / "inputs.md").read_text(encoding="utf-8")
    assert [name for name in names if f"examples/inputs/{name}" not in page] == []
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in names if f'"{name}"' not in tests] == []
    for path in EXAMPLES.rglob("*.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "token:" in line and not line.lstrip().startswith("#"):
                assert "{{" in line, f"{path}: {line}"
