# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a module crash with an exception whose text holds the complete request, the token too.

Python imports this file before any program if its directory is in PYTHONPATH. PUBLICA_TEST_CRASH is
the method of the requests that crash.
"""

from __future__ import annotations

import os
from typing import Any

METHOD = os.environ.get("PUBLICA_TEST_CRASH")

if METHOD:
    import requests

    _send = requests.Session.send

    def _crash(self: Any, request: requests.PreparedRequest, **options: Any) -> Any:
        if request.method != METHOD:
            return _send(self, request, **options)
        raise RuntimeError(f"{dict(request.headers)} {request.body!r}")

    requests.Session.send = _crash
