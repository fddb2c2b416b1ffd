# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users that failed, as input for another run; no password ever enters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..applied.executor import AppliedUser
from ..desired.options import PUBLIC_NAMES, is_given
from ..desired.user import DesiredUser

_UNSET = {field.name: field.default for field in fields(DesiredUser)}


def failed_users(
    applied: Sequence[AppliedUser], rows: Sequence[Any], defaults: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The items of the input that have an error, in its order, without their passwords.

    :param rows: the items of ``users``, with which the input begins. They come out as they went
        in; those of a file, which is not held in memory, are put together again.
    :param defaults: those of the task.
    """
    return [
        dict(_given(rows[user.plan.index]))
        if user.plan.index < len(rows)
        else dict(_read(user.plan.desired, defaults))
        for user in applied
        if user.error is not None and user.plan.listed
    ]


def _given(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an item says, as far as it may be told."""
    return (
        (name, value) for name, value in row.items() if name in PUBLIC_NAMES and is_given(value)
    )


def _read(desired: DesiredUser, defaults: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a row of a file has come to, with the defaults under it.

    What is not set is left out, unless a default would take its place in another run.
    """
    for name, unset in _UNSET.items():
        value = getattr(desired, name)
        if name in PUBLIC_NAMES and value is not None and (value != unset or name in defaults):
            yield name, value
