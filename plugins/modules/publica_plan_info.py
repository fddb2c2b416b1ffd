#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_plan_info
short_description: Read the plans of a Publica.la store
version_added: 1.0.0
description:
  - Returns the plans of a store that match all given options, or all plans without options. If no
    plan matches, the list is empty.
  - A store that does not list its plans, or not to this token, fails the task with the code
    C(no_plan_list).
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes.info
options:
  id:
    description:
      - The plan's id at the store, 1 or more.
    type: int
  name:
    description:
      - The complete name of the plan, compared as for O(publica.la.publica_user#module:plan_name).
        Several plans can have the same name. An empty name fails the task.
    type: str
  query:
    description:
      - A part of the name. Case is ignored. An empty text fails the task.
    type: str
seealso:
  - module: publica.la.publica_user
  - module: publica.la.publica_user_bulk
"""

EXAMPLES = r"""
- name: List all plans of the store
  publica.la.publica_plan_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
  register: plans

- name: Show the id of each plan
  ansible.builtin.debug:
    msg: "{{ plans.plans | items2dict(key_name='id', value_name='name') }}"

- name: Check that the store has exactly one plan of this name
  publica.la.publica_plan_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    name: Library card
  register: card
  failed_when: card.count != 1
"""

RETURN = r"""
plans:
  description: The plans that match, in the store's order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The plan's id.
      type: int
      sample: 12
    name:
      description: The plan's name; null if it has none.
      type: str
      sample: Library card
    type:
      description: V(recurring) or V(prepaid); null if the store does not return it.
      type: str
      sample: prepaid
    duration_months:
      description: The duration in months; null for a recurring plan.
      type: int
      sample: 12
    private:
      description: Whether the plan is private; null if the store does not return it.
      type: bool
      sample: false
    concurrency_limit:
      description: The plan's limit of concurrent use; null without a limit.
      type: int
      sample: null
count:
  description: Number of plans that match.
  returned: success
  type: int
  sample: 1
api:
  description: Cost of the task, as in RV(publica.la.publica_user_info#module:api).
  returned: always
  type: dict
  sample:
    requests: 1
    retries: 0
    waited_seconds: 0.0
failure:
  description: Why the task failed, as in RV(publica.la.publica_user#module:failure).
  returned: failure
  type: dict
  sample:
    code: no_plan_list
    message: The store returns no complete list of its plans, or not to this api_token.
    method: null
    path: null
    status: null
    fields: {}
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..module_utils.client.api import UsersApi
from ..module_utils.module import PublicaModule, run
from ..module_utils.store.plans import find_plans, plan_filter


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Read the plans asked for."""
    plans = [asdict(plan) for plan in find_plans(api, plan_filter(params))]
    return {"changed": False, "plans": plans, "count": len(plans)}


def main() -> None:
    spec = {"id": {"type": "int"}, "name": {"type": "str"}, "query": {"type": "str"}}
    run(PublicaModule(spec, spec), work)


if __name__ == "__main__":
    main()
