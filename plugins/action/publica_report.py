# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report of a run where Ansible runs, from the results that its hosts have registered.

There is no module behind it: everything that a report tells is known here already.
"""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.version import VERSION
from ..plugin_utils.report.files import NotWrittenError, write_report
from ..plugin_utils.report.forms import forms_of
from ..plugin_utils.report.model import KINDS, PROVISION, report_of
from ..plugin_utils.report.outcomes import outcomes_of, plain
from ..plugin_utils.report.texts import ENGLISH, LANGUAGES

SPEC = {
    "dir": {"type": "path", "required": True},
    "language": {"type": "str", "choices": LANGUAGES, "default": ENGLISH},
    "kind": {"type": "str", "choices": KINDS, "default": PROVISION},
    "results": {"type": "str", "default": "publica_users_result"},
    "hosts": {"type": "list", "elements": "str"},
}


class ActionModule(ActionBase):
    """``publica.la.publica_report``."""

    _supports_check_mode = True
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(
        self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, options = self.validate_argument_spec(SPEC)
        report = report_of(
            outcomes_of(
                _hosts(options["hosts"], variables), variables["hostvars"], options["results"]
            ),
            kind=options["kind"],
            check_mode=bool(self._task.check_mode),
            generated_at=_now(),
            version=VERSION,
            run=_run_of(str(self._task._uuid)),
        )
        # From where ansible-playbook was started, since a playbook of a collection lies in it.
        folder = Path(os.path.abspath(options["dir"]))
        forms = forms_of(report, options["language"])
        try:
            written = write_report(folder, forms, report)
        except NotWrittenError as error:
            return {**result, "failed": True, "msg": str(error), "changed": False}
        return {
            **result,
            # It is about changes, and is none: the same run again changes nothing.
            "changed": False,
            "written": written,
            "page": str(folder / "index.html"),
            "files": [str(folder / name) for name in sorted(forms)],
            "totals": report["totals"],
        }


def _hosts(given: Sequence[Any] | None, variables: Mapping[str, Any]) -> list[str]:
    """The stores to report on: those given, or all of the play, whatever became of them."""
    hosts = given if given is not None else variables.get("ansible_play_hosts_all", [])
    return [str(plain(host)) for host in hosts]


def _now() -> str:
    moment = datetime.datetime.now(tz=datetime.timezone.utc)
    return f"{moment.isoformat(timespec='seconds')[:19]}Z"


def _run_of(identifier: str) -> str:
    """A name for this run of Ansible, from what all its tasks' identifiers begin with."""
    beginning = identifier.rpartition("-")[0]
    return hashlib.sha256(beginning.encode()).hexdigest()[:16]
