# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports to look at: an audit of three sandbox stores with 2,000 users, and their provisioning.

The stores run in this process, so that they are gone when it is. What the reports say is held
against the stores' own databases; where the two disagree, the exit code is 1.
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
# Users by store, and of so many one each: missing, changed, without their plan, gone, or refused.
SIZES = {"aurora": (900, 29), "faro": (700, 41), "university": (400, 0)}
FIRST_NAMES = [
    "ana",
    "bruno",
    "carla",
    "diego",
    "elena",
    "farid",
    "gala",
    "hugo",
    "ines",
    "joao",
    "lena",
    "mateo",
    "nora",
    "omar",
    "pilar",
]
LAST_NAMES = [
    "alves",
    "benitez",
    "costa",
    "duarte",
    "esteves",
    "ferreira",
    "gomez",
    "lopes",
    "mendez",
    "nunes",
    "ortiz",
    "prado",
]
DEPARTMENTS = ("editorial", "library", "guests")
UNKNOWN_PLAN = 99
LEFT = 14
LANGUAGES = ("en", "es", "pt")
User = dict[str, Any]


def main() -> int:
    """Write the reports. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="for reports and databases")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    options = parser.parse_args()
    folder = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "stores").mkdir(parents=True)
    with ExitStack() as stack:
        stores = {name: stack.enter_context(_store(folder, name)) for name in SIZES}
        inventory = _write_inventory(folder, stores)
        faults = []
        for title, playbook, expected in (("audit", AUDIT, 0), ("provision", PROVISION, 2)):
            print(f"ansible-playbook {playbook} on {', '.join(SIZES)} ...", flush=True)
            log = folder / f"{title}.log"
            code = _run(playbook, inventory, folder / title, options.language, log)
            faults += _faults(title, code, expected, stores, folder)
    for fault in faults:
        print(f"NOT AS EXPECTED: {fault}", file=sys.stderr)
    if not faults:
        print("\nOpen these in a browser:")
        for title in ("audit", "provision"):
            print(f"  {os.path.relpath(folder / title / 'index.html')}")
    return 1 if faults else 0


def _store(folder: Path, name: str) -> SandboxStore:
    """A store that holds most of what the inventory declares, and some who left."""
    left = [
        {"email": f"left.{number:02}@{name}.example.org", "active": False} for number in range(LEFT)
    ]
    held = [found for user in desired_users(name) if (found := _as_found(user))]
    return SandboxStore(
        folder / "stores" / f"{name}.sqlite3",
        token=f"report-demonstration-token-of-{name}",
        users=[*held, *left],
        paginator="full",
    )


def desired_users(store: str) -> list[User]:
    """What the inventory declares for a store."""
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
            # An id that somebody has mistyped; a dry run cannot know it.
            users[-1]["plan_id"] = UNKNOWN_PLAN
        elif every and number % every == 5 and number % 4 == 0:
            users[-1] = {"email": users[-1]["email"], "state": "absent"}
        elif every and number % every == 6:
            users[-1]["state"] = "active"
    return users


def _as_found(user: User) -> User | None:
    """A declared user as the store has it before: some differ, and some are not there at all."""
    if user.get("state") == "absent":
        return {"email": user["email"], "external_id": f"gone-{user['email']}"[:64]}
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
    """A host for each store, and a file for each department."""
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
    """Run a playbook that writes its report. Returns its exit code."""
    told = {"publica_users_report_dir": str(reports), "publica_users_report_language": language}
    words = [str(Path(sys.executable).parent / "ansible-playbook"), playbook]
    words += ["--inventory", str(inventory), "--extra-vars", json.dumps(told)]
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode


def _faults(
    title: str, code: int, expected: int, stores: Mapping[str, SandboxStore], folder: Path
) -> Iterator[str]:
    """What a report says otherwise than its stores."""
    if code != expected:
        yield f"{title} ended with {code} instead of {expected}, see {folder / title}.log"
    path = folder / title / "report.json"
    if not path.exists():
        yield f"{path} is not there"
        return
    totals = json.loads(path.read_text("utf-8"))["totals"]
    truth = {
        state: sum(len(store.users(active=state == "active")) for store in stores.values())
        for state in ("active", "deactivated")
    }
    for state, number in truth.items():
        if totals["seats"][state] != number:
            yield f"{title} tells {totals['seats'][state]} {state} users; there are {number}"
    if not totals["drifted"] or totals["users"]["desired"] != sum(
        n for n, _every in SIZES.values()
    ):
        yield f"{title} does not tell of all users, or of no change"


if __name__ == "__main__":
    sys.exit(main())
