# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings in lines: one for each thing to know, with the users whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from ..applied.executor import AppliedUser
from ..plan.operations import Warned

# How many users a line names; a store can have thousands whom the same warning concerns.
NAMED_USERS = 10


def warning_lines(applied: Sequence[AppliedUser], others: Iterable[Warned] = ()) -> list[str]:
    """One line for each text, in the order of its first user.

    :param others: warnings about users whom nothing was planned for.
    """
    labels: dict[str, list[str]] = {}
    for warning in chain(chain.from_iterable(user.warnings for user in applied), others):
        labels.setdefault(warning.text, []).append(warning.label)
    return [f"{_names(concerned)}: {text}." for text, concerned in labels.items()]


def _names(labels: Sequence[str]) -> str:
    rest = len(labels) - NAMED_USERS
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(labels[:NAMED_USERS]) + more
