#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_export
short_description: Write the users of a Publica.la store into files that provision back
version_added: 0.1.0
description:
  - Writes every user of a store into a YAML file with the variable C(publica_users_desired), and
    into a CSV file or a workbook for a spreadsheet. Each of them, given to
    M(publica.la.publica_user_bulk), changes nothing at the store.
  - A row has the keys, state, sessions limit, rights and one plan of a user, the plan that ends
    last, by its id or name (see O(plans)). A deactivated user has the state V(absent), other users
    V(present). Passwords can't be read. No file holds a token or a link.
  - What a row can't express is in warnings, which name the users, and in comments of the YAML file.
    All users are exported.
  - Values are text. A value in the YAML file that Ansible would evaluate has the tag C(!unsafe). A
    value that a spreadsheet would evaluate as a formula is left out of the CSV file. In the
    workbook it is text, as each key is, and dates are dates.
  - The same users give the same files, so a second export changes nothing.
  - The files are readable only by their owner (mode 0600), are replaced atomically, and are never
    written through a link.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes
attributes:
  diff_mode:
    details:
      - Shows the lines of one file, the YAML file if it is written. Above about 100 kB, and for a
        workbook, it shows only the sizes.
options:
  dir:
    description:
      - The directory for the files, on the host where the module runs. It is created with mode 0700
        if it does not exist.
      - If root runs the module, a directory on the way is refused if it is writable by all users
        without the sticky bit, or is a link of another user.
      - A relative path is relative to the module's working directory, so begin it with
        C(playbook_dir) or C(inventory_dir).
    type: path
    required: true
  name:
    description:
      - The name of the files without a suffix. C(.yml), C(.csv) and C(.xlsx) are added.
      - If a file of this name exists that no export has written, or a link, the task fails before
        the first request.
    type: str
    required: true
  formats:
    description: The files to write. A V(xlsx) is a workbook.
    type: list
    elements: str
    choices: [yaml, csv, xlsx]
    default: [yaml, csv]
  status:
    description:
      - Whether to export V(all) users or only V(active) ones.
    type: str
    choices: [all, active]
    default: all
  plans:
    description:
      - Whether a row has the C(plan_id) of the plan or its C(plan_name). V(names) reads the store's
        list of plans. A row has the C(plan_id) nevertheless, with a warning, if the plan is not in
        the list, shares its name with another plan, or has a name that is not valid in a list or
        looks like a formula to a spreadsheet; and all rows have it if the store returns no list.
    type: str
    choices: [ids, names]
    default: ids
    version_added: 1.0.0
  delimiter:
    description:
      - The delimiter of the CSV file. Spreadsheets in Spanish and Portuguese mostly expect
        V(semicolon). The option C(src) of M(publica.la.publica_user_bulk) detects all three.
    type: str
    choices: [comma, semicolon, tab]
    default: comma
  on_incomplete:
    description:
      - What happens if the store's list is incomplete after three attempts. V(fail) writes nothing
        and fails with C(incomplete_listing). V(warn) writes the users that were read, with a
        warning and a comment in the YAML file.
    type: str
    choices: [fail, warn]
    default: fail
seealso:
  - module: publica.la.publica_user_bulk
  - module: publica.la.publica_user_info
"""

EXAMPLES = r"""
- name: All users of the store, as a list for the inventory and as CSV
  publica.la.publica_export:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    dir: "{{ playbook_dir }}/exported"
    name: press

- name: The active readers, for a spreadsheet that expects semicolons
  publica.la.publica_export:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    dir: "{{ playbook_dir }}/tables"
    name: press
    formats: [csv, xlsx]
    plans: names
    delimiter: semicolon
    status: active
"""

RETURN = r"""
files:
  description: The files, changed or not.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The absolute path.
      type: str
      sample: /srv/stores/exported/press.yml
    format:
      description: V(yaml), V(csv) or V(xlsx).
      type: str
      sample: yaml
    changed:
      description: Whether the file was written, or in check mode would be written.
      type: bool
      sample: true
summary:
  description: Number of users in the files.
  returned: success
  type: dict
  contains:
    exported:
      description: All of them.
      type: int
      sample: 250
    active:
      description: Those that are active at the store.
      type: int
      sample: 240
    deactivated:
      description: Those that are deactivated.
      type: int
      sample: 10
    admins:
      description: Those that administer the store, active or not.
      type: int
      sample: 2
whole:
  description: Whether the store's list was read completely, by its responses.
  returned: success
  type: bool
  sample: true
notes:
  description: What the files can't express, with the users.
  returned: success
  type: list
  elements: dict
  contains:
    text:
      description: What a file can't express, as in the warnings.
      type: str
      sample: >-
        has no external_id at the store, which every change needs; add an external_id to the row
    users:
      description: All users that it is about.
      type: list
      elements: str
      sample: [ana@example.org]
api:
  description: Cost of the task, as in RV(publica.la.publica_user_info#module:api).
  returned: always
  type: dict
  sample:
    requests: 4
    retries: 0
    waited_seconds: 0.0
failure:
  description: Why the task failed, as in RV(publica.la.publica_user#module:failure).
  returned: failure
  type: dict
  sample:
    code: not_written
    message: /srv/stores/press.yml is a link or not a regular file and is left alone; remove it.
    method: null
    path: null
    status: null
    fields: {dir: [is a link or not a regular file and is left alone; remove it]}
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils.client.api import UsersApi
from ..module_utils.export.export import (
    DEFAULT_FORMATS,
    FAIL,
    FORMATS,
    IDS,
    ON_INCOMPLETE,
    PLANS,
    STATUSES,
    export,
)
from ..module_utils.export.formats import DELIMITERS
from ..module_utils.module import PublicaModule, run


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the users of the store into files."""
    return export(api, params)


def main() -> None:
    spec = {
        "dir": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "formats": {
            "type": "list",
            "elements": "str",
            "choices": list(FORMATS),
            "default": list(DEFAULT_FORMATS),
        },
        "status": {"type": "str", "choices": list(STATUSES), "default": STATUSES[0]},
        "plans": {"type": "str", "choices": list(PLANS), "default": IDS},
        "delimiter": {"type": "str", "choices": list(DELIMITERS), "default": "comma"},
        "on_incomplete": {"type": "str", "choices": list(ON_INCOMPLETE), "default": FAIL},
    }
    run(PublicaModule(spec), work)


if __name__ == "__main__":
    main()
