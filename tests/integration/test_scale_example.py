# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/scale: six stores on two workers, with the example's own playbook and settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from publica_sandbox.testing import SandboxStore

from support.documentation import collection
from support.inventories import ALL_VARIABLES, VAULT_PASSWORD, encrypted_files
from support.playbooks import PlaybookRunner
from support.workers import LoopbackWorker

EXAMPLE = collection() / "docs" / "examples" / "scale"
# The example has the first two; the others are copies of the first.
STORES = ("press", "university", "north", "south")
SENT_ALONG = ("galaxy.yml", "meta", "playbooks", "plugins", "roles")
PROGRESS = re.compile(r"^\[(\d)/(\d)\] (\w+) on (\w+): (.*)$", re.MULTILINE)
RUN_SECONDS = 240


@dataclass(frozen=True)
class Site:
    """A copy of the example with its stores and workers."""

    directory: Path
    stores: dict[str, SandboxStore]
    workers: dict[str, LoopbackWorker]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the example's program."""
        return subprocess.run(
            [sys.executable, str(self.directory / "provision_stores.py"), *words],
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def use(self, commands: dict[str, list[str]]) -> None:
        (self.directory / "workers.yml").write_text(yaml.safe_dump(commands), encoding="utf-8")

    def declared(self, store: str) -> set[str]:
        """The addresses that the inventory declares for a store."""
        files = (self.directory / "data" / "inventory" / "host_vars" / store).glob("*.yml")
        lists = [
            value
            for path in files
            if path.name != "vault.yml"
            for name, value in yaml.safe_load(path.read_text("utf-8")).items()
            if name.startswith("publica_users_desired")
        ]
        return {user["email"] for users in lists for user in users}

    def holds(self, store: str) -> set[str]:
        """The addresses of a store's active users."""
        return {user["email"] for user in self.stores[store].users(active=True)}

    def writes(self) -> dict[str, int]:
        """How many writes each store has got since the journals were cleared."""
        return {name: len(store.journal(writes=True)) for name, store in self.stores.items()}

    def clear_journals(self) -> None:
        for store in self.stores.values():
            store.clear_journal()


@pytest.fixture
def site(tmp_path: Path, runner: PlaybookRunner) -> Iterator[Site]:
    directory = tmp_path / "scale"
    shutil.copytree(EXAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__", "results"))
    sent = directory / "data" / "project" / "collections" / "ansible_collections" / "publica" / "la"
    sent.mkdir(parents=True)
    for name in SENT_ALONG:
        source = collection() / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, sent / name)
    with ExitStack() as stack:
        stores = {
            name: stack.enter_context(SandboxStore(token=f"token-of-the-store-{name}-0123456789"))
            for name in STORES
        }
        password_file = write_inventory(directory / "data" / "inventory", stores, runner)
        workers = {
            name: stack.enter_context(LoopbackWorker(tmp_path / name, password_file))
            for name in ("left", "right")
        }
        site = Site(directory, stores, workers)
        site.use({name: worker.command for name, worker in workers.items()})
        yield site


def write_inventory(
    inventory: Path, stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> Path:
    """Put the sandbox stores into the example's inventory; returns the vault's password file."""
    hosts = {"publica_stores": {"hosts": dict.fromkeys(stores)}}
    (inventory / "stores.yml").write_text(yaml.safe_dump(hosts, sort_keys=False), "utf-8")
    settings = inventory / "group_vars" / "publica_stores" / "tests.yml"
    settings.write_text(yaml.safe_dump({**ALL_VARIABLES, "publica_users_max_retries": 0}), "utf-8")
    tokens = {}
    for name, store in stores.items():
        variables = inventory / "host_vars" / name
        if not variables.exists():
            shutil.copytree(inventory / "host_vars" / "press", variables)
        own = variables / "store.yml"
        text, count = re.subn(r"https?://\S+", store.base_url, own.read_text("utf-8"))
        assert count == 1
        own.write_text(text, "utf-8")
        tokens[variables / "vault.yml"] = {"vault_api_token": store.token}
    return encrypted_files(runner, tokens)


@pytest.mark.full
def test_each_store_is_provisioned_once_and_one_that_is_down_stops_no_other(site: Site) -> None:
    down = "south"
    site.stores[down].fault(503, times=None)

    first = site.run()

    assert first.returncode == 1, first
    lines = PROGRESS.findall(first.stdout)
    assert [int(count) for count, *_ in lines] == [1, 2, 3, 4]
    workers = {store: worker for _, _, store, worker, _ in lines}
    assert set(workers) == set(STORES)
    assert sorted(workers.values()) == ["left"] * 2 + ["right"] * 2
    assert {name: worker.jobs for name, worker in site.workers.items()} == {"left": 1, "right": 1}
    assert f"  {down} ({workers[down]}): " in first.stdout
    assert "503" in first.stdout
    healthy = [name for name in STORES if name != down]
    assert {name: site.holds(name) for name in healthy} == {
        name: site.declared(name) for name in healthy
    }
    assert site.writes() == {name: len(site.declared(name)) for name in healthy} | {down: 0}

    site.stores[down].clear_faults()
    site.clear_journals()
    second = site.run()

    assert second.returncode == 0, second
    assert "4 of 4 stores completed" in second.stdout
    assert site.holds(down) == site.declared(down)
    assert site.writes() == dict.fromkeys(healthy, 0) | {down: len(site.declared(down))}
    check_no_secret_is_left(site, [first, second])


@pytest.mark.full
def test_the_stores_of_a_missing_worker_can_be_run_again(site: Site) -> None:
    right = site.workers["right"].command
    gone = [sys.executable, "-c", "raise SystemExit('no route to this worker')"]
    site.use({"left": gone, "right": right})

    first = site.run()

    assert first.returncode == 1, first
    left_over = [store for number, store in enumerate(STORES) if number % 2 == 0]
    assert all(f"  {store} (left): " in first.stdout for store in left_over)
    assert {name for name, count in site.writes().items() if count} == set(STORES) - set(left_over)
    (unfinished,) = (site.directory / "results").glob("*/unfinished.txt")
    assert unfinished.read_text("utf-8").split() == left_over

    site.clear_journals()
    site.use({"right": right})
    dry = site.run("--check", "--limit", f"@{unfinished}")

    assert dry.returncode == 0, dry
    assert "2 desired, 2 created" in dry.stdout
    assert set(site.writes().values()) == {0}

    second = site.run("--limit", f"@{unfinished}")

    assert second.returncode == 0, second
    assert "2 of 2 stores completed" in second.stdout
    requested = {name for name, store in site.stores.items() if store.journal()}
    assert requested == set(left_over)
    assert {name: site.holds(name) for name in STORES} == {
        name: site.declared(name) for name in STORES
    }


def check_no_secret_is_left(site: Site, runs: list[subprocess.CompletedProcess[str]]) -> None:
    """Neither in the output or the results, nor at the workers."""
    secrets = [VAULT_PASSWORD, *(store.token for store in site.stores.values())]
    kept = [site.directory, *(worker.home.parent for worker in site.workers.values())]
    texts = [text for run in runs for text in (run.stdout, run.stderr)]
    texts += [text for root in kept for text in texts_in(root)]
    assert [secret for secret in secrets for text in texts if secret in text] == []
    for directory in (site.directory / "results").iterdir():
        assert directory.stat().st_mode & 0o077 == 0
        assert list(directory.glob("*/artifacts/job_events/*.json"))
    left = {path.name for worker in site.workers.values() for path in worker.temporary.iterdir()}
    # The shared rate budget, which holds only counts and times; no files of the jobs.
    assert left <= {f"publica.la-{os.geteuid()}"}


def texts_in(root: Path) -> list[str]:
    """The content of every file below a directory."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return [path.read_text(encoding="utf-8", errors="replace") for path in files]


def test_a_worker_gets_only_the_variables_of_its_stores(tmp_path: Path, example: Any) -> None:
    data = tmp_path / "data"
    shutil.copytree(EXAMPLE / "data", data)
    for store in ("east.example.org", "west.example.org"):
        (data / "inventory" / "host_vars" / f"{store}.yml").write_text("a: 1\n", "utf-8")
    (data / "artifacts").mkdir()

    example.lay_out(data, tmp_path / "sent", ["press", "east.example.org"])

    sent = tmp_path / "sent"
    found = {path.name for path in (sent / "inventory" / "host_vars").iterdir()}
    assert found == {"press", "east.example.org.yml"}
    assert not (sent / "artifacts").exists()
    limit = (sent / "project" / example.SLICE_FILE).read_text("utf-8")
    assert limit.split() == ["press", "east.example.org"]
    assert (sent / "project" / "provision.yml").is_file()
    assert (sent / "env" / "envvars").is_file()


@pytest.fixture(scope="module")
def example() -> Any:
    """The program of the example, imported."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        import provision_stores
    finally:
        sys.path.remove(str(EXAMPLE))
    return provision_stores


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_every_store_is_assigned_once(count: int, example: Any) -> None:
    stores = [f"store-{number}" for number in range(count)]
    workers = {name: ["true"] for name in ("one", "two", "three")}

    slices = example.deal([*stores, stores[0]], workers)

    assigned = [store for one in slices for store in one.stores]
    assert sorted(assigned) == sorted(stores)
    sizes = [len(one.stores) for one in slices]
    assert len(sizes) == min(count, len(workers))
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "names no worker"),
        ("- ansible-runner", "names no worker"),
        ("one: ansible-runner worker", "one: not a list of words"),
        ("one: [ansible-runner, 30]", "put numbers in quotes"),
        ("one: [", "cannot be read"),
    ],
)
def test_bad_workers(
    content: str, message: str, tmp_path: Path, example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "workers.yml"
    path.write_text(content, encoding="utf-8")

    assert example.main(["--data", str(tmp_path), "--workers", str(path)]) == 2

    assert message in capsys.readouterr().err


def test_a_second_run_at_the_same_time_is_refused(
    tmp_path: Path, example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with example.alone(tmp_path):
        assert example.main(["--data", str(tmp_path)]) == 2

    assert "is under way" in capsys.readouterr().err


def test_a_limit_without_a_store(tmp_path: Path, example: Any) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "stores.yml").write_text(
        yaml.safe_dump({"publica_stores": {"hosts": {"press": None}}}), "utf-8"
    )

    assert example.list_stores(tmp_path, "all") == ["press"]
    with pytest.raises(example.CannotStartError, match="No stores in the group"):
        example.list_stores(tmp_path, "library")
