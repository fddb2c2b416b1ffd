# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's rate limit: a fixed window that begins with its first request.

Pure state over given times: seconds of one monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .answers import REPORTED_TO_SECONDS, RateHeaders

DOCUMENTED_SECONDS = 60.0
SHORTEST_SECONDS = 1.0
GROWTH = 1.5
STEP_BEYOND_DOCUMENTED = 5.0
# Bounds that differ by no more than this part of the length are not narrowed further.
NEAR_ENOUGH = 0.1
# The state of a window that ended this long ago is discarded.
STALE_SECONDS = 60.0
# The headers report whole seconds: without a margin, a wait could end just before the reset.
ROUNDING_SECONDS = 0.25
# The first extra wait after a failed wait. Each further failed wait doubles it.
FIRST_EXTRA_WAIT = 1.0
LONGEST_EXTRA_WAIT = 60.0
# How long the other workers wait for the answer to the probe.
PROBE_TIMEOUT = 5.0
# After a wait, this many requests are sent one by one, with this pause between them.
STAGGERED_REQUESTS = 16
STAGGER_SECONDS = 0.01
# The shared state may be out of date: the store restarted, its limit was raised, or a proxy sent
# the refusal. So this many new runs may probe early in each window.
MOST_EARLY_ASKED = 2
# A run must not exceed its share to find out whether the window is over. While the length is
# unknown, a long run reserves this part of its share, and at most this many requests, for probes.
KEPT_PART = 1 / 3
MOST_KEPT = 9


@dataclass
class WindowLength:
    """What is known about the length of the store's windows, in seconds.

    :ivar at_most: an observed upper bound; None if there is none.
    :ivar at_least: an observed lower bound.
    :ivar is_reported: the store's refusals report when a window ends, in whole seconds.
    """

    at_most: float | None = None
    at_least: float = 0.0
    is_reported: bool = False

    def not_over_after(self, seconds: float) -> None:
        """Learn that the window was not over this long after its beginning."""
        self.at_least = max(self.at_least, seconds)
        if self.at_most is not None and self.at_most <= self.at_least:
            self.at_most = None

    def reported_over_after(self, seconds: float) -> None:
        """Learn that a refusal reports the window's end this long after its beginning.

        Rounding to whole seconds loses a large part of a window of a few seconds, so its exact
        length is worth probing. For a window of a minute it isn't.
        """
        self.is_reported = True
        least = seconds - REPORTED_TO_SECONDS
        # A report longer than an observed upper bound says nothing about the length.
        if self.at_most is None or least < self.at_most:
            self.not_over_after(least)

    def over_after(self, seconds: float) -> None:
        """Learn that the window was over this long after its beginning."""
        seconds = max(SHORTEST_SECONDS, seconds)
        self.at_most = seconds if self.at_most is None else min(self.at_most, seconds)
        if self.at_least >= self.at_most:
            self.at_least = 0.0

    @property
    def is_certain(self) -> bool:
        """Whether the bounds are too close together for a probe to be useful."""
        longest = DOCUMENTED_SECONDS if self.at_most is None else self.at_most
        return longest - self.at_least <= NEAR_ENOUGH * longest

    @property
    def safe(self) -> float:
        """A time after which the window is over, as far as it is known."""
        if self.at_most is not None:
            return self.at_most
        return max(DOCUMENTED_SECONDS, self.at_least)

    @property
    def next_try(self) -> float:
        """The time at which to probe whether the window is over."""
        if self.at_most is not None:
            return self.at_most if self.is_certain else (self.at_least + self.at_most) / 2
        if self.at_least >= DOCUMENTED_SECONDS:
            return self.at_least + STEP_BEYOND_DOCUMENTED
        grown = max(self.at_least * GROWTH, self.at_least + SHORTEST_SECONDS)
        return min(grown, DOCUMENTED_SECONDS)


@dataclass
class WindowState:
    """What is known about the current window.

    :ivar limit: requests that the store allows in a window; None if it is unknown.
    :ivar length: how long the store's windows are.
    :ivar began: when its first request was sent, as far as this machine knows.
    :ivar sent: requests that the runs of this machine sent in it.
    :ivar begun_elsewhere: another client began it, at an unknown earlier time.
    :ivar ends: when it ends, as the store reported; if None, it is computed from ``began``.
    :ivar lowest: the lowest ``X-RateLimit-Remaining`` of the window.
    :ivar lowest_at: when the answer with ``lowest`` arrived.
    :ivar closed: no request is sent until the window's end. Then one request, the probe, finds out
        whether the next window has begun.
    :ivar refused: the store answered 429 in this window, the first time at ``refused_at``.
    :ivar asked: how many runs probed early, with their first request.
    :ivar failed_waits: consecutive waits, as reported by the store, after which it refused again.
    :ivar probe_at: when the probe was sent whose answer has not arrived yet.
    :ivar staggered: requests that are still to be sent one by one, the last at ``last_sent_at``.
    :ivar pending: by run, how many requests are under way, and when the last was sent.
    """

    limit: int | None = None
    length: WindowLength = field(default_factory=WindowLength)
    began: float | None = None
    sent: int = 0
    begun_elsewhere: bool = False
    ends: float | None = None
    lowest: int | None = None
    lowest_at: float = 0.0
    closed: bool = False
    refused: bool = False
    refused_at: float = 0.0
    asked: int = 0
    failed_waits: int = 0
    probe_at: float | None = None
    staggered: int = 0
    last_sent_at: float = 0.0
    pending: dict[str, tuple[int, float]] = field(default_factory=dict)


class RateWindow:
    """How many requests may still be sent in the current window, and when the next one begins.

    :param share: the percentage of a window that this run may use; the rest is left to others.
    :param run: a name of this run among those that share the window.
    """

    def __init__(self, share: int = 100, run: str = "") -> None:
        self._share = share
        self._run = run
        # An answer to this run confirms the state that other runs shared.
        self._has_heard = False
        self._expected: int | None = None
        self.state = WindowState()

    def expect(self, requests: int) -> None:
        """Set the number of requests that are still to come, retries not included."""
        self._expected = requests

    @property
    def limit(self) -> int | None:
        return self.state.limit

    @property
    def usable(self) -> int | None:
        """The part of :attr:`limit` that this run may use; None if there is no limit."""
        limit = self.limit  # read once, since another thread may replace the state
        return self._usable(limit) if limit else None

    @property
    def is_limited(self) -> bool:
        return self.state.limit is not None or self.state.refused

    @property
    def left(self) -> int | None:
        """Requests that may still be sent in this window; None if the limit is unknown.

        All requests under way are subtracted, since the lowest reported number may not count them.
        """
        state = self.state
        if state.limit is None:
            return None
        remaining = state.limit if state.lowest is None else state.lowest
        return remaining - (state.limit - self._usable(state.limit)) - self._pending

    def delay(self, now: float) -> float:
        """Seconds until the next request may be sent; 0 when it may be sent now."""
        state = self.state
        if state.probe_at is not None and 0 <= now - state.probe_at < PROBE_TIMEOUT:
            return ROUNDING_SECONDS
        if state.closed:
            may_go = now >= self._end() or self._may_ask()
            return 0.0 if may_go else self._end() - now
        if state.began is not None and now >= self._end():
            self._open()
        left = self.left
        if left is None:
            return 0.0
        if left > 0:
            return max(self._until_next_try(now), self._until_next_turn(now))
        if left + self._pending > 0:
            # Only requests under way may have used it up. Their answers will show it.
            return ROUNDING_SECONDS
        if self._may_ask():
            return ROUNDING_SECONDS if self._pending else 0.0
        state.closed = True
        return max(ROUNDING_SECONDS, self._end() - now)

    def sent(self, now: float) -> None:
        state = self.state
        if state.closed or self._is_kept() or (self.left is not None and self.left <= 0):
            state.probe_at = now
            state.asked += not self._has_heard
        if state.began is None:
            state.began = now
        state.sent += 1
        state.staggered = max(0, state.staggered - 1)
        state.last_sent_at = now
        if self._expected is not None:
            self._expected -= 1
        self._count(+1, now)

    def lost(self, sent_at: float) -> None:
        self._settle(sent_at)

    def answered(self, headers: RateHeaders, sent_at: float, now: float) -> None:
        """Learn from an answer other than 429."""
        self._settle(sent_at)
        self._has_heard = True
        state = self.state
        if state.closed and (sent_at >= self._end() or self._is_refused_no_more(sent_at)):
            # The probe was accepted: it began a new window.
            self._next_window(sent_at)
            state.staggered = STAGGERED_REQUESTS
        if headers.limit is None or headers.remaining is None:
            return
        state.limit = headers.limit
        if self._rolled(headers.remaining, sent_at):
            # More is left than before, so the store began a new window.
            self._next_window(sent_at)
        if state.began is None or sent_at < state.began:
            return  # A late answer, which belongs to the previous window.
        state.length.not_over_after(sent_at - state.began)
        if state.lowest is None or headers.remaining < state.lowest:
            state.lowest, state.lowest_at = headers.remaining, now
        if headers.limit - headers.remaining > state.sent:
            state.begun_elsewhere = True
        reset_in = self._credible_reset(headers)
        if reset_in is None or (headers.remaining > 0 and (headers.by_own_clock or not reset_in)):
            return
        # A request before the end, with requests left, would use the share of other clients.
        margin = REPORTED_TO_SECONDS if headers.remaining > 0 else 0.0
        ends = now + reset_in + margin + ROUNDING_SECONDS
        # The end is fixed: a server that reports later ones counts from each answer.
        state.ends = ends if state.ends is None else min(state.ends, ends)
        state.length.is_reported = True

    def refused(self, headers: RateHeaders, sent_at: float, now: float) -> None:
        """Learn from a 429: send nothing until the window ends, and then only a probe."""
        self._settle(sent_at)
        self._has_heard = True
        state = self.state
        if headers.limit is not None:
            state.limit = headers.limit
        has_failed = state.closed and sent_at >= self._end()
        if state.refused and not has_failed:
            return  # It was under way together with the first one, and adds nothing.
        if not state.refused:
            state.refused_at = now
        state.refused = state.closed = True
        if state.began is not None:
            state.length.not_over_after(sent_at - state.began)
        state.ends = None
        reset_in = self._credible_reset(headers)
        if reset_in is not None:
            state.failed_waits += has_failed
            state.ends = now + max(reset_in, self._extra_wait()) + ROUNDING_SECONDS
            state.length.reported_over_after(now + reset_in - (state.began or now))

    def as_shared(self) -> dict[str, Any]:
        """The state as JSON types, for the other runs of this machine."""
        return asdict(self.state)

    def take_over(self, shared: Mapping[str, Any], now: float) -> None:
        """Replace the state by the shared one, unless its window ended long ago."""
        state = _state_from(shared)
        if state is None or state.began is None or state.began > now:
            return
        if now > max(state.began + state.length.safe, state.ends or 0.0) + STALE_SECONDS:
            return
        mine = self.state.pending.get(self._run)
        state.pending = {
            run: (count, at)
            for run, (count, at) in state.pending.items()
            # Older requests belong to a window that is over.
            if run != self._run and 0 <= now - at < STALE_SECONDS
        }
        if mine:
            state.pending[self._run] = mine
        self.state = state

    @property
    def _pending(self) -> int:
        return sum(count for count, _at in self.state.pending.values())

    def _count(self, change: int, now: float) -> None:
        pending = self.state.pending
        count, at = pending.get(self._run, (0, now))
        pending[self._run] = (max(0, count + change), max(at, now))

    def _settle(self, sent_at: float) -> None:
        """Count a request that is no longer under way."""
        self._count(-1, sent_at)
        if self.state.probe_at == sent_at:
            self.state.probe_at = None

    def _until_next_turn(self, now: float) -> float:
        """Seconds to wait so that the workers don't all send at the same instant."""
        state = self.state
        if not state.staggered:
            return 0.0
        return max(0.0, min(STAGGER_SECONDS, state.last_sent_at + STAGGER_SECONDS - now))

    def _until_next_try(self, now: float) -> float:
        """Seconds to wait until a request that is reserved for probing may be sent."""
        state = self.state
        if state.began is None or not self._is_kept():
            return 0.0
        return max(0.0, state.began + state.length.next_try - now)

    def _is_kept(self) -> bool:
        """Whether the next request is one of those that are reserved for probing the length."""
        state, left = self.state, self.left
        if self._share == 100 or state.limit is None or left is None or left <= 0:
            return False
        if state.ends is not None or state.length.is_reported or state.length.is_certain:
            return False
        if self._expected is None or self._expected <= left:
            return False  # A run that fits into the share isn't slowed down.
        return left <= min(MOST_KEPT, int(self._usable(state.limit) * KEPT_PART))

    def _credible_reset(self, headers: RateHeaders) -> float | None:
        """Seconds until the window ends, as reported; None where the clocks clearly differ."""
        longest = self.state.length.safe + REPORTED_TO_SECONDS
        is_wrong = headers.by_own_clock and (headers.reset_in or 0.0) > longest
        return None if is_wrong else headers.reset_in

    def _extra_wait(self) -> float:
        failed = self.state.failed_waits
        return min(LONGEST_EXTRA_WAIT, FIRST_EXTRA_WAIT * 2.0 ** (failed - 1)) if failed else 0.0

    def _is_refused_no_more(self, sent_at: float) -> bool:
        # A request sent after a refusal and accepted was counted in another window.
        return self.state.refused and sent_at > self.state.refused_at

    def _rolled(self, remaining: int, sent_at: float) -> bool:
        # Answers may arrive in another order than the store counted them. Only a request that was
        # sent after the lowest count was known can't have been counted before it.
        state = self.state
        return state.lowest is not None and remaining > state.lowest and sent_at > state.lowest_at

    def _usable(self, limit: int) -> int:
        return max(1, limit * self._share // 100)

    def _may_ask(self) -> bool:
        # If the window is used up and its end is unknown, one more request costs nothing and brings
        # the answer; also if only other runs reported that it is used up. Not if a share is left to
        # other clients: the request would succeed and use their share.
        state = self.state
        if self._share < 100 and not state.refused:
            return False
        if not self._has_heard and state.asked < MOST_EARLY_ASKED:
            return True
        return not state.refused and state.ends is None and state.length.at_most is None

    def _end(self) -> float:
        """When the window ends, as far as it is known, or when to probe if a refusal is free."""
        state = self.state
        if state.ends is not None:
            return state.ends
        length = state.length.next_try if self._may_try() else state.length.safe
        return (state.began or 0.0) + length + ROUNDING_SECONDS

    def _may_try(self) -> bool:
        if self.state.refused:
            # An accepted request counts in the next window, of which this run has a share.
            return True
        return self._share == 100 and self.state.length.at_most is not None

    def _next_window(self, began: float) -> None:
        state = self.state
        if state.began is not None and began > state.began and not state.begun_elsewhere:
            state.length.over_after(began - state.began)
        self._open(began)
        state.sent = 1

    def _open(self, began: float | None = None) -> None:
        state = self.state
        state.began, state.ends, state.lowest = began, None, None
        state.closed = state.refused = state.begun_elsewhere = False
        state.sent = state.asked = state.failed_waits = 0


def _state_from(shared: Mapping[str, Any]) -> WindowState | None:
    """A state that another run wrote; None for anything else."""
    try:
        length = WindowLength(**shared["length"])
        pending = {str(run): (int(n), float(at)) for run, (n, at) in shared["pending"].items()}
        state = WindowState(**{**shared, "length": length, "pending": pending})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    values = [number for entry in pending.values() for number in entry]
    for part in (state, length):
        for attribute in fields(part):
            value = getattr(part, attribute.name)
            may_be_none = attribute.default is None
            if attribute.name not in ("length", "pending") and not (value is None and may_be_none):
                values.append(value)
    return state if all(map(_is_plausible, values)) else None


def _is_plausible(value: Any) -> bool:
    """Whether a value can be a count, a time or a flag."""
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0
