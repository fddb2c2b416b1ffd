#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_variables
short_description: Check the variables of the role and the playbooks before any request
version_added: 1.0.0
description:
  - The first task of the role and of each playbook of this collection. It finds mistakes that
    Ansible accepts.
  - The task fails for words that Ansible dropped from a value of C(-e) since they follow a blank,
    for C(publica_audit_fail) that is neither true nor false, for an unknown
    C(publica_users_report_language), and for a variable of the hosts or of the connection that
    can't be evaluated.
  - It warns of variables whose names are similar to those of this collection, such as
    C(publica_users_scr), and of hosts of the play that have the same store.
  - It runs on the controller with any connection of the hosts, and sends no request to a store.
author:
  - The publica.la collection's authors (@publica-la)
attributes:
  check_mode:
    support: full
    description: Can run in check mode, and then does the same.
  diff_mode:
    support: none
    description: Shows what a task changes, or would change, with C(--diff).
  idempotent:
    support: full
    description: Run again with the same arguments, it changes nothing.
    details:
      - It never changes anything.
options:
  hosts:
    description:
      - The pattern of the hosts of the play, or several. The task fails if a part of one matches no
        host and no group of the inventory, or if all together do not match the host.
    type: list
    elements: str
  role:
    description:
      - Whether the role C(publica_users) runs next. Then the task also fails if no list and no file
        of desired users is set, if the role runs in a loop whose items have the same
        C(publica_users_report_dir), and if other hosts of the play have the same
        C(publica_users_last_applied) on the controller.
    type: bool
    default: false
  rows:
    description:
      - Whether a task reads the rows of C(publica_users_src) next. Then the task also fails if this
        variable, C(publica_users_sheet), C(publica_users_src_columns) or C(publica_users_defaults)
        can't be evaluated.
    type: bool
    default: false
seealso:
  - module: publica.la.publica_user_bulk
"""

EXAMPLES = r"""
- name: Check the variables of the stores of a play
  publica.la.publica_variables:
    hosts: all
"""

RETURN = r"""
failure:
  description: Why the task failed. The message has a line for each error.
  returned: failure
  type: dict
  contains:
    code:
      description: Always C(invalid_input).
      type: str
      sample: invalid_input
    message:
      description: The same as C(msg).
      type: str
      sample: "publica_audit_fail: 'Ture' is not valid; use true or false. No request was sent."
    method:
      description: Always null, as are C(path) and C(status), since no request is sent.
      type: str
      sample: null
    path:
      description: Always null.
      type: str
      sample: null
    status:
      description: Always null.
      type: int
      sample: null
    fields:
      description: Always empty.
      type: dict
      sample: {}
"""
