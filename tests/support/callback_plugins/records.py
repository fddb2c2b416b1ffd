# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes down the result of each task, and copies the store's database after it.

So one run of ansible-playbook can hold many steps, and the state after each of them can still be
compared. PUBLICA_TEST_RECORDS is the directory for both, PUBLICA_TEST_DATABASE the store's SQLite
file; without one, nothing is copied.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: records
type: aggregate
short_description: Records of task results for this collection's tests
description:
  - Writes one JSON line for each result.
"""


class CallbackModule(CallbackBase):
    """One line of ``results.jsonl`` for each result of each host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "records"

    def __init__(self) -> None:
        super().__init__()
        self._directory = Path(os.environ["PUBLICA_TEST_RECORDS"])
        self._database = os.environ.get("PUBLICA_TEST_DATABASE")
        self._count = 0
        self._play: Any = None

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def _record(self, status: str, result: Any) -> None:
        self._count += 1
        # The worker has resolved templates and ``omit``, and added the action group's defaults.
        fields: Mapping[str, Any] = result._task_fields
        args = fields.get("args") or {}
        line = {
            "name": fields.get("name") or result._task.get_name(),
            "host": result._host.get_name(),
            "action": result._task.resolved_action or fields.get("action"),
            "args": {key: args[key] for key in args if not str(key).startswith("_ansible_")},
            "check_mode": bool(fields.get("check_mode")),
            "status": status,
            "result": result._result,
            "role_variables": self._role_variables(result),
            "copy": self._copy(),
        }
        with (self._directory / "results.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _role_variables(self, result: Any) -> list[str]:
        """The variables of the collection's roles that differ from the role's default."""
        role = result._task._role
        if role is None:
            return []
        known = self._play.get_variable_manager().get_vars(
            play=self._play, host=result._host, task=result._task, include_hostvars=False
        )
        defaults = role.get_default_vars()
        return sorted(
            name
            for name, value in known.items()
            if name.startswith("publica_") and (name not in defaults or defaults[name] != value)
        )

    def _copy(self) -> str | None:
        if self._database is None:
            return None
        path = self._directory / f"{self._count:04}.sqlite3"
        source = sqlite3.connect(f"{Path(self._database).as_uri()}?mode=ro", uri=True, timeout=10)
        copy = sqlite3.connect(path)
        try:
            source.backup(copy)
        finally:
            copy.close()
            source.close()
        return str(path)
