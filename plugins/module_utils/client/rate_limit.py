# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's rate limit as a state over time: a fixed window that begins with its first request.

Pure state over given times, without a clock, a thread, a file or a sleep of its own. All times are
seconds of one monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from email.utils import parsedate_to_datetime
from typing import Any

from .answers import whole_number


@dataclass(frozen=True)
class RateHeaders:
    """The headers of one answer that speak of the limit; times in seconds from the answer on."""

    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None


def rate_headers(headers: Mapping[str, str], now: float) -> RateHeaders:
    """Read the rate headers; ``now`` is this machine's UNIX time, used only without a ``Date``.

    ``X-RateLimit-Reset`` is a time of the server's clock, which may differ from this machine's, so
    it is taken against the server's own ``Date`` (choice 15).
    """
    reset_in = retry_after(headers, now)
    reset_at = whole_number(headers.get("X-RateLimit-Reset"))
    if reset_in is None and reset_at is not None:
        reset_in = max(0.0, reset_at - (_http_date(headers.get("Date")) or now))
    return RateHeaders(
        limit=whole_number(headers.get("X-RateLimit-Limit")),
        remaining=whole_number(headers.get("X-RateLimit-Remaining")),
        reset_in=reset_in,
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """``Retry-After`` in seconds from the answer on: a number, or an HTTP date (RFC 9110)."""
    value = (headers.get("Retry-After") or "").strip()
    seconds = whole_number(value)
    if seconds is not None:
        return float(max(0, seconds))
    at = _http_date(value)
    if at is None:
        return None
    return max(0.0, at - (_http_date(headers.get("Date")) or now))


def _http_date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, IndexError):
        return None


DOCUMENTED_SECONDS = 60.0
SHORTEST_SECONDS = 1.0
GROWTH = 1.5
STEP_BEYOND_DOCUMENTED = 5.0
# So small a part of the length is not worth another try.
NEAR_ENOUGH = 0.1
# By how much whole seconds may be too many.
REPORTED_TO_SECONDS = 1.0


@dataclass
class WindowLength:
    """The bounds between which the length lies.

    :ivar at_most: what was seen to be enough; None where nothing was.
    :ivar at_least: what was seen not to be enough.
    :ivar is_told: the store's refusals tell when a window ends, in whole seconds.
    """

    at_most: float | None = None
    at_least: float = 0.0
    is_reported: bool = False

    def not_over_after(self, seconds: float) -> None:
        """So long after it began, the window was not over."""
        self.at_least = max(self.at_least, seconds)
        if self.at_most is not None and self.at_most <= self.at_least:
            self.at_most = None

    def reported_over_after(self, seconds: float) -> None:
        """A refusal told that the window is over so long after it began, in whole seconds.

        Of a window of seconds the part lost by that would be lost again with each window. Of a
        minute it is too small to be worth a try.
        """
        self.is_reported = True
        least = seconds - REPORTED_TO_SECONDS
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


# What is known of a window so long after its end is of no use any more.
STALE_SECONDS = 60.0
# The headers tell whole seconds: without a margin, a wait could end just before the reset.
ROUNDING_SECONDS = 0.25
# Each wait as the store has told that was in vain doubles the next one, from so many seconds on.
FIRST_EXTRA_WAIT = 1.0
LONGEST_EXTRA_WAIT = 60.0
# So long the others wait for the answer to the one that was sent ahead alone.
PROBE_TIMEOUT = 5.0
# After a wait, the first requests go out one by one, so many of them and so far apart.
STAGGERED_REQUESTS = 16
STAGGER_SECONDS = 0.01
# What other runs have left behind may hold no more: the store was restarted, its limit raised, or
# the refusal was a proxy's. So many new runs may find out in each window.
MOST_EARLY_ASKED = 2
# A share must not be overdrawn to try whether the window is over. While its length is not known, a
# long run keeps this part of its share, in so many requests, for trying within it.
KEPT_PART = 1 / 3
MOST_KEPT = 9


@dataclass
class WindowState:
    """What is known of the running window.

    :ivar limit: requests that the store allows in a window; None until it said so.
    :ivar length: how long the store's windows are.
    :ivar began: when its first request was sent, as far as this machine knows.
    :ivar sent: requests sent in it by the runs of this machine.
    :ivar begun_elsewhere: somebody else began it, at an unknown time before.
    :ivar ends: when it ends, as the store told; without it, counted from ``began``.
    :ivar lowest: the lowest ``X-RateLimit-Remaining`` of the window, and ``lowest_at`` when the
        answer that told it came in.
    :ivar closed: nobody sends until the window's end; then one goes ahead alone (the scout) and
        finds out whether the next window has begun.
    :ivar refused: the store answered 429 in this window, the first time at ``refused_at``.
    :ivar asked: how many runs have asked early, on their first request, whether that still holds.
    :ivar vain_waits: waits in a row, as told by the store, after which it refused again.
    :ivar scout_at: when the scout was sent, whose answer is still awaited.
    :ivar staggered: requests that are still to go out one by one, the last at ``last_sent_at``.
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
    """How many requests may still be sent in the running window, and when the next one begins.

    :param share: the percentage of a window that this run may use; the rest is left to whoever
        else uses the token.
    :param run: a name for this run among those that share the window.
    """

    def __init__(self, share: int = 100, run: str = "") -> None:
        self._share = share
        self._run = run
        # An answer of this run itself confirms what it has heard from other ones.
        self._has_heard = False
        self._expected: int | None = None
        self.state = WindowState()

    def expect(self, requests: int) -> None:
        """So many requests are still to come, if each is answered at the first attempt."""
        self._expected = requests

    @property
    def limit(self) -> int | None:
        """Requests a window that the store allows; None until it said so."""
        return self.state.limit

    @property
    def is_limited(self) -> bool:
        """Whether the store was seen to have a limit."""
        return self.state.limit is not None or self.state.refused

    @property
    def left(self) -> int | None:
        """Requests that may still be sent in this window; None where nothing is known of it.

        Those under way may be counted in the lowest number that was told, or not yet.
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
            # Only those under way may have used it up: their answers will tell.
            return ROUNDING_SECONDS
        if self._may_ask():
            return ROUNDING_SECONDS if self._pending else 0.0
        state.closed = True
        return max(ROUNDING_SECONDS, self._end() - now)

    def sent(self, now: float) -> None:
        """One request goes out."""
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
        """A request got no answer, so it told nothing of the limit."""
        self._settle(sent_at)

    def answered(self, headers: RateHeaders, sent_at: float, now: float) -> None:
        """An answer that is no refusal came in."""
        self._settle(sent_at)
        self._has_heard = True
        state = self.state
        if state.closed and (sent_at >= self._end() or self._is_refused_no_more(sent_at)):
            # The scout came through: the store has begun a new window with it.
            self._next_window(sent_at)
            state.staggered = STAGGERED_REQUESTS
        if headers.limit is None or headers.remaining is None:
            return
        state.limit = headers.limit
        if self._rolled(headers.remaining, sent_at):
            # More is left than before, so the store began a window of its own.
            self._next_window(sent_at)
        if state.began is None or sent_at < state.began:
            return  # A late answer tells of the window before.
        state.length.not_over_after(sent_at - state.began)
        if state.lowest is None or headers.remaining < state.lowest:
            state.lowest, state.lowest_at = headers.remaining, now
        if headers.limit - headers.remaining > state.sent:
            state.begun_elsewhere = True
        if headers.remaining == 0 and headers.reset_in is not None:
            state.ends = now + headers.reset_in + ROUNDING_SECONDS
            state.length.is_reported = True

    def refused(self, headers: RateHeaders, sent_at: float, now: float) -> None:
        """The store answered 429: nothing more until its window ends, then one request alone."""
        self._settle(sent_at)
        self._has_heard = True
        state = self.state
        if headers.limit is not None:
            state.limit = headers.limit
        has_failed = state.closed and sent_at >= self._end()
        if state.refused and not has_failed:
            return  # It was under way together with the first, and tells nothing new.
        if not state.refused:
            state.refused_at = now
        state.refused = state.closed = True
        if state.began is not None:
            state.length.not_over_after(sent_at - state.began)
        state.ends = None
        if headers.reset_in is not None:
            state.failed_waits += has_failed
            state.ends = now + max(headers.reset_in, self._extra_wait()) + ROUNDING_SECONDS
            state.length.reported_over_after(now + headers.reset_in - (state.began or now))

    # What other runs know

    def as_shared(self) -> dict[str, Any]:
        """The state in JSON's types, for the other runs of this machine."""
        return asdict(self.state)

    def take_over(self, shared: Mapping[str, Any], now: float) -> None:
        """Go on from what the runs of this machine know together.

        A window that was over long ago says nothing: stores, and their limits, change.
        """
        state = _state_from(shared)
        if state is None or state.began is None or state.began > now:
            return
        if now > max(state.began + state.length.safe, state.ends or 0.0) + STALE_SECONDS:
            return
        mine = self.state.pending.get(self._run)
        state.pending = {
            run: (count, at)
            for run, (count, at) in state.pending.items()
            # Whatever became of older ones, they belong to a window that is over.
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
        """A request is under way no longer."""
        self._count(-1, sent_at)
        if self.state.probe_at == sent_at:
            self.state.probe_at = None

    def _until_next_turn(self, now: float) -> float:
        """Nobody wakes at the same instant as the others."""
        state = self.state
        if not state.staggered:
            return 0.0
        return max(0.0, min(STAGGER_SECONDS, state.last_sent_at + STAGGER_SECONDS - now))

    def _until_next_try(self, now: float) -> float:
        """A request that is kept for trying whether the window is over waits until it is time."""
        state = self.state
        if state.began is None or not self._is_kept():
            return 0.0
        return max(0.0, state.began + state.length.next_try - now)

    def _is_kept(self) -> bool:
        """Whether the next request is one of those that are kept for finding out the length."""
        state, left = self.state, self.left
        if self._share == 100 or state.limit is None or left is None or left <= 0:
            return False
        if state.ends is not None or state.length.is_reported or state.length.is_certain:
            return False
        if self._expected is None or self._expected <= left:
            return False  # What fits into the share is not slowed at all.
        return left <= min(MOST_KEPT, int(self._usable(state.limit) * KEPT_PART))

    def _extra_wait(self) -> float:
        vain = self.state.failed_waits
        return min(LONGEST_EXTRA_WAIT, FIRST_EXTRA_WAIT * 2.0 ** (vain - 1)) if vain else 0.0

    def _is_refused_no_more(self, sent_at: float) -> bool:
        # What was sent after a refusal and came through was counted in another window.
        return self.state.refused and sent_at > self.state.refused_at

    def _rolled(self, remaining: int, sent_at: float) -> bool:
        # Answers may come in another order than the store counted them. Only a request that was
        # sent after the lowest count was known cannot have been counted before it.
        state = self.state
        return state.lowest is not None and remaining > state.lowest and sent_at > state.lowest_at

    def _usable(self, limit: int) -> int:
        return max(1, limit * self._share // 100)

    def _may_ask(self) -> bool:
        # Where the window is used up and nothing has told when it ends, one request beyond it costs
        # nothing and brings the answer; so it does where only other runs have said that it is used
        # up. Not where a share is left to others: it would succeed, and take from that share.
        state = self.state
        if self._share < 100 and not state.refused:
            return False
        if not self._has_heard and state.asked < MOST_EARLY_ASKED:
            return True
        return not state.refused and state.ends is None and state.length.at_most is None

    def _end(self) -> float:
        """When the window ends, as far as it is known; where a refusal costs nothing, a try."""
        state = self.state
        if state.ends is not None:
            return state.ends
        length = state.length.next_try if self._may_try() else state.length.safe
        return (state.began or 0.0) + length + ROUNDING_SECONDS

    def _may_try(self) -> bool:
        if self.state.refused:
            return (
                True  # What comes through is counted in the next window, of which we have a part.
            )
        return self._share == 100 and self.state.length.at_most is not None

    def _next_window(self, began: float) -> None:
        """The window is over, and the next one was found to have begun."""
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
    """A state as another run has written it; None for anything else."""
    try:
        length = WindowLength(**shared["length"])
        pending = {str(run): (int(n), float(at)) for run, (n, at) in shared["pending"].items()}
        state = WindowState(**{**shared, "length": length, "pending": pending})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    numbers = [number for entry in pending.values() for number in entry]
    is_complete = all(_are_plausible(part) for part in (state, length))
    return state if is_complete and all(map(_is_plausible, numbers)) else None


def _are_plausible(part: WindowState | WindowLength) -> bool:
    """Whether each field holds a count, a time or a flag, and nothing only where that may be."""
    return all(
        _is_plausible(value) if value is not None else may_be_none
        for value, may_be_none in _fields(part)
    )


def _fields(part: WindowState | WindowLength) -> Iterator[tuple[Any, bool]]:
    for attribute in fields(part):
        if attribute.name not in ("length", "pending"):
            yield getattr(part, attribute.name), attribute.default is None


def _is_plausible(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0
