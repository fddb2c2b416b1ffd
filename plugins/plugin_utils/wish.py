# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a task's progress is shown, and how often: pure decisions over what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..module_utils.progress import DEFAULT_INTERVAL, LONGEST_INTERVAL

VARIABLE = "PUBLICA_PROGRESS_INTERVAL"
# Callbacks whose users have asked to be told nothing, by the last part of their names.
SILENT_CALLBACKS = ("null",)
# Callbacks that write a document to standard output, which a line in between would break.
DOCUMENT_CALLBACKS = ("json", "jsonl")


@dataclass(frozen=True)
class Circumstances:
    """What decides beside the task's arguments.

    :ivar connection: the name of the connection plugin.
    :ivar become_user: whom the task becomes; None where it stays who it is.
    :ivar user: who runs ansible-playbook.
    """

    connection: str
    is_async: bool
    no_log: bool
    become_user: str | None
    user: str
    stdout_callback: str


def shown_every(
    args: Mapping[str, Any], environment: Mapping[str, str], given: Circumstances
) -> float | None:
    """Seconds between two lines; None where nothing is to be shown.

    A file is shared only by a module on this very machine, whose file its user can write and the
    user of ansible-playbook can read.
    """
    if given.connection != "local" or given.is_async or given.no_log:
        return None
    if given.become_user not in (None, "root", given.user):
        return None
    if given.stdout_callback.rpartition(".")[2] in SILENT_CALLBACKS:
        return None
    return interval(args.get("progress_interval", environment.get(VARIABLE)))


def writes_document(stdout_callback: str) -> bool:
    """Whether the lines have to keep out of standard output, for programs that read it."""
    return stdout_callback.rpartition(".")[2] in DOCUMENT_CALLBACKS


def interval(value: Any) -> float | None:
    """The seconds that an option asks for; None for none, and for what the module will refuse."""
    if value is None:
        return DEFAULT_INTERVAL
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds <= LONGEST_INTERVAL else None
