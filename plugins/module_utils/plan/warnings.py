# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings about single users.

A standing warning is true as long as neither the desired nor the current user changes. It consists
of a code and values, so that a record can hold it and a later run can repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

LEFT_DEACTIVATED, PLANS_UNKNOWN = "left_deactivated", "plans_unknown"
PAST_END, END_NOT_KEPT = "past_end", "end_not_kept"
UNKNOWN_STATUS, NOT_COMPARED = "unknown_status", "not_compared"

ID_ALMOST_EQUAL = (
    "the external_id changes only by leading zeros or a trailing .0, which spreadsheets and "
    "databases often lose or add; check the source of the list"
)

# A code, followed by its values.
StandingWarning = tuple[Union[str, int, None], ...]


def _end_not_kept(plan_id: int, wanted_end: str, count: int = 0, end: str | None = None) -> str:
    shown = f"was assigned {count} times until {end}" if count else "has no end at the store"
    return (
        f"plan {plan_id} {shown}, not the end {wanted_end} that plan_valid_to gives; the store "
        "does not keep it, so the plan counts as held. Remove plan_valid_to if the plan is a "
        "recurring one"
    )


_TEXTS: Mapping[str, Callable[..., str]] = {
    LEFT_DEACTIVATED: lambda: (
        "is deactivated and stays so; set state: active to reactivate the user"
    ),
    PLANS_UNKNOWN: lambda: (
        "the store does not return the user's plans, so no plan was assigned; a second assignment "
        "would add the plan twice"
    ),
    PAST_END: lambda: (
        "plan_valid_to is in the past, so the plan was not assigned; correct it or remove it"
    ),
    END_NOT_KEPT: _end_not_kept,
    UNKNOWN_STATUS: lambda plan_id, status: (
        f"plan {plan_id} has the state {status}, which is not known; it counts as held"
    ),
    NOT_COMPARED: lambda *names: (
        f"the store does not return {' and '.join(names)}, so a difference is not seen; the value "
        "is written only on creation and together with other changes"
    ),
}


@dataclass(frozen=True)
class LabelledWarning:
    """A warning about one user; equal texts of several users are shown as one line.

    :ivar code: of a standing warning.
    :ivar values: of a standing warning, for its text.
    """

    label: str
    text: str
    code: str = ""
    values: tuple[Any, ...] = ()


def standing_warning(label: str, code: Any, *values: Any) -> LabelledWarning:
    """The standing warning of this code about a user.

    :raises KeyError: for an unknown code; TypeError for values that the code does not have.
    """
    return LabelledWarning(label, _TEXTS[code](*values), code, values)


def repeated_warning(label: str, code: str, values: Iterable[Any]) -> LabelledWarning | None:
    """A standing warning of an earlier run; None if this version has no such warning."""
    try:
        return standing_warning(label, code, *values)
    except (KeyError, TypeError):
        return None


def labels_by_text(warnings: Iterable[LabelledWarning]) -> dict[str, list[str]]:
    """The users of each text, in the order of the first user."""
    labels: dict[str, list[str]] = {}
    for warning in warnings:
        labels.setdefault(warning.text, []).append(warning.label)
    return labels
