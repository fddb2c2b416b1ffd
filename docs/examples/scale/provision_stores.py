# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provision many stores on several workers, each store on exactly one of them.

A store counts requests by token, and only runs on one machine share the rate limit: two workers on
one store would both use the complete limit and be refused. So the stores are distributed before
anything starts, and a store stays with its worker, even if that worker fails.

Exit codes: 0 all stores completed, 1 some did not, 2 nothing was started.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

HERE = Path(__file__).resolve().parent
GROUP = "publica_stores"
PLAYBOOK = "provision.yml"
BULK = "publica.la.publica_user_bulk"
# In the playbook's directory, where ansible-playbook runs on a worker.
SLICE_FILE = "stores-of-this-worker.txt"
VARIABLE_FILES = ("", ".yml", ".yaml", ".json")


class CannotStartError(Exception):
    """An error before anything was started, and how to fix it."""


@dataclass
class Slice:
    """The stores of one worker, and their outcome."""

    worker: str
    command: list[str]
    stores: list[str]
    done: set[str] = field(default_factory=set)
    # Errors by store; the empty name is for an error of the worker itself.
    errors: dict[str, str] = field(default_factory=dict)

    def unfinished(self) -> list[str]:
        """The stores that have not completed."""
        return [store for store in self.stores if store not in self.done]

    def error_of(self, store: str) -> str:
        """Why a store is unfinished."""
        no_result = f"{self.worker} returned no result for it"
        return self.errors.get(store) or self.errors.get("") or no_result


class Progress:
    """Prints a line for each store that has ended, on any worker."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._lock = threading.Lock()

    def store_ended(self, store: str, worker: str, outcome: str) -> None:
        """Print the store's worker and outcome, and how many stores have ended."""
        with self._lock:
            self._count += 1
            print(f"[{self._count}/{self._total}] {store} on {worker}: {outcome}", flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Run the program. Returns its exit code."""
    options = read_options(words)
    try:
        workers = read_workers(options.workers)
        with alone(options.data):
            slices = deal(list_stores(options.data, options.limit), workers)
            results = new_directory(options.results)
            return run(options.data, slices, results, options.check)
    except CannotStartError as error:
        print(f"Nothing was started. {error}", file=sys.stderr)
        return 2


def read_options(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line. It has no secrets, because others can read it in the process list."""
    parser = argparse.ArgumentParser(description="Provision many stores on several workers.")
    parser.add_argument(
        "--data", type=Path, default=HERE / "data", help="the job that is sent to the workers"
    )
    parser.add_argument("--workers", type=Path, default=HERE / "workers.yml")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--limit", default=GROUP, help="a pattern of stores, as for Ansible")
    parser.add_argument("--check", action="store_true", help="show what would change")
    return parser.parse_args(words)


def read_workers(path: Path) -> dict[str, list[str]]:
    """The commands of the workers by their names."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise CannotStartError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not found:
        raise CannotStartError(
            f"{path} names no worker; write one a line, as NAME: [COMMAND, ARGUMENT]."
        )
    wrong = [
        str(name)
        for name, command in found.items()
        if not isinstance(command, list) or not command or not all(map(_is_word, command))
    ]
    if wrong:
        raise CannotStartError(
            f"{path}: {', '.join(wrong)}: not a list of words; put numbers in quotes."
        )
    return {str(name): command for name, command in found.items()}


def _is_word(value: object) -> bool:
    return isinstance(value, str)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold a lock, so that only one run uses the directory. The system releases it at the end."""
    if not data.is_dir():
        raise CannotStartError(f"{data} is not a directory.")
    handle = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise CannotStartError(f"Another run of {data} is under way; wait for it.") from error
    try:
        yield
    finally:
        os.close(handle)


def list_stores(data: Path, limit: str) -> list[str]:
    """The stores, listed by Ansible, which needs no vault password for it."""
    command = [sys.executable, "-m", "ansible", "adhoc", GROUP, "--list-hosts"]
    command += ["--inventory", str(data / "inventory"), "--limit", limit]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    # The first line is the number of hosts.
    stores = [line.strip() for line in listed.stdout.splitlines()[1:] if line.strip()]
    if listed.returncode or not stores:
        raise CannotStartError(
            f"No stores in the group {GROUP} of {data / 'inventory'} for the limit {limit}. "
            f"{listed.stderr.strip()}"
        )
    return stores


def new_directory(results: Path) -> Path:
    """Create a private directory for the results of this run, which name the stores' users."""
    directory = results / time.strftime("%Y%m%d-%H%M%S")
    try:
        directory.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise CannotStartError(f"{directory} cannot be created: {error}") from error
    return directory


def deal(stores: Iterable[str], workers: Mapping[str, list[str]]) -> list[Slice]:
    """Assign each store to exactly one worker, in turn, without workers that get no store."""
    names = list(dict.fromkeys(stores))
    slices = [
        Slice(worker, command, names[number :: len(workers)])
        for number, (worker, command) in enumerate(workers.items())
    ]
    return [one for one in slices if one.stores]


def run(data: Path, slices: Sequence[Slice], results: Path, check: bool) -> int:
    """Run all slices concurrently and print the outcome. Returns the exit code."""
    total = sum(len(one.stores) for one in slices)
    parts = ", ".join(f"{one.worker} {len(one.stores)}" for one in slices)
    print(f"{total} stores: {parts}{' (a dry run)' if check else ''}", flush=True)
    progress = Progress(total)
    with ThreadPoolExecutor(len(slices)) as pool:
        futures = [pool.submit(run_slice, one, data, results, progress, check) for one in slices]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            # The commands are in the terminal's foreground, too, and have received the signal.
            print("Interrupted; waiting for the workers to end.", file=sys.stderr, flush=True)
    return report(slices, results)


def run_slice(one: Slice, data: Path, results: Path, progress: Progress, check: bool) -> None:
    """Send a worker its stores, and read its events until it ends."""
    directory = results / one.worker
    directory.mkdir(mode=0o700)
    with tempfile.TemporaryDirectory(prefix="publica-slice-") as temporary:
        sent = Path(temporary) / "data"
        words = ["--playbook", PLAYBOOK, "--limit", f"@{SLICE_FILE}"]
        words += ["--cmdline=--check --diff"] if check else []
        transmit = [sys.executable, "-m", "ansible_runner", "transmit", str(sent), *words]
        try:
            lay_out(data, sent, one.stores)
            _follow(one, transmit, directory, progress)
        # An error of one worker must not hide the results of the others.
        except Exception as error:
            one.errors[""] = f"{shlex.join(one.command)}: {error}"


def _follow(one: Slice, transmit: list[str], directory: Path, progress: Progress) -> None:
    """Run transmit | worker | process, with the last one in this process to handle each event."""
    with (
        (directory / "errors.txt").open("wb") as errors,
        subprocess.Popen(transmit, stdout=subprocess.PIPE, stderr=errors) as sender,
        subprocess.Popen(
            one.command, stdin=sender.stdout, stdout=subprocess.PIPE, stderr=errors
        ) as worker,
    ):
        if sender.stdout:
            # Leave it open only in the worker, so that the sender notices when the worker ends.
            sender.stdout.close()
        processed = ansible_runner.run(
            streamer="process",
            _input=worker.stdout,
            private_data_dir=str(directory),
            quiet=True,
            event_handler=lambda event: note_event(one, event, progress),
            # ansible-runner passes the second argument by name.
            status_handler=lambda status, runner_config: note_status(one, status),  # noqa: ARG005
        )
    if processed.status == "canceled":
        one.errors.setdefault("", f"{one.worker} was interrupted")
    elif processed.status != "successful":
        one.errors.setdefault("", _last_line(one.worker, directory))


def _last_line(worker: str, directory: Path) -> str:
    """The last line of a worker's output, which mostly has the reason why it ended."""
    for name in ("artifacts/stdout", "errors.txt"):
        path = directory / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return lines[-1]
    return f"{worker} wrote no output"


def note_event(one: Slice, event: Mapping[str, Any], progress: Progress) -> bool:
    """Record a store's outcome from one of Ansible's events. Returns whether to keep the event."""
    kind, about = event.get("event"), event.get("event_data", {})
    store, result = str(about.get("host")), about.get("res") or {}
    if kind == "playbook_on_stats":
        bad = {*about["failures"], *about["dark"]}
        one.done.update(store for store in about["ok"] if store not in bad)
    elif kind in ("runner_on_failed", "runner_on_unreachable") and not about.get("ignore_errors"):
        # A message can have several lines: one for each error.
        one.errors[store] = str(result.get("msg", "failed")).replace("\n", "\n    ")
        progress.store_ended(store, one.worker, f"FAILED: {one.errors[store]}")
    elif kind == "runner_on_ok" and about.get("task_action") == BULK:
        counts = [f"{number} {name}" for name, number in result["summary"].items() if number]
        progress.store_ended(store, one.worker, ", ".join(counts) or "nothing declared")
    return True


def note_status(one: Slice, status: Mapping[str, Any]) -> None:
    """Record why ansible-runner itself failed."""
    if "job_explanation" in status:
        one.errors.setdefault("", str(status["job_explanation"]))


def lay_out(data: Path, sent: Path, stores: Sequence[str]) -> None:
    """Copy everything except the variables of other workers' stores."""
    names = {f"{store}{suffix}" for store in stores for suffix in VARIABLE_FILES}

    def not_sent(directory: str, entries: list[str]) -> list[str]:
        if Path(directory) == data:
            return [entry for entry in entries if entry == "artifacts"]
        if Path(directory).name != "host_vars":
            return []
        return [entry for entry in entries if entry not in names]

    shutil.copytree(data, sent, symlinks=True, ignore=not_sent)
    (sent / "project" / SLICE_FILE).write_text("\n".join(stores) + "\n", encoding="utf-8")


def report(slices: Sequence[Slice], results: Path) -> int:
    """Print every store that has not completed, and why. Returns the exit code."""
    unfinished = [(store, one) for one in slices for store in one.unfinished()]
    total = sum(len(one.stores) for one in slices)
    print(f"{total - len(unfinished)} of {total} stores completed. Results: {results}")
    if not unfinished:
        return 0
    for store, one in unfinished:
        print(f"  {store} ({one.worker}): {one.error_of(store)}")
    again = results / "unfinished.txt"
    again.write_text("".join(f"{store}\n" for store, _one in unfinished), encoding="utf-8")
    print(f"When no worker uses them any more, run only these: --limit @{again}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
