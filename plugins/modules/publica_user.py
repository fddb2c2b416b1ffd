#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_user
short_description: Create, change, deactivate or reactivate one user of a Publica.la store
version_added: 0.1.0
description:
  - Compares the desired user with the user at the store, and sends a request only if they differ.
  - An option that is left out is unmanaged, and its value at the store does not change.
  - The user is found by O(id), else by O(external_id) if the store returns it, else by O(email).
    Keys that belong to two different users are an error that names both.
  - For two users or more, use M(publica.la.publica_user_bulk) instead of a loop. For 1000 existing
    users the loop sends 1000 requests, and the bulk module 10.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes
options:
  email:
    description:
      - The user's email address, at most 254 characters. Case is ignored. Characters that can't be
        seen or look like others are refused.
      - With O(id) or O(external_id), a different address at the store is changed to this one.
      - Required to create a user.
    type: str
  external_id:
    description:
      - The user's id in your own system, 1 to 64 characters. Put it in quotes, since YAML reads
        C(00123) as 83. A fraction and a boolean are refused.
      - Required to create a user. The API also requires it for a change, so give it if the store
        does not return it or has none.
    type: str
  id:
    description:
      - The user's id at the store, 1 or more. An unknown id is an error, except with
        O(state=absent).
    type: int
  state:
    description:
      - V(present) means that the account exists with these attributes. Whether it is active does
        not change; a deactivated account gives a warning.
      - V(active) means the same, and the account is reactivated if needed.
      - V(absent) means that the account is deactivated or does not exist. Attributes are not
        compared.
    type: str
    choices: [present, active, absent]
    default: present
  password:
    description:
      - The user's password, 8 to 255 characters, without control characters and without white space
        at an end. Put it in quotes, since a number is refused. It is never compared and never
        shown.
    type: str
    aliases: [new_password]
  update_password:
    description:
      - V(on_create) sets O(password) only when the user is created. V(always) sets it in each run,
        which then always reports a change.
    type: str
    choices: [on_create, always]
    default: on_create
  generate_password:
    description:
      - Whether a user who is created without O(password) gets a random one, which is never shown.
        For stores whose readers sign in through single sign-on.
    type: bool
    default: false
  sessions_limit:
    description:
      - Number of concurrent sessions of the user, 1 to 999999. V(0) or V(unlimited) means no limit.
    type: raw
  plan_id:
    description:
      - The id of the plan for the user. It is assigned only if the user does not hold it already,
        with O(plan_valid_to) as its end if that is given. A plan that has ended, or whose order is
        cancelled, refunded, expired, failed or disputed, is not held.
      - If the store does not return the user's plans, the plan is assigned only on creation, and
        the task gives a warning.
    type: int
    aliases: [assign_new_plan]
  plan_name:
    description:
      - The name of the plan, instead of O(plan_id). The complete name is compared; case and the
        amount of white space are ignored.
      - It is looked up in the store's list of plans, which costs one request for each 100 plans. A
        name that no plan has, or several have, fails the task before the first write. So does a
        store that does not list its plans; give O(plan_id) there.
      - Not used with O(state=absent).
    type: str
    version_added: 1.0.0
  plan_valid_to:
    description:
      - The last day of the plan, as C(YYYY-MM-DD), from 2000 on. Requires O(plan_id) or
        O(plan_name).
      - A store does not keep the end of a recurring plan. A plan that is held without an end, or
        was assigned twice with one other end, is not assigned again, and the task gives a warning.
      - A plan is not assigned with a day in the past. The task then gives a warning.
    type: str
    aliases: [new_plan_custom_valid_to]
  user_plan_name:
    description:
      - A name for the assignment of the plan. It is sent only with an assignment and never
        compared. Requires O(plan_id) or O(plan_name).
    type: str
  admin:
    description: Whether the user administers the store.
    type: bool
  plan_admin:
    description: Whether the user administers a plan.
    type: bool
  only_sees_readable:
    description: Whether the user sees only the publications that the user may read.
    type: bool
  force_logout:
    description:
      - Whether to also end the user's sessions when this task deactivates the user, or changes the
        password, O(admin), O(plan_admin), O(only_sees_readable) or O(sessions_limit).
    type: bool
    default: false
  lookup:
    description:
      - How the user is found at the store. V(auto) looks the address up, and reads the store's list
        only if the user may have another address. That is the case for a new user with
        O(external_id), and for a user without O(email).
      - V(search) does not read the list of active users if O(email) is given, which is cheaper in a
        large store. A user with another address at the store is then not found by O(external_id).
      - V(list) always reads the list.
    type: str
    choices: [auto, list, search]
    default: auto
seealso:
  - module: publica.la.publica_user_bulk
  - module: publica.la.publica_user_info
  - module: publica.la.publica_plan_info
  - module: publica.la.publica_user_logout
"""

EXAMPLES = r"""
- name: Give Ana a seat until the end of the year, in two sessions
  publica.la.publica_user:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    email: ana@example.org
    external_id: staff-1001
    generate_password: true
    plan_id: 12
    plan_valid_to: "2031-12-31"
    sessions_limit: 2

- name: Reactivate Ana if she is deactivated
  publica.la.publica_user:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    email: ana@example.org
    external_id: staff-1001
    state: active

- name: Change Ana's address, found by the id in our own system
  publica.la.publica_user:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    external_id: staff-1001
    email: ana.lopez@example.org

- name: Take Ana's rights back and end her sessions
  publica.la.publica_user:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    external_id: staff-1001
    admin: false
    plan_admin: false
    force_logout: true

- name: Deactivate Ana, with the connection set once for several tasks
  module_defaults:
    group/publica.la.publica:
      base_url: https://example.publica.la
      api_token: "{{ publica_api_token }}"
  block:
    - name: Deactivate Ana
      publica.la.publica_user:
        email: ana.lopez@example.org
        state: absent
        force_logout: true
"""

RETURN = r"""
user:
  description:
    - The user at the store after the task, or in check mode as the user would be.
    - Empty if there is no user.
  returned: success, and if the change of the user failed
  type: dict
  contains:
    id:
      description: The user's id at the store; null in check mode for a user that would be created.
      type: int
      sample: 923242
    uuid:
      description: The user's UUID at the store.
      type: str
      sample: af5af4f9-9b8d-4d79-b162-0cec4279cae5
    external_id:
      description: The user's id in your own system; null if the store returns none.
      type: str
      sample: staff-1001
    email:
      description: The user's address.
      type: str
      sample: ana@example.org
    active:
      description: Whether the user can log in.
      type: bool
      sample: true
    admin:
      description: Whether the user administers the store.
      type: bool
      sample: false
    plan_admin:
      description: Whether the user administers a plan.
      type: bool
      sample: false
    only_sees_readable:
      description: Whether the user sees only what the user may read.
      type: bool
      sample: true
    sessions_limit:
      description: In how many sessions the user may read at once; null for no limit.
      type: int
      sample: 2
    plans:
      description: The plans that the user holds or held; null if the store does not return them.
      type: list
      elements: dict
      contains:
        plan_id:
          description: The plan's id.
          type: int
          sample: 12
        name:
          description: The name of the plan or of its assignment.
          type: str
          sample: Library card
        valid_from:
          description: Since when the user holds it, as a date or a time (ISO 8601, UTC).
          type: str
          sample: "2026-01-01"
        valid_to:
          description: Last day or time of the plan, in the same form; null without an end.
          type: str
          sample: "2031-12-31"
        cancelled:
          description: Whether it was cancelled.
          type: bool
          sample: false
        status:
          description: The state of its order; null if the store does not return it.
          type: str
          sample: active
    created_at:
      description: When the user was created (ISO 8601, UTC).
      type: str
      sample: "2026-05-13T18:47:29Z"
    updated_at:
      description: When the user was last changed, if the store returned it in this task.
      type: str
      sample: "2026-05-17T12:59:47Z"
    deactivated_at:
      description: When the user was deactivated; null for an active one.
      type: str
      sample: null
    user_plans_count:
      description: Number of the user's plans. V(acquired_content_count) and
        V(purchased_issues_with_cancelled_count) are returned as well, if the store has them.
      type: int
      sample: 1
actions:
  description:
    - What was done, or in check mode would be done, in order. C(force_logout) comes last, although
      a user who is deactivated is logged out just before.
  returned: success
  type: list
  elements: str
  choices: [create, update, set_password, assign_plan, reactivate, deactivate, force_logout]
  sample: [create]
diff:
  description:
    - What is different before and after. A password is shown as set, without its value.
    - Plans are text in C(before) and C(after). If they differ, C(plans) has them as data, under
      C(before) and C(after). Each plan has C(plan_id), C(name), C(valid_to) (the last day),
      C(cancelled) and C(status), the state of its order if that gives no seat.
  returned: when something changes
  type: dict
  sample:
    before: {sessions_limit: 1}
    after: {sessions_limit: 2}
    before_header: ana@example.org
    after_header: ana@example.org (update)
api:
  description: Cost of the task, as in RV(publica.la.publica_user_info#module:api).
  returned: always
  type: dict
  sample:
    requests: 2
    retries: 0
    waited_seconds: 0.0
failure:
  description: Why the task failed, for a playbook to branch on.
  returned: failure
  type: dict
  contains:
    code:
      description: A short stable name.
      type: str
      sample: validation
    message:
      description: The same as C(msg).
      type: str
      sample: "The store refused the values: plan_id 9: The selected plan is invalid."
    method:
      description: The HTTP method of the request that failed; null where none was sent.
      type: str
      sample: PUT
    path:
      description: The path of that request.
      type: str
      sample: /integration-api/v1/dashboard/users/923242
    status:
      description: The HTTP status of its response.
      type: int
      sample: 422
    fields:
      description: What is wrong, by field.
      type: dict
      sample: {assign_new_plan: ["The selected plan is invalid."]}
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils.client.api import UsersApi
from ..module_utils.input.options import IDENTITY, user_argument_spec
from ..module_utils.input.rows import desired_user
from ..module_utils.module import PublicaModule, run
from ..module_utils.provision import provision
from ..module_utils.result.result import single_result
from ..module_utils.store.snapshot import lookup_argument_spec


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Bring one user to the desired state."""
    provisioned = provision(api, [desired_user(params)], lookup=params["lookup"])
    return single_result(provisioned.applied[0])


def main() -> None:
    spec = {**user_argument_spec(), "lookup": lookup_argument_spec()}
    run(PublicaModule(spec, user_argument_spec(), required_one_of=[IDENTITY]), work)


if __name__ == "__main__":
    main()
