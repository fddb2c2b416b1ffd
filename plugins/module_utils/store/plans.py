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
from ..errors import InvalidInputError, PublicaError, ValidationError
from ..input.options import (
    OPTION_BY_NAME,
    BadValueError,
    plan_name_key,
    read_text,
)
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


class PlanList:
    """All plans of a store, read when they are first needed, and once only."""

    def __init__(self, api: UsersApi) -> None:
        self._api = api
        self._is_read = False
        self._plans: list[StorePlan] | None = None

    def read(self) -> list[StorePlan] | None:
        """The plans, as ``read_plans`` returns them."""
        if not self._is_read:
            self._plans = read_plans(self._api)
            self._is_read = True
        return self._plans


def read_plans(api: UsersApi, query: str | None = None) -> list[StorePlan] | None:
    """All plans of a store; None if it does not list them, or the list can't be read completely.

    :param query: a part of a name; a store may ignore it, and return all plans.
    """
    plans: dict[int, StorePlan] = {}
    number, size = 1, 0
    while True:
        page = api.list_plans(number, query)
        if page is None:
            return None
        known = len(plans)
        for record in page.records:
            plan = _plan_from_record(record)
            if plan is None:
                return None
            plans.setdefault(plan.id, plan)
        is_last = page.is_last(number)
        if len(plans) == known:
            # The store may ignore the number of the page, and return the first one again. If its
            # paginator counts pages, it has promised further plans.
            is_unexpected = is_last is False or (is_last is True and bool(page.records))
            return None if is_unexpected and page.total != len(plans) else list(plans.values())
        # A last page that is not marked is shorter than an earlier one.
        if is_last or (is_last is None and len(page.records) < size):
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


NO_PLAN_LIST = "no_plan_list"
_READERS = {
    "id": OPTION_BY_NAME["id"].read,
    "name": OPTION_BY_NAME["plan_name"].read,
    "query": read_text,
}


@dataclass(frozen=True)
class PlanFilter:
    """Conditions that a plan must all meet; None is no condition.

    :ivar name: the complete name.
    :ivar query: a part of the name.
    """

    id: int | None = None
    name: str | None = None
    query: str | None = None

    def matches(self, plan: StorePlan) -> bool:
        """Whether a plan meets the conditions; names are compared without regard to case."""
        key = plan_name_key(plan.name or "")
        return (
            (self.id is None or self.id == plan.id)
            and (self.name is None or plan_name_key(self.name) == key)
            and (self.query is None or plan_name_key(self.query) in key)
        )


def plan_filter(params: Mapping[str, Any]) -> PlanFilter:
    """The filter that the options of a module give.

    :raises InvalidInputError: with every wrong value. An empty text, for example because a variable
        is not set, must not match all plans.
    """
    values: dict[str, Any] = {}
    errors = []
    for name, read in _READERS.items():
        value = params[name]
        if isinstance(value, str) and not value.strip():
            text = "the value is empty; leave the option out to list all plans"
            errors.append(ValidationError("", name, text))
        elif value is not None:
            try:
                values[name] = read(value)
            except BadValueError as error:
                errors.append(ValidationError("", name, str(error)))
    if errors:
        raise InvalidInputError(errors)
    return PlanFilter(**values)


def find_plans(api: UsersApi, conditions: PlanFilter) -> list[StorePlan]:
    """The plans that meet the conditions, in the store's order.

    :raises PublicaError: the store does not list its plans.
    """
    plans = read_plans(api, conditions.query)
    if not plans and conditions.query is not None:
        # A search may respect case or answer an empty result with a 404; the complete list decides.
        plans = read_plans(api)
    if plans is None:
        raise PublicaError(
            NO_PLAN_LIST,
            "The store returns no complete list of its plans, or not to this api_token. Look the "
            "ids up in the dashboard, and give plan_id instead of plan_name.",
        )
    return [plan for plan in plans if conditions.matches(plan)]
