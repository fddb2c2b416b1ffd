# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows what each store is like, and writes the report of it, from what the hosts registered.

The module of the same name is documentation only, since no code has to run on a host.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.progress import utc_now
from ..module_utils.version import VERSION
from ..plugin_utils.preflight import lines_of, page_of, report_of, store_of, summary_lines
from ..plugin_utils.progress_follower import writes_document
from ..plugin_utils.report.files import NotWrittenError, write_report
from ..plugin_utils.report.model import plain, warning_text

display = Display()

SPEC = {"dir": {"type": "path"}}
RESULT = "publica_preflight_result"
ROWS = "publica_preflight_rows"
PAGE = "preflight.html"
DATA = "preflight.json"


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
        hosts = [str(plain(host)) for host in variables.get("ansible_play_hosts_all", ())]
        known = {host: variables["hostvars"].raw_get(host) for host in hosts}
        stores = [
            store_of(host, *(_registered(known[host], name) for name in (RESULT, ROWS)))
            for host in hosts
        ]
        lines = [line for store in stores for line in lines_of(store)]
        text = "\n".join([*lines, *summary_lines(stores)])
        display.display(text, stderr=writes_document(constants.DEFAULT_STDOUT_CALLBACK or ""))
        found = {**result, "changed": False, "files": []}
        if not options["dir"]:
            return found
        report = report_of(stores, generated_at=utc_now(), version=VERSION)
        files = {PAGE: page_of(report), DATA: f"{json.dumps(report, indent=1)}\n"}
        # Relative to the working directory, since the playbooks are inside the collection.
        directory = Path(os.path.abspath(options["dir"]))
        try:
            # Without a run: the play writes it once, so it replaces an earlier one.
            write_report(directory, files, {"run": "", **report})
        except NotWrittenError as error:
            return {**found, "failed": True, "msg": str(error)}
        return {**found, "files": [str(directory / name) for name in files]}


def _registered(variables: Any, name: str) -> dict[str, Any]:
    registered = variables.get(name) if isinstance(variables, Mapping) else None
    if not isinstance(registered, Mapping):
        return {}
    warnings = [warning_text(one) for one in registered.get("warnings") or ()]
    result: dict[str, Any] = plain({**registered, "warnings": warnings})
    return result
