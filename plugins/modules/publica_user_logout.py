#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_user_logout
short_description: End the sessions of a user of a Publica.la store
version_added: 0.1.0
description:
  - Ends all sessions of one user, who then has to log in again.
  - Always reports a change. To end sessions only when a right, a limit or the password changes, use
    the option C(force_logout) of M(publica.la.publica_user).
  - It costs one request with O(id) or O(external_id), and one more for the look-up with O(email).
    An external id of digits could be taken for an id, so the user is then searched in the store's
    list. A store with another path for this request takes a few more.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes
attributes:
  diff_mode:
    support: none
    details: The API returns nothing about sessions that could be compared.
options:
  email:
    description:
      - The user's address. If no active user has it, the task fails.
    type: str
  external_id:
    description:
      - The user's id in your own system, at most 64 characters.
    type: str
  id:
    description:
      - The user's id at the store, 1 or more.
    type: int
seealso:
  - module: publica.la.publica_user
"""

EXAMPLES = r"""
- name: End Ana's sessions
  publica.la.publica_user_logout:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    email: ana@example.org

- name: End the sessions of a user by the id in your own system
  publica.la.publica_user_logout:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    external_id: staff-1001
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: [force_logout]
api:
  description: Cost of the task, as in RV(publica.la.publica_user_info#module:api).
  returned: always
  type: dict
  sample:
    requests: 2
    retries: 0
    waited_seconds: 0.0
failure:
  description: Why the task failed, as in RV(publica.la.publica_user#module:failure).
  returned: failure
  type: dict
  sample:
    code: not_found
    message: The store has no active user with ana@example.org. Correct the key.
    method: null
    path: null
    status: null
    fields: {}
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils.client.api import UsersApi
from ..module_utils.input.options import IDENTITY, user_argument_spec
from ..module_utils.input.rows import desired_user
from ..module_utils.module import PublicaModule, run
from ..module_utils.provision import end_sessions
from ..module_utils.result.result import logout_result


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """End one user's sessions."""
    return logout_result(end_sessions(api, desired_user(params)))


def main() -> None:
    options = user_argument_spec()
    spec = {name: options[name] for name in IDENTITY}
    exactly_one = {"required_one_of": [IDENTITY], "mutually_exclusive": [IDENTITY]}
    run(PublicaModule(spec, IDENTITY, **exactly_one), work)


if __name__ == "__main__":
    main()
