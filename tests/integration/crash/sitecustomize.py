# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a module crash as no fault of a store can: Python imports this before any program.

It does so where this folder is in PYTHONPATH, and only for requests of the method that
PUBLICA_TEST_CRASH names. The exception's text is the worst there can be: all that is about to be
sent, the token too.
"""

from __future__ import annotations

import os
from typing import Any

METHOD = os.environ.get("PUBLICA_TEST_CRASH")

if METHOD:
    import requests

    _request = requests.Session.request

    def _crash(self: Any, method: str, url: str, **options: Any) -> Any:
        if method != METHOD:
            return _request(self, method, url, **options)
        prepared = self.prepare_request(requests.Request(method, url, json=options.get("json")))
        raise RuntimeError(f"{dict(prepared.headers)} {prepared.body!r}")

    requests.Session.request = _crash
