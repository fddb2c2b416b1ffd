# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer that a fault puts in the place of the real one."""

from __future__ import annotations

from http import HTTPStatus

from .answers import (
    Answer,
    forbidden,
    html_answer,
    json_answer,
    too_many_requests,
    unauthenticated,
)
from .faults import Fault
from .rate_limit import Verdict
from .switches import Switches


def fault_answer(fault: Fault, verdict: Verdict, switches: Switches) -> Answer | None:
    """The false answer, or None where the fault leaves the answer as it is or sends none."""
    if fault.kind == "429":
        return too_many_requests(
            {
                **verdict.headers,
                "X-RateLimit-Remaining": "0",
                **verdict.refusal_headers(switches, fault.retry_after),
            }
        )
    if fault.kind == "html_200":
        return html_answer(200, "Be right back")
    if fault.kind == "other_json":
        return json_answer(200, {"status": "ok", "result": None})
    if fault.kind == "redirect":
        return html_answer(302, "302 Found", {"Location": fault.location or "/"})
    if fault.kind.isdigit():
        return _error(fault)
    return None


def _error(fault: Fault) -> Answer:
    status = HTTPStatus(int(fault.kind))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if not fault.in_json:
        return html_answer(status, f"{status.value} {status.phrase}", headers)
    own = {401: unauthenticated, 403: forbidden}.get(status)
    return own() if own else json_answer(status, {"message": status.phrase}, headers)
