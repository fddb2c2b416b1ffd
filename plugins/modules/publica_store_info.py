#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_store_info
short_description: Read what a Publica.la store is like
version_added: 1.0.0
description:
  - Returns the store's rate limit, the difference of its clock, and how it behaves where the
    documents of the API are silent. Nothing is written.
  - It sends at most 7 requests, without retries. These are two pages of each list of users, the
    search for an active and for a deactivated user, and a page of the list of plans.
  - A value that reading does not show is null. What only a write shows is in RV(unknown).
  - Behaviour that no documentation of the API describes is a warning.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes.info
options:
  census:
    description:
      - Whether to read both lists of users completely, and to count the users by kind. This takes
        one request for each page.
    type: bool
    default: false
seealso:
  - module: publica.la.publica_user_info
  - module: publica.la.publica_plan_info
"""

EXAMPLES = r"""
- name: Read what the store is like
  publica.la.publica_store_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
  register: found

- name: Check that the store lists its plans, so that plan_name can be used
  ansible.builtin.assert:
    that: found.store.variants.plans_list

- name: Count the users whose external_id the API refuses
  publica.la.publica_store_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    census: true
  register: counted
"""

RETURN = r"""
store:
  description: What reading shows; null for what could not be seen.
  returned: success
  type: dict
  contains:
    rate_limit:
      description: Requests a minute that the store allows; null if it reports no limit.
      type: int
      sample: 100
    clock_offset_seconds:
      description: By how many seconds the store's clock is ahead of the executing host's.
      type: int
      sample: 0
    variants:
      description:
        - How the store behaves. C(per_page_max) is the number of users on its longest page.
        - C(external_id_returned), C(search_finds_deactivated), C(list_holds_deactivated) and
          C(plans_list) are true or false. C(list_holds_deactivated) is false only if the list of
          active users was read completely.
        - C(paginator) is V(full) if a page reports how many there are, otherwise V(minimal).
          C(plan_rows) is V(plan_id), V(plan) or V(hidden), C(times) V(iso) or V(object), and
          C(booleans) V(boolean), V(number) or V(text).
      type: dict
      sample:
        external_id_returned: true
        paginator: full
        per_page_max: 100
        search_finds_deactivated: false
        list_holds_deactivated: null
        plan_rows: plan_id
        plans_list: true
        times: iso
        booleans: boolean
census:
  description:
    - Number of users by kind; null for a kind that the store does not show. All but C(deactivated)
      are of active users.
    - C(institutions) are accounts through which all users of a network or site read. Users
      C(without_external_id) or with one of more than 64 characters (C(external_id_too_long)) can't
      be changed without another. C(without_plan) is null where plans are hidden.
    - C(requests_to_list) is the number of requests that read both lists.
  returned: success, with O(census=true)
  type: dict
  sample:
    active: 240
    deactivated: 10
    admins: 2
    plan_admins: 0
    institutions: 1
    anonymized: 0
    not_editable: 0
    without_external_id: 3
    external_id_too_long: 0
    without_plan: 12
    requests_to_list: 4
requests_a_minute:
  description: What O(rate_limit_share) leaves of the limit; null without one.
  returned: success
  type: int
  sample: 100
requests_to_list:
  description: Requests that read both lists of users; null if the store does not show it.
  returned: success
  type: int
  sample: 4
unknown:
  description: What only a write shows, with the number of the API variant.
  returned: success
  type: list
  elements: dict
  sample:
    - variant: 9
      text: whether an update replaces the record or merges
api:
  description: Cost of the task, as in RV(publica.la.publica_user_info#module:api).
  returned: always
  type: dict
  sample:
    requests: 6
    retries: 0
    waited_seconds: 0.0
failure:
  description: Why the task failed, as in RV(publica.la.publica_user#module:failure).
  returned: failure
  type: dict
  sample:
    code: unauthenticated
    message: The store does not accept the api_token.
    method: GET
    path: /integration-api/v1/dashboard/users
    status: 401
    fields: {}
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils.client.api import UsersApi
from ..module_utils.module import PublicaModule, run
from ..module_utils.progress import utc_now
from ..module_utils.store.facts import read_facts


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the store is like."""
    share, today = params["rate_limit_share"], utc_now()[:10]
    return read_facts(api, share=share, census=params["census"], today=today)


def main() -> None:
    run(PublicaModule({"census": {"type": "bool", "default": False}}), work)


if __name__ == "__main__":
    main()
