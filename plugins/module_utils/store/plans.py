# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans that a store offers, read under every form of their list (variant 27)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..client.answers import whole_number
from ..client.api import UsersApi
from .user import boolean_of, text_of


@dataclass(frozen=True)
class StorePlan:
    """One plan of a store; None for a value that the store does not return.

    :ivar type: ``recurring`` or ``prepaid``.
    :ivar duration_months: None also for a recurring plan.
    """

    id: int
    name: str | None = None
    type: str | None = None
    duration_months: int | None = None
    private: bool | None = None
    concurrency_limit: int | None = None


def read_plans(api: UsersApi) -> list[StorePlan] | None:
    """All plans of a store; None if it does not list them, or the list can't be read completely."""
    plans: dict[int, StorePlan] = {}
    number, size = 1, 0
    while True:
        page = api.list_plans(number)
        if page is None:
            return None
        known = len(plans)
        for record in page.records:
            plan = _plan_from_record(record)
            if plan is None:
                return None
            plans.setdefault(plan.id, plan)
        # A last page that is not marked is shorter than an earlier one, or has no new plan, since
        # the store may ignore the number of the page.
        if len(plans) == known or len(page.records) < size or page.is_last(number):
            return list(plans.values())
        number, size = number + 1, max(size, len(page.records))


def _plan_from_record(record: Mapping[str, Any]) -> StorePlan | None:
    """The plan of a record; None if it has no id."""
    plan_id = whole_number(record.get("id"))
    if plan_id is None:
        return None
    return StorePlan(
        id=plan_id,
        name=text_of(record.get("name")),
        type=text_of(record.get("type")),
        duration_months=whole_number(record.get("duration")),
        private=boolean_of(record, "private"),
        concurrency_limit=whole_number(record.get("concurrency_limit")),
    )
