# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules' work without Ansible around it: where hundreds of runs would take too long.

Each call is what one task does, over real HTTP, with a connection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.connection import (
    connection_from_params,
)
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from publica_sandbox.testing import SandboxStore

from . import documentation

Result = dict[str, Any]


def user(
    store: SandboxStore,
    options: Mapping[str, Any],
    *,
    check: bool = False,
    interruption: StopRequest | None = None,
) -> Result:
    """What publica_user does."""
    return _work("publica_user", store, options, check, interruption)


def bulk(
    store: SandboxStore,
    rows: Sequence[Mapping[str, Any]],
    *,
    check: bool = False,
    interruption: StopRequest | None = None,
    **options: Any,
) -> Result:
    """What publica_user_bulk does; it reports everybody where nothing else is asked for."""
    params = {"users": [dict(row) for row in rows], "report": "all", **options}
    return _work("publica_user_bulk", store, params, check, interruption)


def info(store: SandboxStore, **options: Any) -> Result:
    """What publica_user_info does."""
    return _work("publica_user_info", store, options, check=False)


def export(store: SandboxStore, folder: Path, *, check: bool = False, **options: Any) -> Result:
    """What publica_export does; the files are called press.yml and press.csv."""
    params = {"dir": str(folder), "name": "press", **options}
    return _work("publica_export", store, params, check)


def logout(store: SandboxStore, **options: Any) -> Result:
    """What publica_user_logout does."""
    return _work("publica_user_logout", store, options, check=False)


def _work(
    name: str,
    store: SandboxStore,
    options: Mapping[str, Any],
    check: bool,
    interruption: StopRequest | None = None,
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
        stop_request=interruption,
    )
    try:
        result: Result = documentation.module_named(name).work(UsersApi(transport), params)
    except PublicaError as error:
        result = {"changed": False, "failed": True, "msg": error.message}
        result["failure"] = error.as_failure()
    finally:
        transport.close()
    return {**result, "api": transport.usage()}
