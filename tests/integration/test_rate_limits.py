# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's rate limit in each of its variants: slower, and with the same result."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import rate_limit as window_length
from publica_sandbox.testing import SandboxStore

from support import in_process
from support.documentation import FEWEST_ARGUMENTS
from support.in_process import ModuleRunner
from support.playbooks import PlaybookRunner
from support.variants import Variant

LIMIT, WINDOW, WORKERS = 10, 1.0, 8
ROWS = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(14)]
VARIANTS = [
    {"retry_after": after, "rate_limit_reset": reset, "clock_offset": offset}
    for after, reset, offset in product([True, False], ["refusals", "never"], [0, 3600, -3600])
    # Without a header that holds a time, the clock does not matter.
    if after or reset != "never" or offset == 0
]
# Without a Date, only Retry-After is independent of the clocks.
VARIANTS += [
    {"retry_after": False, "rate_limit_reset": reset, "clock_offset": offset, "date_header": False}
    for reset, offset in product(["refusals", "always"], [0, 3600, -3600])
]
VARIANTS += [
    {"retry_after": True, "rate_limit_reset": "always", "clock_offset": 3600},
    {"retry_after": False, "rate_limit_reset": "always", "clock_offset": -3600},
]


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The length of a window that a client assumes without headers."""
    monkeypatch.setattr(window_length, "DOCUMENTED_SECONDS", WINDOW)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_all_users_are_created_within_the_limit(variant: Variant, store: SandboxStore) -> None:
    store.configure(rate_limit=LIMIT, rate_limit_window=WINDOW, **variant)

    result = in_process.bulk(store, ROWS, concurrency=WORKERS)

    assert "failed" not in result, result
    assert result["summary"]["created"] == len(ROWS)
    assert {user["email"] for user in store.users()} == {row["email"] for row in ROWS}
    assert result["api"]["waited_seconds"] > 0
    journal = store.journal()
    assert len(journal) == result["api"]["requests"]
    refused = [row for row in journal if row["status"] == 429]
    # At most the requests that were under way when the limit was reached.
    assert len(refused) < WORKERS


def test_a_share_is_left_to_other_clients(store: SandboxStore) -> None:
    store.configure(rate_limit=LIMIT, rate_limit_window=WINDOW)

    result = in_process.bulk(store, ROWS, rate_limit_share=50)

    assert result["summary"]["created"] == len(ROWS)
    assert [row for row in store.journal() if row["status"] == 429] == []
    assert result["api"]["waited_seconds"] > WINDOW


def test_no_longer_wait_than_allowed(store: SandboxStore) -> None:
    store.configure(rate_limit=LIMIT, rate_limit_window=60)

    result = in_process.bulk(store, ROWS, max_rate_limit_wait=0.5, concurrency=1)

    assert result["failure"]["code"] == "rate_limited"
    assert "max_rate_limit_wait" in result["msg"]
    created = result["summary"]["created"]
    assert 0 < created < len(ROWS)
    assert len(store.users()) == created


@pytest.mark.full
@pytest.mark.oldest_core
def test_runs_of_one_machine_share_the_limit(store: SandboxStore, tmp_path: Path) -> None:
    runs, each, limit = 4, 24, 30
    store.configure(rate_limit=limit, rate_limit_window=3)
    shared = {"rate_limit_dir": str(tmp_path / "shared")}

    def provision(number: int) -> dict[str, Any]:
        rows = [{"email": f"r{number}-{n}@example.org", "external_id": f"{number}-{n}"}
                for n in range(each)]  # fmt: skip
        runner = PlaybookRunner(tmp_path / f"run-{number}")
        task = {"name": "all", "publica.la.publica_user_bulk": {"users": rows, **shared}}
        return runner.tasks([task], store).succeeded().named("all").result

    with ThreadPoolExecutor(max_workers=runs) as pool:
        results = list(pool.map(provision, range(runs)))

    assert [result["summary"]["created"] for result in results] == [each] * runs
    assert len(store.users()) == runs * each
    journal = store.journal()
    assert len(journal) == sum(result["api"]["requests"] for result in results)
    refused = [row for row in journal if row["status"] == 429]
    # One to learn when the window ends; a second if two runs ask at the same instant.
    assert len(refused) <= max(2, 0.05 * len(journal))
    (file,) = (tmp_path / "shared").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert store.token not in file.read_text()


def test_every_module_takes_a_directory_and_works_without(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    store.add_user(**FEWEST_ARGUMENTS["publica_user"])
    store.configure(rate_limit=1000)
    directories = {"shared": modules.directory / "shared", "file": modules.write("file", "")}
    tasks = [
        {
            "name": f"{module} {name}",
            f"publica.la.{module}": {**options, "rate_limit_dir": str(directory)},
        }
        for name, directory in directories.items()
        for module, options in FEWEST_ARGUMENTS.items()
    ]

    run = modules.tasks(tasks, store).succeeded()

    assert len(list(directories["shared"].iterdir())) == 1
    for task in run.tasks:
        warnings = " ".join(task.result.get("warnings", []))
        assert ("rate_limit_dir" in warnings) is task.name.endswith("file"), task.name
