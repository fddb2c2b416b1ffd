# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: one row for every request, written in the transaction of its work."""

from __future__ import annotations

import time

from sqlalchemy import insert
from sqlalchemy.orm import Session

from .requests import StoreRequest
from .schema import JournalEntry

NO_ANSWER = 0
# Built once: it runs for every request. (The stubs type a class's table too widely.)
_INSERT = insert(JournalEntry.__table__)  # type: ignore[arg-type]


def write_entry(
    session: Session,
    request: StoreRequest,
    *,
    endpoint: str | None,
    status: int,
    changed: bool,
    refused: bool,
    fault: str | None,
) -> None:
    """Note a request. ``status`` is what the client gets, 0 where it gets no answer."""
    session.execute(
        _INSERT,
        {
            "at": time.time(),
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "endpoint": endpoint,
            "status": status,
            "write": request.write,
            "changed": changed,
            "refused": refused,
            "fault": fault,
            "body": request.body_without_passwords,
            "user_agent": request.headers.get("user-agent", ""),
            "token_present": request.token is not None,
        },
    )
