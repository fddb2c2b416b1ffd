# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules in this process, over real HTTP: where Ansible itself is not what is tested.

:class:`ModuleRunner` runs a module's ``main`` with its arguments, and returns the same as a run of
ansible-playbook. The functions below it are faster still, and skip Ansible's part of a module.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.connection import (
    connection_from_params,
)
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from publica_sandbox.testing import SandboxStore

from . import documentation
from .playbooks import Run, Runner, TaskRun
from .usage import record_usage

Result = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

SINGLE, BULK = "single", "bulk"
MODULES = (SINGLE, BULK)
COMPLETE_RUN = "the run"
PREFIX = "publica.la."


class ModuleRunner(Runner):
    """Runs tasks in this process; their files are in one directory, the working directory."""

    def tasks(self, tasks: Sequence[Mapping[str, Any]], store: SandboxStore) -> Run:
        """Run tasks as a playbook does, with the store's address and token as defaults.

        Args:
            tasks: Tasks with ``name``, a module, ``check_mode`` and ``ignore_errors``. The value of
                an argument may be a function of the results so far, by the name of the task.
            store: The store, whose database is copied after each task.
        """
        done: list[TaskRun] = []
        printed = []
        for task in tasks:
            action = next(key for key in task if key.startswith(PREFIX))
            results = {earlier.name: earlier.result for earlier in done}
            arguments = {
                name: value(results) if callable(value) else value
                for name, value in task[action].items()
            }
            check = bool(task.get("check_mode"))
            result, text = _main(self.directory, store, action, arguments, check=check)
            printed.append(text)
            status = "ok"
            if result.get("failed"):
                status = "ignored" if task.get("ignore_errors") else "failed"
            copy = str(self.copy(store).database)
            name = str(task["name"])
            done.append(
                TaskRun(name, "localhost", action, arguments, check, status, result, [], copy)
            )
            if status == "failed":
                break
        failed = bool(done) and done[-1].status == "failed"
        record_usage([], 0, [vars(task) for task in done])
        return Run(2 if failed else 0, "\n".join(printed), "", done)


def _main(
    directory: Path, store: SandboxStore, action: str, arguments: Mapping[str, Any], *, check: bool
) -> tuple[Result, str]:
    """The result of a module's ``main``, and all that it printed and logged."""
    name = action.removeprefix(PREFIX)
    connection = {"base_url": store.base_url, "api_token": store.token}
    connects = name in documentation.connecting_module_names()
    given = {
        **(connection if connects else {}),
        **arguments,
        "_ansible_check_mode": check,
        "_ansible_diff": True,
    }
    if "inject_invocation" in PASS_VARS:
        # From ansible-core 2.21 on, a result has an invocation only on request.
        given["_ansible_inject_invocation"] = True
    text = json.dumps({"ANSIBLE_MODULE_ARGS": given}, default=str)
    printed, logged = io.StringIO(), io.StringIO()
    with (
        patch.object(basic, "_ANSIBLE_ARGS", text.encode()),
        # Arguments have a profile from ansible-core 2.19 on.
        patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True),
        patch.object(warnings, "_global_warnings", type(warnings._global_warnings)()),
        patch.object(
            basic.AnsibleModule, "log", lambda _self, line, **_more: logged.write(f"{line}\n")
        ),
        chdir(directory),
        redirect_stdout(printed),
        suppress(SystemExit),
    ):
        documentation.module_named(name).main()
    result: Result = json.loads(printed.getvalue().strip().splitlines()[-1])
    if "warnings" in result:
        # Objects from ansible-core 2.19 on, which ansible-playbook shows as text.
        texts = [w if isinstance(w, str) else w["event"]["msg"] for w in result["warnings"]]
        result["warnings"] = texts
    return result, printed.getvalue() + logged.getvalue()


def user(store: SandboxStore, options: Mapping[str, Any], **how: Any) -> Result:
    return _work("publica_user", store, options, **how)


def bulk(
    store: SandboxStore,
    rows: Rows,
    *,
    check: bool = False,
    stop_request: StopRequest | None = None,
    **options: Any,
) -> Result:
    """Result of publica_user_bulk; it reports all users unless ``report`` is given."""
    params = {"users": [dict(row) for row in rows], "report": "all", **options}
    return _work("publica_user_bulk", store, params, check=check, stop_request=stop_request)


def info(store: SandboxStore, **options: Any) -> Result:
    return _work("publica_user_info", store, options)


def export(store: SandboxStore, directory: Path, **options: Any) -> Result:
    """Result of publica_export; the files are press.yml and press.csv."""
    params = {"dir": str(directory), "name": "press", **options}
    return _work("publica_export", store, params)


def store_info(store: SandboxStore, **options: Any) -> Result:
    return _work("publica_store_info", store, options)


def logout(store: SandboxStore, **options: Any) -> Result:
    return _work("publica_user_logout", store, options)


def _work(
    name: str,
    store: SandboxStore,
    options: Mapping[str, Any],
    *,
    check: bool = False,
    stop_request: StopRequest | None = None,
) -> Result:
    params = {
        **documentation.defaults(name),
        "base_url": store.base_url,
        "api_token": store.token,
        **options,
    }
    transport = HttpTransport(
        connection_from_params(params),
        read_only=check,
        workers=params.get("concurrency") or 1,
        stop_request=stop_request,
    )
    try:
        result: Result = documentation.module_named(name).work(UsersApi(transport), params)
    except PublicaError as error:
        result = {"changed": False, "failed": True, "msg": error.message}
        result["failure"] = error.as_failure()
    finally:
        transport.close()
    return {**result, "api": transport.usage()}


@dataclass
class Outcome:
    """The results of a run, by row.

    Attributes:
        actions: The actions by the name of a row; rows without a change are left out.
        failures: The failures by the name of a row, or ``the run``.
        results: The complete results of the modules.
        removals: The results of users that no row names.
    """

    actions: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    removals: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return json.dumps(self.results, default=str)

    @property
    def codes(self) -> dict[str, str]:
        return {name: failure["code"] for name, failure in self.failures.items()}

    def add(self, row: Mapping[str, Any], result: Mapping[str, Any], failure: Any) -> None:
        if result.get("actions"):
            self.actions[name_of(row)] = result["actions"]
        if failure is not None:
            self.failures[name_of(row)] = failure


def name_of(row: Mapping[str, Any]) -> str:
    """The key that identifies a row in an outcome."""
    return str(row.get("external_id") or row.get("email") or row.get("id"))


def run(
    store: SandboxStore,
    rows: Rows,
    module: str = BULK,
    *,
    workers: int = 1,
    check: bool = False,
    stop_request: StopRequest | None = None,
    **options: Any,
) -> Outcome:
    """Run publica_user_bulk once, or publica_user once for each row."""
    how: dict[str, Any] = {"check": check, "stop_request": stop_request}
    outcome = Outcome()
    if module == SINGLE:
        for row in rows:
            result = user(store, {**row, **options}, **how)
            outcome.results.append(result)
            outcome.add(row, result, result.get("failure"))
        return outcome
    result = bulk(store, rows, concurrency=workers, **how, **options)
    outcome.results.append(result)
    if "results" not in result:
        outcome.failures[COMPLETE_RUN] = result["failure"]
        return outcome
    listed, outcome.removals = result["results"][: len(rows)], result["results"][len(rows) :]
    may_remove = options.get("exclusive") or options.get("leavers") == "deactivate"
    if outcome.removals and not may_remove:
        raise AssertionError(f"removed without exclusive: {outcome.removals}")
    for row, item in zip(rows, listed, strict=True):
        outcome.add(row, item, item["error"])
    return outcome
