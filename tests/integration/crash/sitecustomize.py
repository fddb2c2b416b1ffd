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

    _send = requests.Session.send

    def _crash(self: Any, request: requests.PreparedRequest, **options: Any) -> Any:
        if request.method != METHOD:
            return _send(self, request, **options)
        raise RuntimeError(f"{dict(request.headers)} {request.body!r}")

    requests.Session.send = _crash
