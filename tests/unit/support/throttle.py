# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The framework's throttle, as it was seen running: a fixed window from its first request on."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.publica.la.plugins.module_utils.client.answers import RateHeaders


@dataclass
class Throttle:
    """A store's limit over given times.

    :ivar explains: a refusal reports when the window ends.
    :ivar refused: when it had to refuse.
    """

    limit: int = 100
    seconds: float = 60.0
    explains: bool = True
    used: int = 0
    ends: float = float("-inf")
    refused: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)

    def request(self, now: float) -> tuple[bool, RateHeaders]:
        """One request: whether it was accepted, and what the headers of the answer report."""
        if now >= self.ends:
            self.used, self.ends = 0, now + self.seconds
        if self.used >= self.limit:
            self.refused.append(now)
            # Whole seconds, rounded as the framework rounds them.
            reset_in = float(int(self.ends - now)) if self.explains else None
            return False, RateHeaders(self.limit, 0, reset_in)
        self.used += 1
        self.accepted.append(now)
        return True, RateHeaders(self.limit, self.limit - self.used, None)
