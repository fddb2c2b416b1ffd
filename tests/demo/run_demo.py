# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A demonstration of the main job: preflight, a dry run, the run, a second run, and the report.

One store has its users in lists, one in a workbook. The stores are sandbox stores in this process,
so that they end with it. The results of the runs are compared with the stores' databases and
journals. If they differ, the exit code is 1.
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
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Any

import openpyxl
import yaml
from publica_sandbox.testing import SandboxStore

HERE = Path(__file__).resolve().parent
STORES = HERE / "stores"
EXAMPLE = "tests/demo/stores/inventory.yml"
OVERLAY = "sandboxes.yml"
WIDTH = 79
RATE_LIMIT = 100
PREFLIGHT, PROVISION = "publica.la.preflight", "publica.la.provision"
RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")
User = dict[str, Any]


@dataclass
class Run:
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
    """Preflight, a dry run, the run, and the second run, each with its checks."""
    desired = {name: desired_users(name) for name in stores}
    census_before = {name: census(store) for name, store in stores.items()}
    heading("The users in files, and the stores before")
    for name, users in desired.items():
        files = ", ".join(path.name for path in user_files(name))
        say(f"  {name:<8} {len(users)} users in {files}")
    print_census({f"{name} before": rows for name, rows in census_before.items()})

    rows_before = {name: store.users() for name, store in stores.items()}
    preflight = run_playbook("1. Preflight: what are the stores like?", [], stores, directory)
    checks.check(preflight.exit_code == 0, "the preflight succeeded")
    for name in stores:
        checks.check(preflight.writes[name] == 0, f"{name}: it wrote nothing")

    dry = run_playbook("2. Dry run: what would change?", ["--check", "--diff"], stores, directory)
    checks.check(dry.exit_code == 0, "the dry run succeeded")
    checks.check(
        all(count > 0 for count in dry.changed.values()), "it predicted changes for both stores"
    )
    for name, store in stores.items():
        checks.check(
            dry.writes[name] == 0 and store.users() == rows_before[name],
            f"{name}: it wrote nothing ({dry.requests[name]} requests, {dry.writes[name]} writes)",
        )

    report = directory / "report"
    words = ["--extra-vars", f"publica_users_report_dir={_short(report)}"]
    real = run_playbook("3. The run, with a report", words, stores, directory)
    checks.check(real.exit_code == 0, "the run succeeded")
    for name, store in stores.items():
        wrong = [user["email"] for user in desired[name] if not as_declared(store, user)]
        checks.check(
            not wrong,
            f"{name}: {len(desired[name]) - len(wrong)} of {len(desired[name])} users are as "
            "declared in the store's database",
        )

    again = run_playbook("4. The second run: nothing to change", [], stores, directory)
    checks.check(again.exit_code == 0, "the second run succeeded")
    for name in stores:
        checks.check(
            again.changed[name] == 0 and again.writes[name] == 0,
            f"{name}: nothing changed ({again.requests[name]} requests, "
            f"{again.writes[name]} writes in the store's journal)",
        )
        checks.check(again.endpoints[name] == {"list"}, f"{name}: it requested list pages only")

    page = report / "index.html"
    checks.check(page.exists(), f"the report on both stores is in {_short(page)}")

    heading("The stores before and after")
    print_census(
        {
            f"{name} {when}": rows
            for name, store in stores.items()
            for when, rows in (("before", census_before[name]), ("after", census(store)))
        }
    )
    say()
    runs = {"preflight": preflight, "dry run": dry, "run": real, "second run": again}
    say(f"  {'requests (writes)':<18}" + "".join(f"{name:>12}" for name in runs))
    for name in stores:
        counts = [f"{run.requests[name]} ({run.writes[name]})" for run in runs.values()]
        say(f"  {name:<18}" + "".join(f"{count:>12}" for count in counts))
    seconds = "".join(f"{run.seconds:>12.1f}" for run in runs.values())
    say(f"  {'seconds, both':<18}{seconds}")


def user_files(store: str) -> list[Path]:
    """The files with the users of a store: its lists, or its workbook."""
    return sorted((STORES / "host_vars" / store).glob("*.yml")) or [STORES / f"{store}.xlsx"]


def desired_users(store: str) -> list[User]:
    """The users that the files declare for a store, with their defaults."""
    shared = STORES / "group_vars" / "publica_stores" / "defaults.yml"
    defaults = yaml.safe_load(shared.read_text("utf-8"))["publica_users_defaults"]
    return [{**defaults, **user} for path in user_files(store) for user in _rows_of(path)]


def _rows_of(path: Path) -> Iterator[User]:
    """The rows of a list or of a workbook, by the names of the options."""
    if path.suffix == ".yml":
        yield from chain.from_iterable(yaml.safe_load(path.read_text("utf-8")).values())
        return
    sheet = openpyxl.load_workbook(path).worksheets[0]
    heads, *rows = sheet.iter_rows(values_only=True)
    names = [str(head).lower().replace(" ", "_") for head in heads]
    for row in rows:
        user = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        yield {**user, "plan_valid_to": f"{user['plan_valid_to']:%Y-%m-%d}"}


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
    """Run a playbook, print its output in fewer columns, and count its requests."""
    heading(title)
    overlay = directory / OVERLAY
    playbook = PREFLIGHT if "Preflight" in title else PROVISION
    shown = [f"$ ansible-playbook {playbook}", *([" ".join(options)] if options else [])]
    say(" \\\n    ".join([*shown, f"-i {EXAMPLE} -i {_short(overlay)}\n"]))
    before = {name: len(store.journal()) for name, store in stores.items()}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *options]
    command += ["-i", str(STORES / "inventory.yml"), "-i", str(overlay)]
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
    """Print the next steps with a real store; README.md explains them."""
    heading(f"All checks passed in {seconds:.0f} s. Next steps with your own store:")
    say(
        textwrap.dedent(f"""\
        1. Install the collection, in this directory:
             python3 -m venv ~/publica-venv
             . ~/publica-venv/bin/activate
             python3 -m pip install ansible-core requests openpyxl
             ansible-galaxy collection build --force --output-path dist
             ansible-galaxy collection install --force dist/publica-la-*.tar.gz
        2. Write this with your store's address into inventory.yml, in a directory
           of your own. Don't copy the invented users of this demonstration.
             publica_stores:
               hosts:
                 press:
                   publica_users_base_url: https://YOUR-STORE.publica.la
        3. Create a token in the store's dashboard (Settings > Integrations). Type
           it after this command, which does not show it:
             read -rsp "Token: " PUBLICA_API_TOKEN; export PUBLICA_API_TOKEN
        4. Look at the store, which writes nothing:
             ansible-playbook {PREFLIGHT} -i inventory.yml
        5. Add your users as README.md says under "Your first store". Preview the
           changes, then apply them:
             ansible-playbook {PROVISION} -i inventory.yml --check --diff
             ansible-playbook {PROVISION} -i inventory.yml
        The report of this demonstration is in {_short(directory)}/report/index.html, the
        logs of its runs are in {_short(directory)}.""")
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
