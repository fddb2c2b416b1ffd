# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A demonstration of the main job: two stores, a dry run, the run, and a second run.

The stores are sandbox stores in this process, so that they end with it. The results of the runs are
compared with the stores' databases and journals. If they differ, the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore

HERE = Path(__file__).resolve().parent
INVENTORY = HERE / "inventory"
EXAMPLE = "tests/demo/inventory"
OVERLAY = "sandboxes.yml"
WIDTH = 79
RATE_LIMIT = 100
PLAYBOOK = "publica.la.provision"
RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")
User = dict[str, Any]


@dataclass
class Run:
    """The result of one run of the playbook."""

    seconds: float
    exit_code: int
    changed: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, set[str]] = field(default_factory=dict)


class Checks:
    """Checks of the results, printed as they are made."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def check(self, ok: bool, what: str) -> None:
        """Print a check, and record it if it failed."""
        say(f"  {'ok ' if ok else 'NOT'}  {what}")
        if not ok:
            self.failed.append(what)


def main() -> int:
    """Run the demonstration. Returns its exit code."""
    parser = argparse.ArgumentParser(description="Provision two sandbox stores.")
    parser.add_argument(
        "--folder", type=Path, required=True, metavar="DIRECTORY", help="for databases and logs"
    )
    directory = parser.parse_args().folder.resolve()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    # The type of sys.stdout is any text stream; the real one can be reconfigured.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    checks = Checks()
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            stores = start_stores(stack, directory)
            demonstrate(stores, directory, checks)
    except KeyboardInterrupt:
        say("\nInterrupted.")
        checks.failed.append("the demonstration runs to its end")
    finally:
        say("\nThe sandbox stores are stopped.")
    if checks.failed:
        heading("FAILED CHECKS")
        for what in checks.failed:
            say(f"  - {what}")
        return 1
    next_steps(directory, time.monotonic() - started)
    return 0


def start_stores(stack: ExitStack, directory: Path) -> dict[str, SandboxStore]:
    """Start two stores with most of the inventory's users, and write their addresses."""
    heading("Two sandbox stores")
    stores: dict[str, SandboxStore] = {}
    drift = yaml.safe_load((HERE / "drift.yml").read_text("utf-8"))
    for name, differences in drift.items():
        store = SandboxStore(
            directory / f"{name}.sqlite3",
            token=f"demonstration-token-of-{name}",
            users=users_before(name, differences),
            rate_limit=RATE_LIMIT,
        )
        stores[name] = stack.enter_context(store)
        say(f"  {name:<8} {store.base_url}, {RATE_LIMIT} requests a minute as in a real store")
    # A second inventory for the same hosts: it overrides the address in hosts.yml, and the variable
    # of a host overrides the token in group_vars.
    hosts = {
        name: {"publica_users_base_url": store.base_url, "publica_users_api_token": store.token}
        for name, store in stores.items()
    }
    overlay = yaml.safe_dump({"publica_stores": {"hosts": hosts}})
    (directory / OVERLAY).write_text(overlay, "utf-8")
    return stores


def demonstrate(stores: Mapping[str, SandboxStore], directory: Path, checks: Checks) -> None:
    """A dry run, the run, and the second run, each with its checks."""
    desired = {name: desired_users(name) for name in stores}
    census_before = {name: census(store) for name, store in stores.items()}
    heading("The inventory, and the stores before")
    for name, users in desired.items():
        departments = ", ".join(path.stem for path in sorted(department_files(name)))
        say(f"  {name:<8} {len(users)} users declared ({departments})")
    print_census({f"{name} before": rows for name, rows in census_before.items()})

    rows_before = {name: store.users() for name, store in stores.items()}
    dry = run_playbook("1. Dry run: what would change?", ["--check", "--diff"], stores, directory)
    checks.check(dry.exit_code == 0, "the dry run succeeded")
    checks.check(
        all(count > 0 for count in dry.changed.values()), "it predicted changes for both stores"
    )
    for name, store in stores.items():
        checks.check(
            dry.writes[name] == 0 and store.users() == rows_before[name],
            f"{name}: it wrote nothing ({dry.requests[name]} requests, {dry.writes[name]} writes)",
        )

    real = run_playbook("2. The run", [], stores, directory)
    checks.check(real.exit_code == 0, "the run succeeded")
    for name, store in stores.items():
        wrong = [user["email"] for user in desired[name] if not as_declared(store, user)]
        checks.check(
            not wrong,
            f"{name}: {len(desired[name]) - len(wrong)} of {len(desired[name])} users are as "
            "declared in the store's database",
        )

    again = run_playbook("3. The second run: nothing to change", [], stores, directory)
    checks.check(again.exit_code == 0, "the second run succeeded")
    for name in stores:
        checks.check(
            again.changed[name] == 0 and again.writes[name] == 0,
            f"{name}: nothing changed ({again.requests[name]} requests, "
            f"{again.writes[name]} writes in the store's journal)",
        )
        checks.check(again.endpoints[name] == {"list"}, f"{name}: it requested list pages only")

    heading("The stores before and after")
    print_census(
        {
            f"{name} {when}": rows
            for name, store in stores.items()
            for when, rows in (("before", census_before[name]), ("after", census(store)))
        }
    )
    say()
    say(f"  {'requests (writes)':<18}{'dry run':>12}{'run':>12}{'second run':>12}")
    for name in stores:
        counts = [f"{run.requests[name]} ({run.writes[name]})" for run in (dry, real, again)]
        say(f"  {name:<18}" + "".join(f"{count:>12}" for count in counts))
    seconds = "".join(f"{run.seconds:>12.1f}" for run in (dry, real, again))
    say(f"  {'seconds, both':<18}{seconds}")


def department_files(store: str) -> list[Path]:
    """The files of a store in the inventory, one for each department."""
    return sorted((INVENTORY / "host_vars" / store).glob("*.yml"))


def desired_users(store: str) -> list[User]:
    """The users that the inventory declares for a store, with their defaults."""
    shared = INVENTORY / "group_vars" / "publica_stores" / "defaults.yml"
    defaults = yaml.safe_load(shared.read_text("utf-8"))["publica_users_defaults"]
    return [
        {**defaults, **user}
        for path in department_files(store)
        for users in yaml.safe_load(path.read_text("utf-8")).values()
        for user in users
    ]


def users_before(store: str, drift: Mapping[str, Any]) -> list[User]:
    """The users of a store before the first run: those declared, changed by the drift."""
    as_found = drift["as_found"]
    users = [
        {**_as_stored(user), **as_found.get(user["external_id"], {})}
        for user in desired_users(store)
        if user["external_id"] not in drift["missing"]
    ]
    return [*users, *drift["unlisted"]]


def _as_stored(user: User) -> User:
    stored = ("email", "external_id", "sessions_limit", "admin", "plan_admin")
    plan = {"plan_id": user["plan_id"], "valid_to": user["plan_valid_to"]}
    return {name: user[name] for name in stored if name in user} | {"plans": [plan]}


def as_declared(store: SandboxStore, user: User) -> bool:
    """Whether the user in the store's database is as the inventory declares it."""
    try:
        row = store.user(external_id=user["external_id"])
    except LookupError:
        return False
    if user.get("state") == "absent":
        return not row["active"]
    names = ("email", "sessions_limit", "admin", "plan_admin")
    plan = (user["plan_id"], user["plan_valid_to"])
    return (
        row["active"]
        and all(row[name] == user[name] for name in names if name in user)
        and plan in {(held["plan_id"], held["valid_to"]) for held in store.plans_of(row["id"])}
    )


def run_playbook(
    title: str, options: list[str], stores: Mapping[str, SandboxStore], directory: Path
) -> Run:
    """Run the playbook, print its output in fewer columns, and count its requests."""
    heading(title)
    overlay = directory / OVERLAY
    say(f"$ ansible-playbook {PLAYBOOK} {' '.join(options)}".rstrip() + " \\")
    say(f"    -i {EXAMPLE} -i {_short(overlay)}\n")
    before = {name: len(store.journal()) for name, store in stores.items()}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), PLAYBOOK, *options]
    command += ["-i", str(INVENTORY), "-i", str(overlay)]
    started = time.monotonic()
    changed: dict[str, int] = {}
    log = directory / f"{title.split('.')[0]}.log"
    with _started(command) as process, log.open("w", encoding="utf-8") as file:
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if recap := RECAP.match(line):
                changed[recap[1]] = int(recap[3])
            say(narrow(line))
        exit_code = process.wait()
    run = Run(time.monotonic() - started, exit_code, changed)
    for name, store in stores.items():
        entries = store.journal()[before[name] :]
        run.requests[name] = len(entries)
        run.writes[name] = sum(entry["write"] for entry in entries)
        run.endpoints[name] = {str(entry["endpoint"]) for entry in entries}
        # A store that is missing in the recap was not reached.
        run.changed.setdefault(name, -1)
    return run


def narrow(line: str) -> str:
    """A line of Ansible's output without its asterisks, wrapped if it is too long."""
    if recap := RECAP.match(line):
        name, ok, changed, unreachable, failed = recap.groups()
        return f"{name:<8} ok={ok} changed={changed} unreachable={unreachable} failed={failed}"
    line = re.sub(r" \*+$", "", line.rstrip())
    return "\n".join(textwrap.wrap(line, WIDTH, subsequent_indent="    ")) if line.strip() else ""


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended with its children at the end of the block."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "ANSIBLE_NOCOLOR": "1"}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def census(store: SandboxStore) -> dict[str, int]:
    """The users of a store by state and by plan."""
    counts = {
        "active": len(store.users(active=True)),
        "deactivated": len(store.users(active=False)),
    }
    plans = store.sql(
        "SELECT plans.name AS name, count(DISTINCT users.id) AS number FROM plans "
        "LEFT JOIN user_plans ON user_plans.plan_id = plans.id "
        "LEFT JOIN users ON users.id = user_plans.user_id AND users.deleted_at IS NULL "
        "GROUP BY plans.id ORDER BY plans.id"
    )
    return counts | {str(plan["name"]): int(plan["number"]) for plan in plans}


def print_census(rows: Mapping[str, Mapping[str, int]]) -> None:
    """Print counts as a table; the plans are those of active users."""
    columns = list(next(iter(rows.values())))
    say(f"\n  {'users':<15}" + "".join(f"  {name}" for name in columns))
    for title, counts in rows.items():
        say(f"  {title:<15}" + "".join(f"  {counts[name]:>{len(name)}}" for name in columns))


def next_steps(directory: Path, seconds: float) -> None:
    """Print the next steps with a real store."""
    heading(f"All checks passed in {seconds:.0f} s. Next steps with your own store:")
    say(
        textwrap.dedent(f"""\
        1. Copy tests/demo/inventory. Write your store's address into hosts.yml, and
           your users into host_vars/<store>/.
        2. Create a token in the store's dashboard (Settings > Integrations):
             export PUBLICA_API_TOKEN=...
        3. Preview the changes, then apply them:
             ansible-playbook {PLAYBOOK} -i inventory --check --diff
             ansible-playbook {PLAYBOOK} -i inventory
        The logs of these runs are in {_short(directory)}; see README.md for more.""")
    )


def _short(path: Path) -> str:
    """A path relative to the current directory."""
    return os.path.relpath(path)


def heading(text: str) -> None:
    say(f"\n{text}\n{'-' * len(text)}")


def say(text: str = "") -> None:
    print(text)


def _end(_number: int, _frame: FrameType | None) -> None:
    """Raise an exception, so that all processes and stores are stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
