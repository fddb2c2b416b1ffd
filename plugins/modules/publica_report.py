#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_report
short_description: Write a report on what a run did, or would do, in all stores
version_added: 0.1.0
description:
  - Writes one report on all stores of the play, from the results that
    M(publica.la.publica_user_bulk) has left in a variable of each host. The role and the playbooks
    of this collection call it for you where C(publica_users_report_dir) is given.
  - The report is four files. C(index.html) is a page to look at, which needs no other file and
    requests nothing from anywhere. C(report.json) is the same as data, C(report.md) fits the
    comment of a pull request, and C(junit.xml) is for the test view of a CI.
  - It runs where C(ansible-playbook) runs, whatever the connection of the hosts is, and sends no
    request to a store. Values of a store are text, and never evaluated as templates.
  - Run it once for all hosts, with C(run_once). Where a strategy such as C(free) runs it for each
    host all the same, the files end as those of the host that knew most.
author:
  - The publica.la collection's authors (@publica-la)
attributes:
  check_mode:
    support: full
    description:
      - Can run in check mode. It writes the report then as well, since that tells what a run would
        do.
  diff_mode:
    support: none
    description: Shows what a task changes, or would change, with C(--diff).
  idempotent:
    support: full
    description: Run again with the same arguments, it changes nothing.
    details:
      - It never reports a change. The report is about changes and is none.
options:
  dir:
    description:
      - The directory to write to, on the machine where C(ansible-playbook) runs. It is made if it
        is not there. A relative path counts from where C(ansible-playbook) was started.
      - The files of an earlier report are replaced, each at once, and are readable by everybody
        (0644). Where one of their names is a link or a directory, nothing is written and the task
        fails.
    type: path
    required: true
  language:
    description:
      - The language of the report. V(en) is English, V(es) Spanish and V(pt) Portuguese. The names
        in C(report.json), and what the modules say, are English in each.
    type: str
    choices: [en, es, pt]
    default: en
  kind:
    description:
      - What the run is for. V(audit) calls what differs a drift, and in C(junit.xml) whoever
        differs has failed. With V(provision) only whoever failed has.
    type: str
    choices: [provision, audit]
    default: provision
  results:
    description: The name of the variable in which each host's result is registered.
    type: str
    default: publica_users_result
  hosts:
    description:
      - The hosts to report on, one a store. Without it, all hosts of the play, those that failed or
        were not reached included.
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
  description: The paths of all four files.
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
    - Whether this task has written them. False where another host of the same run had written a
      report that tells of more stores.
  returned: success
  type: bool
  sample: true
totals:
  description: The figures over all stores, as in C(report.json).
  returned: success
  type: dict
  contains:
    stores:
      description: How many stores there are.
      type: int
      sample: 3
    stores_by_status:
      description:
        - How many of them are C(as_declared), C(changed), C(failed), C(unreachable) and C(not_run).
      type: dict
      sample: {as_declared: 1, changed: 1, failed: 1, unreachable: 0, not_run: 0}
    drifted:
      description:
        - Users that changed, or in check mode would; null where a store's result does not tell them
          one by one.
      type: int
      sample: 176
    failed:
      description: Users with an error.
      type: int
      sample: 3
    not_tried:
      description: Those of them that were not tried; null where they are not told one by one.
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
        - Active and deactivated users over the stores that tell them; null where none does.
      type: dict
      sample: {stores_counted: 3, active: 2027, stores_with_deactivated: 3, deactivated: 221}
"""
