#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_report
short_description: Write a report on the changes of a run in all stores
version_added: 0.1.0
description:
  - Writes one report on all stores of the play, from the results of M(publica.la.publica_user_bulk)
    that are registered in a variable of each host. The role and the playbooks of this collection
    run it if C(publica_users_report_dir) is set.
  - The files are C(index.html), a page that loads nothing else, C(report.json), the same data,
    C(report.md) for the comment of a pull request, and C(junit.xml) for the test view of a CI.
  - It runs on the controller with any connection of the hosts, and sends no request to a store.
  - Run it once for all hosts, with C(run_once). Where a strategy such as C(free) ignores that, the
    report on the most results remains.
author:
  - The publica.la collection's authors (@publica-la)
attributes:
  check_mode:
    support: full
    description:
      - Writes the report in check mode as well, with the changes that a run would make.
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
      - The directory to write to, on the controller. It is created if it is missing. A relative
        path is relative to the directory where C(ansible-playbook) was started.
      - The files of an earlier report are replaced, each atomically. All users can read them (mode
        0644). If one of the names is a link or a directory, nothing is written and the task fails.
      - If root runs C(ansible-playbook), a directory on the way is refused if it is writable by all
        users without the sticky bit, or is a link of another user.
    type: path
    required: true
  language:
    description:
      - The language of the report. V(en) is English, V(es) Spanish and V(pt) Portuguese. The names
        in C(report.json) and the messages of the modules are always English.
    type: str
    choices: [en, es, pt]
    default: en
  kind:
    description:
      - The purpose of the run. With V(audit), users and stores that differ are failures in
        C(junit.xml). With V(provision), only users and stores that failed are.
    type: str
    choices: [provision, audit]
    default: provision
  results:
    description: The name of the variable in which each host's result is registered.
    type: str
    default: publica_users_result
  hosts:
    description:
      - The hosts to report on, one for each store. The default is all hosts of the play, including
        those that failed or were unreachable.
    type: list
    elements: str
seealso:
  - module: publica.la.publica_user_bulk
"""

EXAMPLES = r"""
- name: Compare the users with the list
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    count_seats: true
    users:
      - email: ana@example.org
        external_id: staff-1001
        sessions_limit: 2
        generate_password: true
  check_mode: true
  register: compared

- name: Write the report
  publica.la.publica_report:
    dir: "{{ playbook_dir }}/report"
    kind: audit
    language: es
    results: compared
  run_once: true
"""

RETURN = r"""
page:
  description: The path of the page.
  returned: success
  type: str
  sample: /srv/reports/index.html
files:
  description: The paths of the four files.
  returned: success
  type: list
  elements: str
  sample:
    - /srv/reports/index.html
    - /srv/reports/junit.xml
    - /srv/reports/report.json
    - /srv/reports/report.md
written:
  description:
    - Whether this task wrote the files. False if another host of the same run had written a report
      on more results.
  returned: success
  type: bool
  sample: true
totals:
  description: The figures over all stores, as in C(report.json).
  returned: success
  type: dict
  contains:
    stores:
      description: The number of stores.
      type: int
      sample: 3
    stores_by_status:
      description:
        - The number of stores that are C(as_declared), C(changed), C(failed), C(unreachable) and
          C(not_run).
      type: dict
      sample: {as_declared: 1, changed: 1, failed: 1, unreachable: 0, not_run: 0}
    drifted:
      description:
        - Users that changed, or in check mode would change. Null if the result of a store does not
          list its users.
      type: int
      sample: 176
    failed:
      description: Users with an error.
      type: int
      sample: 3
    not_tried:
      description:
        - Failed users that were not tried. Null if the result of a store does not list its users.
      type: int
      sample: 0
    users:
      description: The sums of the stores' C(summary).
      type: dict
      sample: {desired: 2000, created: 36, updated: 68, unchanged: 1821, failed: 3}
    requests:
      description: Requests to all stores.
      type: int
      sample: 63
    seats:
      description:
        - Active and deactivated users of the stores whose lists were read to the end. Null if no
          list was.
      type: dict
      sample: {stores_counted: 3, active: 2027, stores_with_deactivated: 3, deactivated: 221}
"""
