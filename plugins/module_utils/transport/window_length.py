# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the store's rate-limit window is, from what was seen of it. Pure; times in seconds.

The API documents a minute, and customers' plans differ. A refusal may tell when the window ends,
or nothing may (choice 15). Then its length is found out by trying at growing times: what helped
and what did not leave less and less to guess.
"""

from __future__ import annotations

from dataclasses import dataclass

DOCUMENTED_SECONDS = 60.0
SHORTEST_SECONDS = 1.0
GROWTH = 1.5
STEP_BEYOND_DOCUMENTED = 5.0
# So small a part of the length is not worth another try.
NEAR_ENOUGH = 0.1
# By how much whole seconds may be too many.
TOLD_TO_SECONDS = 1.0


@dataclass
class WindowLength:
    """The bounds between which the length lies.

    :ivar at_most: what was seen to be enough; None where nothing was.
    :ivar at_least: what was seen not to be enough.
    :ivar is_told: the store's refusals tell when a window ends, in whole seconds.
    """

    at_most: float | None = None
    at_least: float = 0.0
    is_told: bool = False

    def not_over_after(self, seconds: float) -> None:
        """So long after it began, the window was not over."""
        self.at_least = max(self.at_least, seconds)
        if self.at_most is not None and self.at_most <= self.at_least:
            self.at_most = None

    def told_over_after(self, seconds: float) -> None:
        """A refusal told that the window is over so long after it began, in whole seconds.

        Of a window of seconds the part lost by that would be lost again with each window. Of a
        minute it is too small to be worth a try.
        """
        self.is_told = True
        least = seconds - TOLD_TO_SECONDS
        # Whoever asks for a longer wait than was seen to be enough tells nothing of the length.
        if self.at_most is None or least < self.at_most:
            self.not_over_after(least)

    def over_after(self, seconds: float) -> None:
        """So long after it began, the window was over."""
        seconds = max(SHORTEST_SECONDS, seconds)
        self.at_most = seconds if self.at_most is None else min(self.at_most, seconds)
        if self.at_least >= self.at_most:
            self.at_least = 0.0

    @property
    def is_certain(self) -> bool:
        """Whether a try before the window's end would bring nothing."""
        longest = DOCUMENTED_SECONDS if self.at_most is None else self.at_most
        return longest - self.at_least <= NEAR_ENOUGH * longest

    @property
    def safe(self) -> float:
        """When the window is over, as far as anything tells: never before its end."""
        if self.at_most is not None:
            return self.at_most
        return max(DOCUMENTED_SECONDS, self.at_least)

    @property
    def next_try(self) -> float:
        """When it is worth a try whether the window is over."""
        if self.at_most is not None:
            return self.at_most if self.is_certain else (self.at_least + self.at_most) / 2
        if self.at_least >= DOCUMENTED_SECONDS:
            return self.at_least + STEP_BEYOND_DOCUMENTED
        grown = max(self.at_least * GROWTH, self.at_least + SHORTEST_SECONDS)
        return min(grown, DOCUMENTED_SECONDS)
