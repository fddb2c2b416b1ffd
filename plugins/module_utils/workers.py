# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing the same with each of many things, several at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Callable, TypeVar

from .signals import start_beside_signals

Thing = TypeVar("Thing")


def for_each(things: Iterable[Thing], act: Callable[[Thing], object], workers: int) -> None:
    """Call ``act`` once with each thing, in up to so many threads; return when all are done.

    The threads fetch their work themselves. Handing each piece out from here, and its result back,
    would cost the thread that does it as much as the work costs the others.

    :raises BaseException: the first that ``act`` raised; nothing further was begun after it.
    """
    waiting = iter(things)
    fetching = threading.Lock()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            while not raised:
                with fetching:
                    thing = next(waiting, end)
                if thing is end:
                    return
                act(thing)  # type: ignore[arg-type]  # what is not the end is a thing
        except BaseException as error:
            raised.append(error)

    end = object()
    threads = [threading.Thread(target=work, daemon=True) for _number in range(workers - 1)]
    for thread in threads:
        start_beside_signals(thread)
    work()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
