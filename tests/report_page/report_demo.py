# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Demonstration reports: an audit of three sandbox stores with 2,000 users, and their provisioning.

The stores run in this process, so they end with it. The reports are compared with the databases of
the stores. If they differ, the exit code is 1.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore

AUDIT, PROVISION = "publica.la.audit", "publica.la.provision"
GROUP = "publica_stores"
TODAY = datetime.datetime.now(tz=datetime.timezone.utc).date()
# The number of users of each store, and the number of which one is missing, one changed, and so on.
SIZES = {"aurora": (900, 29), "faro": (700, 41), "university": (400, 0)}
FIRST_NAMES = (
    *("ana", "bruno", "carla", "diego", "elena", "farid", "gala", "hugo"),
    *("ines", "joao", "lena", "mateo", "nora", "omar", "pilar"),
)
LAST_NAMES = (
    *("alves", "benitez", "costa", "duarte", "esteves", "ferreira"),
    *("gomez", "lopes", "mendez", "nunes", "ortiz", "prado"),
)
DEPARTMENTS = ("editorial", "library", "guests")
UNKNOWN_PLAN = 99
FORMER_USERS = 14
User = dict[str, Any]


def main() -> int:
    """Write the reports and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="for reports and databases")
    parser.add_argument("--language", choices=["en", "es", "pt"], default="en")
    options = parser.parse_args()
    folder = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "stores").mkdir(parents=True)
    with ExitStack() as stack:
        stores = {name: stack.enter_context(_store(folder, name)) for name in SIZES}
        inventory = _write_inventory(folder, stores)
        problems: list[str] = []
        for title, playbook, expected in (("audit", AUDIT, 0), ("provision", PROVISION, 2)):
            print(f"ansible-playbook {playbook} on {', '.join(SIZES)} ...", flush=True)
            log = folder / f"{title}.log"
            code = _run(playbook, inventory, folder / title, options.language, log)
            problems += _problems(title, code, expected, stores, folder)
    for problem in problems:
        print(f"NOT AS EXPECTED: {problem}", file=sys.stderr)
    if not problems:
        print("\nOpen these in a browser:")
        for title in ("audit", "provision"):
            print(f"  {os.path.relpath(folder / title / 'index.html')}")
    return 1 if problems else 0


def _store(folder: Path, name: str) -> SandboxStore:
    """A store with most of the users that the inventory declares, and some deactivated ones."""
    former = [
        {"email": f"former.{number:02}@{name}.example.org", "active": False}
        for number in range(FORMER_USERS)
    ]
    users = [found for user in desired_users(name) if (found := _before(user))]
    return SandboxStore(
        folder / "stores" / f"{name}.sqlite3",
        token=f"report-demonstration-token-of-{name}",
        users=[*users, *former],
        paginator="full",
    )


def desired_users(store: str) -> list[User]:
    size, every = SIZES[store]
    users = []
    for number in range(size):
        first = FIRST_NAMES[number % len(FIRST_NAMES)]
        last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
        days = 20 + (number * 37) % 700
        users.append(
            {
                "email": f"{first}.{last}.{number:03}@{store}.example.org",
                "external_id": f"{store}-{number:04}",
                "sessions_limit": 1 + number % 3,
                "plan_id": 11 + number % 7 // 3,
                "plan_valid_to": (TODAY + datetime.timedelta(days=days)).isoformat(),
            }
        )
        if every and number % (every * 8) == every:
            # An id with a typing error, which a dry run cannot detect.
            users[-1]["plan_id"] = UNKNOWN_PLAN
        elif every and number % every == 5 and number % 4 == 0:
            users[-1] = {"email": users[-1]["email"], "state": "absent"}
        elif every and number % every == 6:
            users[-1]["state"] = "active"
    return users


def _before(user: User) -> User | None:
    """A declared user as the store has it before the run; None for a user who does not exist."""
    if user.get("state") == "absent":
        return {"email": user["email"], "external_id": f"former-{user['email']}"[:64]}
    number = int(user["external_id"][-4:])
    every = SIZES[user["external_id"].rpartition("-")[0]][1]
    found = {name: user[name] for name in ("email", "external_id", "sessions_limit")}
    plan = {"plan_id": user["plan_id"], "valid_to": user["plan_valid_to"]}
    if every and number % every == 1:
        return None
    if every and number % every == 2:
        found["sessions_limit"] = 9
    if (every and number % every == 3) or plan["plan_id"] == UNKNOWN_PLAN:
        return found
    if every and number % every == 6:
        found["active"] = number % 2 == 1
    return {**found, "plans": [plan]}


def _write_inventory(folder: Path, stores: Mapping[str, SandboxStore]) -> Path:
    """Write an inventory with a host for each store and a file for each department."""
    inventory = folder / "inventory"
    for name, store in stores.items():
        variables = inventory / "host_vars" / name
        variables.mkdir(parents=True)
        connection = {
            "publica_users_base_url": store.base_url,
            "publica_users_api_token": store.token,
        }
        _write(variables / "store.yml", connection)
        users = desired_users(name)
        for place, department in enumerate(DEPARTMENTS):
            listed = {f"publica_users_desired_{department}": users[place :: len(DEPARTMENTS)]}
            _write(variables / f"{department}.yml", listed)
    shared = {"publica_users_defaults": {"generate_password": True, "force_logout": True}}
    (inventory / "group_vars").mkdir()
    _write(inventory / "group_vars" / f"{GROUP}.yml", shared)
    _write(inventory / "stores.yml", {GROUP: {"hosts": dict.fromkeys(stores)}})
    return inventory


def _write(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _run(playbook: str, inventory: Path, reports: Path, language: str, log: Path) -> int:
    """Run a playbook that writes its report, and return its exit code."""
    settings = {"publica_users_report_dir": str(reports), "publica_users_report_language": language}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook]
    command += ["--inventory", str(inventory), "--extra-vars", json.dumps(settings)]
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode


def _problems(
    title: str, code: int, expected: int, stores: Mapping[str, SandboxStore], folder: Path
) -> Iterator[str]:
    """Differences between a report and the database state of its stores."""
    if code != expected:
        yield f"{title} ended with {code} instead of {expected}, see {folder / title}.log"
    path = folder / title / "report.json"
    if not path.exists():
        yield f"{path} is missing"
        return
    totals = json.loads(path.read_text("utf-8"))["totals"]
    expected_seats = {
        state: sum(len(store.users(active=state == "active")) for store in stores.values())
        for state in ("active", "deactivated")
    }
    for state, number in expected_seats.items():
        if totals["seats"][state] != number:
            yield f"{title} counts {totals['seats'][state]} {state} users instead of {number}"
    if not totals["drifted"] or totals["users"]["desired"] != sum(
        n for n, _every in SIZES.values()
    ):
        yield f"{title} lacks users, or all changes"


if __name__ == "__main__":
    sys.exit(main())
