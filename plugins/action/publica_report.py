# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report of a run on the controller, from the results that the hosts registered.

The module of the same name is documentation only, since no code has to run on a host.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.progress import utc_now
from ..module_utils.version import VERSION
from ..plugin_utils.report.files import NotWrittenError, write_report
from ..plugin_utils.report.model import (
    KINDS,
    PROVISION,
    NotAResultError,
    plain,
    registered_results,
    report_of,
)
from ..plugin_utils.report.text import PAGE, files_of
from ..plugin_utils.report.wording import ENGLISH, LANGUAGES
from ..plugin_utils.variables import loop_variable

SPEC = {
    "dir": {"type": "path", "required": True},
    "language": {"type": "str", "choices": LANGUAGES, "default": ENGLISH},
    "kind": {"type": "str", "choices": KINDS, "default": PROVISION},
    "results": {"type": "str", "default": "publica_users_result"},
    "hosts": {"type": "list", "elements": "str"},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(
        self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, options = self.validate_argument_spec(SPEC)
        hosts = _hosts(options["hosts"], variables)
        try:
            results = registered_results(hosts, variables["hostvars"], options["results"])
        except NotAResultError as error:
            return {**result, "failed": True, "msg": str(error), "changed": False}
        report = report_of(
            results,
            kind=options["kind"],
            check_mode=bool(self._task.check_mode),
            generated_at=utc_now(),
            version=VERSION,
            run=_run_id(str(self._task._uuid)),
        )
        # Relative to the working directory, since the playbooks are inside the collection.
        directory = Path(os.path.abspath(options["dir"]))
        files = files_of(report, options["language"])
        in_loop = loop_variable(self._task, variables) is not None
        try:
            written = write_report(directory, files, report, in_loop)
        except NotWrittenError as error:
            return {**result, "failed": True, "msg": str(error), "changed": False}
        return {
            **result,
            # A report is not a change of a store, so a second run reports no change either.
            "changed": False,
            "written": written,
            "page": str(directory / PAGE),
            "files": [str(directory / name) for name in sorted(files)],
            "totals": report["totals"],
        }


def _hosts(given: Sequence[Any] | None, variables: Mapping[str, Any]) -> list[str]:
    hosts = given if given is not None else variables.get("ansible_play_hosts_all", [])
    return [str(plain(host)) for host in hosts]


def _run_id(task_id: str) -> str:
    """An identifier of this run of Ansible, from the prefix that all its task ids share."""
    prefix = task_id.rpartition("-")[0]
    return hashlib.sha256(prefix.encode()).hexdigest()[:16]
