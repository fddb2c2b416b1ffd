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
    into a CSV file for a spreadsheet. Either of them, given to M(publica.la.publica_user_bulk),
    changes nothing at the store.
  - A row has the keys, state, sessions limit, rights and one plan of a user, which is the one that
    lasts longest. A deactivated user has the state V(absent), everybody else V(present). Passwords
    cannot be read, and no token or link is in a file.
  - What a row cannot say is told in warnings, which name the users, and in comments of the YAML
    file. Nobody is left out.
  - Values are text. A value in the YAML file that Ansible would evaluate has the tag C(!unsafe). A
    value that a spreadsheet would run as a formula is not in the CSV file.
  - The files belong to their owner alone (mode 0600), are replaced as a whole, and are never
    written through a link.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes
attributes:
  diff_mode:
    details:
      - The lines of one file, which is the YAML file if it is written. Above about 100 KB it tells
        the sizes only.
options:
  dir:
    description:
      - The folder for the files, on the host where the module runs. It is made, for its owner
        alone, if it is not there.
      - A relative path counts from the module's working directory. Begin the path with
        C(playbook_dir) or C(inventory_dir), as the examples do, to be independent of it.
    type: path
    required: true
  name:
    description:
      - The name of the files, without an ending. C(.yml) and C(.csv) are added.
      - A file of that name that no export has written is left alone, and the task fails before it
        asks the store. So does a link in its place.
    type: str
    required: true
  formats:
    description: Which files are written.
    type: list
    elements: str
    choices: [yaml, csv]
    default: [yaml, csv]
  status:
    description:
      - Whether V(all) users are exported or V(active) ones alone.
    type: str
    choices: [all, active]
    default: all
  delimiter:
    description:
      - What stands between the values of the CSV file. Spreadsheets in Spanish and Portuguese
        mostly expect V(semicolon). The option C(src) of M(publica.la.publica_user_bulk) recognises
        all three.
    type: str
    choices: [comma, semicolon, tab]
    default: comma
  on_incomplete:
    description:
      - What happens where the store's list does not come in whole, after three readings. V(fail)
        writes nothing and ends with C(incomplete_listing). V(warn) writes what came, and tells of
        it in a warning and in the YAML file.
    type: str
    choices: [fail, warn]
    default: fail
seealso:
  - module: publica.la.publica_user_bulk
  - module: publica.la.publica_user_info
"""

EXAMPLES = r"""
- name: Everybody of the store, as a list for the inventory and as a table
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
    formats: [csv]
    delimiter: semicolon
    status: active
"""

RETURN = r"""
files:
  description: The files, whether they were changed or were so already.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The whole path.
      type: str
      sample: /srv/stores/exported/press.yml
    format:
      description: V(yaml) or V(csv).
      type: str
      sample: yaml
    changed:
      description: Whether the file was written, or in check mode would be.
      type: bool
      sample: true
summary:
  description: How many users the files hold.
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
  description: Whether the store's list came in whole, as far as its answers tell.
  returned: success
  type: bool
  sample: true
notes:
  description: What the files cannot say, and of whom.
  returned: success
  type: list
  elements: dict
  contains:
    text:
      description: What a file cannot say, as in the warnings.
      type: str
      sample: has no external_id at the store, and every change needs one; add one to the row
    users:
      description: All users whom it concerns.
      type: list
      elements: str
      sample: [ana@example.org]
api:
  description: What the task cost, as in RV(publica.la.publica_user_info#module:api).
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
    message: >-
      /srv/stores/press.yml is a link or not a regular file and is left alone; remove it.
    method: null
    path: null
    status: null
    fields:
      dir:
        - is a link or not a regular file and is left alone; remove it
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils.client.api import UsersApi
from ..module_utils.export.export import FAIL, FORMATS, ON_INCOMPLETE, STATUSES, export
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
            "default": list(FORMATS),
        },
        "status": {"type": "str", "choices": list(STATUSES), "default": STATUSES[0]},
        "delimiter": {"type": "str", "choices": list(DELIMITERS), "default": "comma"},
        "on_incomplete": {"type": "str", "choices": list(ON_INCOMPLETE), "default": FAIL},
    }
    run(PublicaModule(spec), work)


if __name__ == "__main__":
    main()
