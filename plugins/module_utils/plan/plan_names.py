# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans by name: the id of each plan that a desired user names. Pure functions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from ..errors import MESSAGE_LINES, InvalidInputError, ValidationError, listed
from ..input.options import (
    ABSENT,
    IDENTITY,
    DesiredUser,
    plan_name_key,
)
from ..input.rows import key_label
from ..input.values import BadValueError
from ..store.plans import StorePlan

NAMED_PLANS = 5
# The most characters of a plan's name that an error shows, and of one that is compared for
# similarity, whose time grows with the square of the length.
SHOWN_CHARACTERS = 60
COMPARED_CHARACTERS = 200

NO_LIST = (
    "the store returns no list of plans, or an empty one, so no name can be resolved; give plan_id"
)

# The plans of each name, by its comparable form.
PlansByName = Mapping[str, Sequence[StorePlan]]


def names_plan(user: DesiredUser) -> bool:
    """Whether the store's list of plans is needed for a user."""
    return user.plan_name is not None and user.state != ABSENT


def plans_by_name(plans: Sequence[StorePlan]) -> dict[str, list[StorePlan]]:
    """The plans of each name, by its comparable form; those without a name are left out.

    They are in the order of their ids, since the order of the list may change.
    """
    found: dict[str, list[StorePlan]] = {}
    for plan in sorted(plans, key=lambda plan: plan.id):
        if plan.name and (key := plan_name_key(plan.name)):
            found.setdefault(key, []).append(plan)
    return found


def resolve_plan_names(
    desired: Sequence[DesiredUser], plans: Sequence[StorePlan] | None
) -> list[DesiredUser]:
    """The desired users, with the plan_id of each plan that they name.

    :param plans: all plans of the store; None if it does not list them.
    :raises InvalidInputError: with every name that is not the name of exactly one plan.
    """
    by_name = plans_by_name(plans or ())
    # By name as written, since many users have the same plan.
    found: dict[str, int | BadValueError] = {}
    wrong = 0
    errors: list[ValidationError] = []
    users: list[DesiredUser] = []
    for user in desired:
        name = user.plan_name
        if name is None or not names_plan(user):
            users.append(user)
            continue
        if by_name and name not in found:
            found[name] = _plan_id(name, by_name, suggests=wrong < MESSAGE_LINES)
            wrong += not isinstance(found[name], int)
        plan_id = found.get(name)
        if isinstance(plan_id, int):
            users.append(replace(user, plan_id=plan_id))
        else:
            errors.append(_error(user, plan_id))
    if errors:
        raise InvalidInputError(errors, consequence="Nothing was changed.")
    return users


def _plan_id(name: str, by_name: PlansByName, *, suggests: bool) -> int | BadValueError:
    """The id of the only plan with a name, or what is wrong with the name.

    :param suggests: whether to search for similar names, which takes time.
    """
    key = plan_name_key(name)
    plans = by_name.get(key, ())
    if len(plans) == 1:
        return plans[0].id
    if plans:
        ids = listed([str(plan.id) for plan in plans], NAMED_PLANS)
        text = f"is the name of {len(plans)} plans of the store; give plan_id instead, one of {ids}"
        return BadValueError(text, name)
    hint = "correct it"
    if suggests:
        similar = _similar(key, by_name)
        shown = map(_shown, chain.from_iterable(similar or by_name.values()))
        names = listed([*shown], NAMED_PLANS)
        hint = f"did you mean {names}?" if similar else f"it has {names}"
    return BadValueError(f"is not the name of a plan of the store; {hint}", name)


def _similar(key: str, by_name: PlansByName) -> list[Sequence[StorePlan]]:
    """The plans with the names that are most like a name, or that have one in the other."""
    if len(key) > COMPARED_CHARACTERS:
        return []
    short = [each for each in by_name if len(each) <= COMPARED_CHARACTERS]
    near = difflib.get_close_matches(key, short)
    near += [each for each in short if key in each or each in key]
    return [by_name[each] for each in dict.fromkeys(near)]


def _shown(plan: StorePlan) -> str:
    name = plan.name or ""
    short = name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}…"
    return f"'{short}' ({plan.id})"


def _error(user: DesiredUser, problem: BadValueError | None) -> ValidationError:
    """The error of a user's plan_name; without a problem of the name, the store lists no plans."""
    label = ""
    if user.place and not user.hides_values:
        _name, label = key_label({name: getattr(user, name) for name in IDENTITY})
    text = NO_LIST
    if problem is not None:
        text = problem.without_value if user.hides_values else str(problem)
    return ValidationError(user.place, "plan_name", text, label)
