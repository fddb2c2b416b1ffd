# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubles that a request can meet, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from publica_sandbox.routes import EndpointName

ENDPOINTS: tuple[EndpointName, ...] = get_args(EndpointName)
POSITIONS = ("first", "middle", "last")

REFUSED, HANG, RATE_LIMITED = "refused", "hang", "429"


@dataclass(frozen=True)
class Trouble:
    """One thing that can go wrong with a request.

    Attributes:
        kind: A fault of the sandbox store, or ``refused``: no connection is taken.
        acted: Whether the store has done its work all the same.
    """

    kind: str
    acted: bool = False

    def __str__(self) -> str:
        return f"{self.kind}-acted" if self.acted else self.kind

    @property
    def by_client(self) -> bool:
        """Whether the client's side makes it, since no store can answer what it never sees."""
        return self.kind == REFUSED

    def rule(self) -> dict[str, Any]:
        """The fault for the sandbox store, apart from which requests meet it."""
        rule: dict[str, Any] = {"kind": self.kind}
        if self.kind not in (RATE_LIMITED, "close_before", "close_after"):
            rule["applied"] = "after" if self.acted else "before"
        if self.kind == "503":
            # The pause is noted and not slept; that it is heeded is a test of the transport's own.
            rule["retry_after"] = 3
        if self.kind == RATE_LIMITED:
            rule["retry_after"] = 0
        if self.kind == "500":
            # The store's own failure speaks JSON, a proxy's is a page.
            rule["body"] = "json"
        return rule


EITHER_WAY = ("500", "502", "503", "cut", HANG, "html_200", "other_json")
TROUBLES = (
    Trouble(RATE_LIMITED),
    Trouble(REFUSED),
    Trouble("close_before"),
    Trouble("close_after", acted=True),
    *(Trouble(kind, acted) for kind in EITHER_WAY for acted in (False, True)),
)
# One of each kind that a run can tell apart, for where every one of them would say the same again.
UNLIKE_TROUBLES = tuple(
    trouble for trouble in TROUBLES if str(trouble) not in ("500", "500-acted", "503", "503-acted")
)
