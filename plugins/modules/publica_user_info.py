#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_user_info
short_description: Read users of a Publica.la store
version_added: 0.1.0
description:
  - Returns the users of a store that match all given options, or all active users without options.
    If no user matches, the list is empty.
  - A look-up by O(email) costs one request. Other options read the store's list, with one request
    for each 100 users.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes.info
options:
  email:
    description:
      - The complete address of the user. Case is ignored. An empty address fails the task.
    type: str
  external_id:
    description:
      - The user's id in your own system. If the store does not return it, no user matches.
    type: str
  id:
    description:
      - The user's id at the store.
    type: int
  query:
    description:
      - A text that the store searches for, like the search field of its dashboard. Only O(status)
        and O(admins) can be combined with it. V(deactivated) is a keyword of the API and returns
        the deactivated users.
      - With O(status=deactivated) or O(status=all), deactivated users are returned if the store's
        search finds them.
    type: str
  status:
    description:
      - Whether to return V(active) users, V(deactivated) users, or V(all).
    type: str
    choices: [active, deactivated, all]
    default: active
  admins:
    description:
      - Whether to return only users who administer the store.
    type: bool
    default: false
seealso:
  - module: publica.la.publica_user
"""

EXAMPLES = r"""
- name: Look Ana up
  publica.la.publica_user_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    email: ana@example.org
    status: all
  register: ana

- name: Show until when Ana may read
  ansible.builtin.debug:
    msg: "{{ ana.users | map(attribute='plans') | flatten | map(attribute='valid_to') | list }}"

- name: List the admins of the store
  publica.la.publica_user_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    admins: true
"""

RETURN = r"""
users:
  description: The users that match, each in the form of RV(publica.la.publica_user#module:user).
  returned: success
  type: list
  elements: dict
  sample:
    - {id: 923242, external_id: staff-1001, email: ana@example.org, active: true}
count:
  description: Number of users that match.
  returned: success
  type: int
  sample: 1
api:
  description: Cost of the task.
  returned: always
  type: dict
  contains:
    requests:
      description: Number of requests, retries included.
      type: int
      sample: 1
    retries:
      description: Number of repeated requests.
      type: int
      sample: 0
    waited_seconds:
      description: Seconds that the task waited for the store's rate limit.
      type: float
      sample: 0.0
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
from ..module_utils.input.options import IDENTITY
from ..module_utils.module import PublicaModule, run
from ..module_utils.result.result import normal_form
from ..module_utils.store.search import ACTIVE, STATUSES, find_users, user_filter


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Read the users asked for."""
    wanted = user_filter(params)
    warnings: list[str] = []
    users = [normal_form(user) for user in find_users(api, wanted, warnings)]
    return {"changed": False, "users": users, "count": len(users), "warnings": warnings}


def main() -> None:
    spec = {
        "email": {"type": "str"},
        "external_id": {"type": "str"},
        "id": {"type": "int"},
        "query": {"type": "str"},
        "status": {"type": "str", "choices": list(STATUSES), "default": ACTIVE},
        "admins": {"type": "bool", "default": False},
    }
    exclusions = [("query", name) for name in IDENTITY]
    run(PublicaModule(spec, IDENTITY, mutually_exclusive=exclusions), work)


if __name__ == "__main__":
    main()
