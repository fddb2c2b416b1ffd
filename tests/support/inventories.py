# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory with a host for each store and a file for each department."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore

from .playbooks import INTERPRETER, PlaybookRunner, ansible_program

DEPARTMENTS = ("editorial", "library")
SEATS_OF_A_DEPARTMENT = 50
EACH = len(DEPARTMENTS) * SEATS_OF_A_DEPARTMENT  # seats of a store
VAULT_PASSWORD = "a-password-that-only-this-vault-has"
ALL_VARIABLES = {"publica_python_interpreter": INTERPRETER}


def connection_of(store: SandboxStore) -> dict[str, Any]:
    """The variables of the role that reach a store."""
    return {"publica_users_base_url": store.base_url, "publica_users_api_token": store.token}


def write_hosts(runner: PlaybookRunner, hosts: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write an inventory whose stores have these variables; returns its directory."""
    runner.write("inventory/group_vars/all.yml", ALL_VARIABLES)
    stores = {name: dict(variables) for name, variables in hosts.items()}
    return runner.write("inventory/stores.yml", {"publica_stores": {"hosts": stores}}).parent


def write_inventory(
    runner: PlaybookRunner, stores: Mapping[str, SandboxStore], group: str = "publica_stores"
) -> Path:
    """Write an inventory of stores with 100 seats each; returns its directory."""
    for name, store in stores.items():
        runner.write(f"inventory/host_vars/{name}/store.yml", connection_of(store))
        for department in DEPARTMENTS:
            variable = f"publica_users_desired_{department}"
            runner.write(
                f"inventory/host_vars/{name}/{department}.yml", {variable: seats(name, department)}
            )
    runner.write("inventory/group_vars/all.yml", ALL_VARIABLES)
    runner.write("inventory/stores.yml", {group: {"hosts": dict.fromkeys(stores)}})
    return runner.directory / "inventory"


def seats(store: str, department: str) -> list[dict[str, Any]]:
    """The desired users of a department."""
    return [
        {
            "email": f"{department}.{number:02}@{store}.example.org",
            "external_id": f"{department}-{number:02}",
            "plan_id": 12,
            "plan_valid_to": "2031-12-31",
            "sessions_limit": 1 + number % 3,
            "generate_password": True,
        }
        for number in range(SEATS_OF_A_DEPARTMENT)
    ]


def encrypted(runner: PlaybookRunner, variable: str, value: str) -> tuple[str, Path]:
    """A variable encrypted with ansible-vault, as YAML, and the file with the vault's password."""
    password_file = runner.write("vault-password", VAULT_PASSWORD)
    words = ["encrypt_string", "--stdin-name", variable]
    return _ansible_vault(runner, password_file, words, value), password_file


def encrypted_files(runner: PlaybookRunner, contents: Mapping[Path, Mapping[str, Any]]) -> Path:
    """Write encrypted variables files; returns the file with the vault's password."""
    password_file = runner.write("vault-password", VAULT_PASSWORD)
    for path, variables in contents.items():
        path.write_text(yaml.safe_dump(dict(variables)), encoding="utf-8")
    _ansible_vault(runner, password_file, ["encrypt", *map(str, contents)])
    return password_file


def _ansible_vault(
    runner: PlaybookRunner, password_file: Path, words: Sequence[str], value: str = ""
) -> str:
    finished = subprocess.run(
        [
            str(ansible_program("ansible-vault")),
            *words,
            "--vault-password-file",
            str(password_file),
        ],
        input=value,
        env={"HOME": str(runner.directory), "LC_ALL": "C.UTF-8", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return finished.stdout
