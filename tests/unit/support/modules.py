# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's ``main`` in this process, on any ansible-core, on an in-memory store."""

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
SECRET = "Zebra-Crossing-77"
ANA: dict[str, Any] = {"email": "ana@example.org", "external_id": "A"}
EXPORT: dict[str, Any] = {"dir": "$PUBLICA_TEST_EXPORTS", "name": "press"}
# Arguments of a call that succeeds; a module that accepts passwords gets one.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "publica_export": EXPORT,
    "publica_plan_info": {"name": "Campus"},
    "publica_store_info": {"census": True},
    "publica_user": {**ANA, "password": SECRET, "update_password": "always"},
    "publica_user_bulk": {"users": [{**ANA, "password": SECRET, "update_password": "always"}]},
    "publica_user_info": {"email": "ana@example.org"},
    "publica_user_logout": {"email": "ana@example.org"},
}


@dataclass
class Ran:
    """The result of a module, its output, and the lines for the system log."""

    result: dict[str, Any]
    printed: str
    logged: list[str] = field(default_factory=list)

    @property
    def everything(self) -> str:
        return self.printed + "\n".join(self.logged)


class ModuleRunner:
    """Runs modules."""

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

        :param log: receives the lines for the system log, instead of the list in the result.
        """
        patch = self._monkeypatch.setattr
        given = {**CONNECTION, **arguments, "_ansible_check_mode": check, "_ansible_diff": True}
        if "inject_invocation" in PASS_VARS:
            # From 2.21 on, a result has an invocation only on request.
            given["_ansible_inject_invocation"] = True
        patch(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
        # From ansible-core 2.19 on, arguments have a profile.
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
