#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_preflight
short_description: Show what the stores are like, and write a report
version_added: 1.0.0
description:
  - The last task of the playbook C(publica.la.preflight). It prints a page of text for each store
    of the play, with at most 80 columns, from the results of M(publica.la.publica_store_info) in
    C(publica_preflight_result), and of M(publica.la.publica_user_bulk) with
    O(publica.la.publica_user_bulk#module:validate_only) in C(publica_preflight_rows).
  - Stores that failed are named with the first line of their error.
  - It runs on the controller with any connection of the hosts, and sends no request to a store.
    Run it once for all hosts, with C(run_once).
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
      - It never reports a change, since it changes no store.
options:
  dir:
    description:
      - The directory for C(preflight.html), the pages, and C(preflight.json), the same as data. By
        default none is written. See O(publica.la.publica_report#module:dir).
    type: path
seealso:
  - module: publica.la.publica_store_info
"""

EXAMPLES = r"""
- name: Read what the store is like
  publica.la.publica_store_info:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
  register: publica_preflight_result

- name: Show it
  publica.la.publica_preflight:
  run_once: true
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample: [/srv/reports/preflight.html, /srv/reports/preflight.json]
"""
