# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module's ``main`` in this process, on any ansible-core, against a store in memory."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible_collections.publica.la.plugins.module_utils.client import connection as session
from ansible_collections.publica.la.plugins.module_utils.client import http

from .builders import BASE_URL, TOKEN
from .store import FakeStore

PACKAGE = "ansible_collections.publica.la.plugins.modules."
CONNECTION = {"base_url": BASE_URL, "api_token": TOKEN}


@dataclass
class Ran:
    """How a module ended: its result, all that it printed, and what went to the system's log."""

    result: dict[str, Any]
    printed: str
    logged: list[str] = field(default_factory=list)

    @property
    def everything(self) -> str:
        return self.printed + "\n".join(self.logged)


class ModuleRunner:
    """Runs modules; a fixture makes one for each test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(
        self,
        name: str,
        store: FakeStore,
        /,
        *,
        check: bool = False,
        log: Callable[..., None] | None = None,
        **arguments: Any,
    ) -> Ran:
        """Run a module with the connection's options and the given ones.

        :param log: takes what goes to the system's log, in place of the list in the result.
        """
        patch = self._monkeypatch.setattr
        given = {**CONNECTION, **arguments, "_ansible_check_mode": check, "_ansible_diff": True}
        if "inject_invocation" in PASS_VARS:
            # From 2.21 on a result has its invocation only if this is set.
            given["_ansible_inject_invocation"] = True
        # A fallback is for an option that is not there at all.
        given = {option: value for option, value in given.items() if value is not None}
        patch(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
        # From ansible-core 2.19 on arguments come with a profile; before, there is none.
        patch(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        patch(warnings, "_global_warnings", type(warnings._global_warnings)())
        logged: list[str] = []

        def to_list(_module: Any, text: Any, **_more: Any) -> None:
            logged.append(str(text))

        patch(basic.AnsibleModule, "log", log or to_list)
        patch(http, "open_session", _sessions_on(store))
        self._capsys.readouterr()
        with pytest.raises(SystemExit):
            importlib.import_module(PACKAGE + name).main()
        printed = self._capsys.readouterr()
        result = json.loads(printed.out.strip().splitlines()[-1])
        return Ran(result, printed.out + printed.err, logged)


def _sessions_on(store: FakeStore) -> Any:
    def open_session(*given: Any, **options: Any) -> Any:
        opened = session.open_session(*given, **options)
        opened.mount("https://", store)
        return opened

    return open_session
