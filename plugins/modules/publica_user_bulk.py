#!/usr/bin/python
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publica_user_bulk
short_description: Bring many users of a Publica.la store to the desired state in one task
version_added: 0.1.0
description:
  - Compares a list of desired users with the users of the store, and sends requests only for those
    that differ. A second run with the same list changes nothing.
  - One request reads up to 100 users.
  - The desired users are in the task, in a file (a workbook, CSV, JSON, JSON Lines or YAML), or in
    both.
  - All items are validated before the first request, and all bad items are reported at once, each
    with its place.
  - If a user fails, the module continues with the others, and the task fails at its end.
    RV(results) shows what was done, and RV(failed_users) what is left to do.
  - With O(exclusive), users who are not in the list are deactivated, behind guards. With
    O(last_applied), a run reads only the users whose rows have changed since the last run.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes
requirements:
  - openpyxl 3.1 or newer, only for a workbook in O(src)
options:
  users:
    description:
      - The desired users. Two items with the same O(users[].id), O(users[].external_id) or
        O(users[].email) are an error, and so is an unknown option.
      - Users of the store who are not in the list are not changed, unless O(exclusive) is true.
      - Give O(users), O(user_lists), O(src) or several of them.
    type: list
    elements: dict
    suboptions:
      email:
        description:
          - The user's email address; see O(publica.la.publica_user#module:email). Required to
            create a user.
        type: str
      external_id:
        description:
          - The user's id in your own system, 1 to 64 characters, in quotes; see
            O(publica.la.publica_user#module:external_id). Required to create a user, and for a
            change if the store does not return it.
        type: str
      id:
        description:
          - The user's id at the store, 1 or more. An unknown id is an error, except with
            O(users[].state=absent).
        type: int
      state:
        description:
          - V(present) means that the account exists with these attributes, active or not.
          - V(active) means the same, and the account is reactivated if needed.
          - V(absent) means that the account is deactivated or does not exist.
        type: str
        choices: [present, active, absent]
        default: present
      password:
        description:
          - The user's password; see O(publica.la.publica_user#module:password).
        type: str
        aliases: [new_password]
      update_password:
        description:
          - V(on_create) sets the password only when the user is created. V(always) sets it in each
            run, which then always reports a change.
        type: str
        choices: [on_create, always]
        default: on_create
      generate_password:
        description:
          - Whether a user who is created without a password gets a random one that is never shown.
        type: bool
        default: false
      sessions_limit:
        description:
          - Number of concurrent sessions of the user, 1 to 999999. V(0) or V(unlimited) means no
            limit.
        type: raw
      plan_id:
        description:
          - The id of the plan for the user, assigned only if the user does not hold it already,
            until O(users[].plan_valid_to) if that is given; see
            O(publica.la.publica_user#module:plan_id).
        type: int
        aliases: [assign_new_plan]
      plan_name:
        description:
          - The name of the plan, instead of O(users[].plan_id); see
            O(publica.la.publica_user#module:plan_name). In O(defaults), it applies to items without
            O(users[].plan_id), and the other way round.
        type: str
        version_added: 1.0.0
      plan_valid_to:
        description:
          - The last day of the plan, as C(YYYY-MM-DD), from 2000 on. Requires O(users[].plan_id) or
            O(users[].plan_name).
        type: str
        aliases: [new_plan_custom_valid_to]
      user_plan_name:
        description:
          - A name for the assignment of the plan; see
            O(publica.la.publica_user#module:user_plan_name).
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
          - Whether to also end the user's sessions when this task deactivates the user, or changes
            the password, a right or the sessions limit.
        type: bool
        default: false
  user_lists:
    description:
      - More lists of desired users, by name, which follow O(users) in the given order. Errors have
        the name and the index, such as C(staff[4].email).
      - A text in place of a list is the name of the variable that holds it. A null is left out with
        a warning, and is an error with O(exclusive) and O(leavers=deactivate).
    type: dict
  src:
    description:
      - A file of desired users, on the host where the module runs. They follow those of O(users)
        and O(user_lists), and are validated together with them.
      - The suffix of the name determines the format. It is V(.csv), V(.json), V(.jsonl), V(.yml),
        V(.yaml) or V(.xlsx).
      - A relative path is relative to the module's working directory, so begin it with
        C(playbook_dir) or C(inventory_dir).
      - A CSV file has the names of the options in its first line, a workbook in the first row with
        a value of one O(sheet), in any order. Case is ignored, and spaces and hyphens count as
        underscores. An empty cell leaves the option unmanaged, or to O(defaults). The delimiter
        (comma, semicolon, tab or pipe) is detected. The encoding is UTF-8, or UTF-16 with a
        byte-order mark.
      - In a workbook, a number is no password, and an id only if it is whole and has at most 15
        digits. A formula counts by its stored value. Merged cells are an error. Hidden rows count,
        with a warning.
      - The columns C(assign_plan_id) and C(assign_plan_valid_to) of the dashboard's own import are
        known in each format.
      - A JSON or YAML document is a list of users, or a mapping with the list under its only key,
        which is C(users), C(publica_users_desired) or begins with C(publica_users_desired_). Its
        keys are matched like column names. A JSON Lines file has one user a line.
      - A file without users is an error. In a JSON or YAML file, only null leaves an option out.
      - Templates are not evaluated in the file, and values of Ansible Vault inside it are refused.
    type: path
  sheet:
    description:
      - The name of the sheet of a workbook in O(src). Case is ignored. The default is the first
        visible sheet. It is an error if O(src) is no workbook.
    type: str
    version_added: 1.0.0
  src_columns:
    description:
      - A mapping of column names or keys of O(src) to option names, or to null (C(~)) to ignore the
        column. A column that is not in the file is an error, unless it is ignored, and so are two
        columns for one option.
    type: dict
    default: {}
  defaults:
    description:
      - Options of O(users) for each item that does not set them, or has null there. A default that
        is null is none. C(email), C(external_id) and C(id) can't have a default.
    type: dict
    default: {}
  exclusive:
    description:
      - Whether active users of the store who are not in the list are deactivated. A user who shares
        an id, an external id or an address with an item is in the list, regardless of the item's
        state, and even if the item fails.
      - Never deactivated for this are users in O(protected), admins, plan admins, institutions'
        accounts (with C(ip_ranges) or C(referrers)), anonymized accounts, accounts that the API may
        not edit, and users whose admin or plan admin status the store does not return.
        RV(summary.protected) counts them, and RV(kept) names them.
      - O(lookup=search) is an error, since the complete list of active users is read. If that is
        not possible, the task fails with C(incomplete_listing), and with an empty list of desired
        users with C(empty_list).
      - The users are also logged out if O(defaults) sets C(force_logout).
    type: bool
    default: false
  last_applied:
    description:
      - The path of a record on the executing host, in which each run with this list keeps what it
        applied. Rows with the same desired values as in the last run are then not read. They count
        as C(unchanged) and as C(unverified) in RV(summary).
      - A row is compared if a desired value has changed, if the last run failed for it, if it has
        O(users[].update_password=always) with a password, or if it has a plan without
        O(users[].plan_valid_to) whose end has passed. A change of a password alone is no change.
      - The first run, without the file, compares every row. Users who left the list before it are
        not known.
      - Each store needs its own file, for the complete list of its users, so put C({{
        inventory_hostname }}) into its name. For another list with the same file, all users of the
        first list are leavers. Begin the path with C(inventory_dir) or C(playbook_dir). The
        directory must exist, and must not be inside an inventory that is a directory.
      - The file is JSON with one user a line, sorted, and readable only by the user that the module
        runs as. It has addresses and ids, and no passwords. It is replaced before the first write
        to the store and at the end, and never in check mode. A link in its place is an error.
      - A run holds a lock on the file with C(.lock) at the end of its name. A second run fails at
        once with C(record_locked). Check mode takes no lock.
      - A record that is broken, of a newer version or of another store fails the task with
        C(unusable_record) before the first request.
      - An empty list is refused, as with O(exclusive). The two options exclude each other.
    type: path
    version_added: 1.0.0
  leavers:
    description:
      - What happens to users of the record who are in no row any more and were not V(absent) in the
        last run. Users whose address or external id has changed are still in the list.
      - With V(ignore), a warning names them once, and they stay active.
      - With V(deactivate), each is looked up, and deactivated only if the account that is found has
        the id of the record, or its external id if the record has no id. The users are also logged
        out if O(defaults) sets C(force_logout).
      - Users in O(protected) and the accounts that O(exclusive) never deactivates stay active and
        stay in the record. RV(kept) names them. Reasons other than O(protected) are checked again
        only with O(verify=all).
      - A user who is not found stays in the record until a run with O(verify=all) looks for the id.
      - Requires O(last_applied). The default is V(ignore).
    type: str
    choices: [ignore, deactivate]
    version_added: 1.0.0
  verify:
    description:
      - With V(changed), rows that the record shows as applied are not read. With V(all), all rows
        are compared, which finds changes by others.
      - Requires O(last_applied). The default is V(changed). O(count_seats) reads all users, so it
        acts like V(all).
    type: str
    choices: [changed, all]
    version_added: 1.0.0
  protected:
    description:
      - Users that O(exclusive) and O(leavers) never deactivate, as addresses or shell patterns with
        C(*), C(?) and C([...]), such as V(*@partner.example.org). Case is ignored. A value that can
        match no address is an error.
      - A user with an item with O(users[].state=absent) is deactivated nevertheless.
    type: list
    elements: str
    default: []
  max_deactivations:
    description:
      - The maximum number of users that O(exclusive) or O(leavers) may deactivate in one run. A
        whole number, or a percentage with C(%), rounded down, of the active users at the store, or
        with O(leavers) of the entries in the record.
      - Items with O(users[].state=absent) do not count.
      - A plan with more fails with C(too_many_deactivations) before the first write, unless
        O(approve) is the hash of the plan. With V(0), each removal needs an approval.
    type: str
    default: 10%
  approve:
    description:
      - The RV(plan.hash) of a plan that was reviewed in a dry run. Exactly this plan is applied,
        regardless of O(max_deactivations). If the list or the store has changed since, the task
        fails with C(not_approved) before the first write, also without O(exclusive). If there is
        nothing to do, any hash is accepted.
      - Write the hash in quotes, since it may look like a number.
    type: str
  on_guard:
    description:
      - What happens with O(exclusive) or O(leavers) on C(too_many_deactivations), C(not_approved)
        and C(incomplete_listing). With V(fail), nothing is written and the task fails. With
        V(skip), no user is deactivated for not being in the list, everything else is done, and the
        task gives a warning.
      - In check mode the task does not fail. It shows the complete plan and warns that a run would
        refuse it.
      - Without O(exclusive) and O(leavers), C(not_approved) always fails the task.
    type: str
    choices: [fail, skip]
    default: fail
  lookup:
    description:
      - How the current users are found. V(list) reads the pages of the store's list. V(search)
        looks each user up by address. V(auto) chooses the cheaper way after the first page.
      - With V(search), a user with another address at the store is not found by
        O(users[].external_id). Items without an address are always searched in the list.
    type: str
    choices: [auto, list, search]
    default: auto
  count_seats:
    description:
      - Whether to read the complete lists of active and deactivated users, so that RV(seats) counts
        all of them. This costs one request for each 100 users that are not read otherwise, and
        O(lookup) has no effect then.
      - Without it, RV(seats) is returned if the list of active users was read completely anyway.
    type: bool
    default: false
  concurrency:
    description:
      - Number of users that are changed concurrently, 1 to 64.
    type: int
    default: 8
  on_error:
    description:
      - With V(continue), the other users are changed after a user's error. With V(stop), no further
        user is changed, and none at all if the error was found before the first write.
      - Errors that affect every further request, such as a rejected token, always end the run.
    type: str
    choices: [continue, stop]
    default: continue
  report:
    description:
      - The users in RV(results) and RV(diff). V(changes) returns users who changed or failed,
        V(all) all users, and V(summary) none.
    type: str
    choices: [changes, all, summary]
    default: changes
  validate_only:
    description:
      - Whether to only validate the users, without a request. The result has only the number of
        C(desired) users in RV(summary).
    type: bool
    default: false
    version_added: 1.0.0
  progress_interval:
    description:
      - A task that takes longer than this number of seconds shows its progress in one line, at
        least once in this interval, in the output of C(ansible-playbook) and in its log. V(0) shows
        none. At most 86400.
      - Progress is shown only with the connection V(local), as the same user or as root, and not
        with C(async) or C(no_log). Use O(progress_file) there.
      - The default can be set with the environment variable E(PUBLICA_PROGRESS_INTERVAL) of
        C(ansible-playbook).
    type: float
    default: 5
  progress_file:
    description:
      - A file on the executing host that the task rewrites with its progress, to follow a task on
        another host or with C(async).
      - The file holds one line of JSON without data of users, is replaced atomically, is readable
        only by the task's user, and remains when the task has ended.
      - Its keys are C(phase) (V(starting), V(reading), V(applying), V(finishing)), C(ended),
        C(stopping) (whether a stop was requested), C(pages_read), C(pages_left) (null if unknown),
        C(users_read), C(look_ups) and C(looked_up), C(total) and C(done) (users with changes), of
        these C(created), C(updated), C(reactivated), C(deactivated) and C(failed), C(unverified)
        (rows that were not read), C(waiting_seconds) (left to wait for the store's rate limit),
        C(users_per_second) and C(seconds_left) (null if unknown), C(pid), C(started_at),
        C(updated_at) (UTC) and C(seconds) since the start.
      - The directory must exist. If the file can't be written, the task gives a warning. A path
        that is not a progress file or an empty file, such as a link, is not replaced.
    type: path
seealso:
  - module: publica.la.publica_user
  - module: publica.la.publica_user_info
  - module: publica.la.publica_plan_info
"""

EXAMPLES = r"""
- name: Seats of the editorial department
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    defaults:
      plan_id: 12
      plan_valid_to: "2031-12-31"
      sessions_limit: 2
      generate_password: true
    users:
      - email: ana@example.org
        external_id: staff-1001
      - email: bruno@example.org
        external_id: staff-1002
        plan_admin: true
      - email: carla@example.org
        state: absent
        force_logout: true

- name: Users from a list of the inventory, at half of the store's rate limit
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    users: "{{ seats }}"
    rate_limit_share: 50
    on_error: stop
    report: all
  vars:
    seats:
      - email: diego@example.org
        external_id: staff-1003
        state: active

- name: Users from an export of the personnel system with other column names
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    src: "{{ playbook_dir }}/personnel.csv"
    src_columns:
      Mail: email
      Staff no.: external_id
      Department: null
    defaults:
      generate_password: true
      sessions_limit: unlimited

- name: At the cost of what has changed since the last run, and without the users who have left
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    src: "{{ playbook_dir }}/seats.csv"
    last_applied: "{{ playbook_dir }}/{{ inventory_hostname }}.json"
    leavers: deactivate
    defaults:
      generate_password: true

- name: Users from a sheet of a workbook
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    src: "{{ playbook_dir }}/readers.xlsx"
    sheet: Readers
    defaults:
      generate_password: true

- name: Only these users, the guests and the admins stay active
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    exclusive: true
    max_deactivations: 5
    protected:
      - "*@guests.example.org"
      - auditor@example.org
    defaults:
      force_logout: true
    users:
      - email: ana@example.org
        external_id: staff-1001
      - email: bruno@example.org
        external_id: staff-1002
"""

RETURN = r"""
msg:
  description:
    - What the task did in numbers, and in check mode what it would do and cost. If the task failed,
      the reason.
  returned: always
  type: str
  sample: >-
    Dry run: nothing was written. 200 users would be created. The run needs 204 requests, about 3
    minutes.
last_applied:
  description: The record after the task, in check mode as it is; null without O(last_applied).
  returned: always, if the store was read
  type: dict
  sample: null
  contains:
    path:
      description: The absolute path of the file.
      type: str
      sample: /srv/seats/records/library.json
    entries:
      description: Number of users in the record.
      type: int
      sample: 200
    verified_at:
      description:
        - When a run last compared all users of the list, as ISO 8601 in UTC; null if none has.
      type: str
      sample: "2031-05-06T02:00:00Z"
summary:
  description:
    - Number of users by outcome. A user can count twice, for example as updated and as failed if
      the logout failed.
  returned: always, if the store was read
  type: dict
  contains:
    desired:
      description: Users in the list and the file.
      type: int
      sample: 200
    created:
      description: Users that were created.
      type: int
      sample: 4
    updated:
      description: Users whose attributes, password or plan were changed.
      type: int
      sample: 9
    reactivated:
      description: Users that were reactivated.
      type: int
      sample: 1
    deactivated:
      description: Users that were deactivated, including by O(exclusive) and O(leavers).
      type: int
      sample: 2
    unchanged:
      description: Users without a difference.
      type: int
      sample: 184
    unverified:
      description:
        - Users of these who were not read, since O(last_applied) shows that the last run brought
          them to the same state. Changes by others since then are not seen.
      type: int
      sample: 0
    protected:
      description:
        - Users who are not in the list and that O(exclusive) or O(leavers) did not deactivate, by
          the reasons in RV(kept).
      type: int
      sample: 0
    failed:
      description: Users with an error.
      type: int
      sample: 0
results:
  description:
    - What was done for each user, or in check mode would be done, in the order of the input,
      followed by the users that O(exclusive) or O(leavers) deactivates, by their id.
    - If a guard refused the plan, only the users with an error of their own and the first five of
      the others, unless O(report=all). RV(diff) has the others.
  returned: always, if the store was read
  type: list
  elements: dict
  contains:
    email:
      description: The user's address.
      type: str
      sample: ana@example.org
    external_id:
      description: The user's id in your own system.
      type: str
      sample: staff-1001
    id:
      description: The user's id at the store; null if there is none yet.
      type: int
      sample: 923242
    state:
      description: The desired state.
      type: str
      sample: present
    listed:
      description:
        - Whether the user is in the list. False for a user that O(exclusive) or O(leavers)
          deactivates.
      type: bool
      sample: true
    actions:
      description:
        - What was done, in order, up to a failure; see RV(publica.la.publica_user#module:actions).
      type: list
      elements: str
      sample: [update, assign_plan]
    changed:
      description: Whether the user was changed.
      type: bool
      sample: true
    failed:
      description: Whether the user has an error.
      type: bool
      sample: false
    error:
      description: The error, with the same keys as RV(failure); null if there is none.
      type: dict
      sample: null
failed_users:
  description:
    - The items that failed or were not tried, in the order of the input, to give them to O(users)
      again with the same O(defaults). Items of O(src) have the defaults applied. If a guard refused
      the plan, the first five, unless O(report=all).
    - It never holds a password (add it again), nor users that O(exclusive) or O(leavers) was to
      deactivate.
  returned: always, if the store was read
  type: list
  elements: dict
  sample:
    - email: bruno@example.org
      external_id: staff-1002
      plan_id: 99
guard:
  description:
    - Why a guard refuses the plan; null if it does not. In check mode, why it would refuse it.
  returned: always, if the store was read
  type: dict
  sample: null
  contains:
    code:
      description: C(too_many_deactivations), C(not_approved) or C(incomplete_listing).
      type: str
      sample: too_many_deactivations
    message:
      description: What is wrong, the first users, and what to do.
      type: str
      sample: >-
        2 users are not in the list and would be deactivated, but max_deactivations allows 1 (10% of
        12 active users): ana@example.org, bruno@example.org.
    deactivations:
      description: Number of users that the plan deactivates for not being in the list.
      type: int
      sample: 2
    limit:
      description: Maximum number; null without O(exclusive) and O(leavers), or if unknown.
      type: int
      sample: 1
    active:
      description:
        - Number of active users at the store, or with O(leavers) of entries in the record; null in
          the same cases.
      type: int
      sample: 12
    warning:
      description: The line of C(warnings) for this guard. Null if the task fails because of it.
      type: str
      sample: null
seats:
  description:
    - All users of the store at the end of the task, in the list or not. In check mode, the users as
      they are.
    - Null if the list of active users was not read completely; see O(count_seats).
  returned: always, if the store was read
  type: dict
  contains:
    active:
      description: Active users.
      type: int
      sample: 212
    deactivated:
      description: Deactivated users; null if their list was not read completely.
      type: int
      sample: 18
    plans:
      description:
        - Number of active users who hold each plan today, as C(plan_id), C(name) and C(users), by
          plan id. A user with two plans counts in both.
      type: list
      elements: dict
      sample:
        - {plan_id: 11, name: Campus, users: 40}
        - {plan_id: 12, name: Library card, users: 168}
    without_plan:
      description: Active users without a plan today.
      type: int
      sample: 4
    plans_unknown:
      description: Active users whose plans the store does not return.
      type: int
      sample: 0
    ending:
      description:
        - Plans that end within 90 days, as C(email), C(plan_id), C(name) and C(valid_to), the
          earliest first. If a user holds a plan twice, the later end counts. Empty with
          O(report=summary).
      type: list
      elements: dict
      sample:
        - {email: ana@example.org, plan_id: 12, name: Library card, valid_to: "2031-12-31"}
kept:
  description:
    - Users who were not deactivated although the list does not contain them, by reason.
      RV(summary.protected) counts them all.
    - The reasons are C(protected) (a pattern of O(protected) matches), C(admin), C(plan_admin),
      C(institution) (a network or site reads through this account), C(anonymized), C(not_editable)
      (the API may not change the account), C(rights_unknown) (the store does not return whether the
      user is an admin or a plan admin) and, with O(leavers), C(not_found) (no look-up found the
      user) and C(listed) (the account has a key of another user in the list).
    - Each has C(count) and C(users), the first 100, or the first five if a guard refused the plan,
      unless O(report=all).
  returned: always, if the store was read; empty without O(exclusive) and O(leavers)
  type: dict
  sample:
    admin: {count: 1, users: [admin@example.org]}
    institution: {count: 1, users: [campus@example.org]}
plan:
  description: The plan of the task and its cost.
  returned: always, if the store was read
  type: dict
  contains:
    hash:
      description:
        - Identifier of the plan, for O(approve). It is the same in a dry run and in a run if the
          list and the store are the same. Of a password only its presence counts.
      type: str
      sample: 3f9d1c0a7be24c55
    requests:
      description: Number of requests that write, without retries.
      type: int
      sample: 18
    minutes:
      description: Minimum number of full minutes that these wait for the store's rate limit.
      type: int
      sample: 0
    total_requests:
      description: Number of requests of the complete run, those that read included.
      type: int
      sample: 20
    total_minutes:
      description: Number of minutes that these take at the store's rate limit; 0 without one.
      type: int
      sample: 1
diff:
  description:
    - One entry for each user who changes. If a guard refused the plan, for each user who would
      change.
    - C(result) is the position of the user in RV(results), counted from 0. C(plans) has plans that
      differ as data, as in RV(publica.la.publica_user#module:diff).
    - With more than 20 new users, the first entry has a line for each of them, and no C(result). In
      the entries of these users, C(after) is empty and C(created) has the values.
    - If a guard refused the plan, C(item) is what RV(results) would hold of a user that it leaves
      out.
  returned: always, if the store was read
  type: list
  elements: dict
  sample:
    - before: {sessions_limit: 1}
      after: {sessions_limit: 2}
      before_header: ana@example.org
      after_header: ana@example.org (update)
      result: 0
api:
  description: Cost of the task, as in RV(publica.la.publica_user_info#module:api).
  returned: always
  type: dict
  sample:
    requests: 20
    retries: 0
    waited_seconds: 0.0
failure:
  description:
    - Why the task failed, as in RV(publica.la.publica_user#module:failure). C(code) is
      C(users_failed) if some users failed, and the code of RV(guard) if a guard refused the plan.
    - If users failed, C(message) has a line with their number, and one line for each of the first
      errors with its users. C(#3) is the user at position 3 of the input, counted from 0.
      C(method), C(path) and C(status) are null then, and C(fields) is by item. Of a refused input,
      it has the first 100 places.
  returned: failure
  type: dict
  sample:
    code: users_failed
    message: "1 of 26 users failed.\n#3 ana@example.org: The store refused the values."
    method: null
    path: null
    status: null
    fields: {"users[3]": ["The store refused the values."]}
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from ..module_utils.apply.executor import CONTINUE, ON_ERROR, check_workers
from ..module_utils.client.api import UsersApi
from ..module_utils.input.files import users_of_task
from ..module_utils.input.policy import ALL, read_policy, removal_argument_spec
from ..module_utils.last_applied.file import open_record
from ..module_utils.module import PublicaModule, run
from ..module_utils.plan.removals import refuse_empty_list
from ..module_utils.progress import (
    Progress,
    check_interval,
    progress_argument_spec,
    progress_to,
    progress_warnings,
)
from ..module_utils.provision import provision
from ..module_utils.result.result import CHANGES, REPORTS, bulk_result, failed_users
from ..module_utils.store.snapshot import lookup_argument_spec


def work(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Bring all users to the desired state."""
    transport = api.transport
    with progress_to(
        params["progress_file"], transport.limiter, transport.stop_request
    ) as progress:
        result = _provisioned(api, params, progress)
    result["warnings"].extend(progress_warnings(progress))
    return result


def _provisioned(api: UsersApi, params: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    policy, errors = read_policy(params)
    warnings: list[str] = []
    errors += check_workers(params["concurrency"])
    errors += check_interval(params["progress_interval"])
    desired = users_of_task(
        params["users"],
        params["src"],
        params["src_columns"],
        params["defaults"],
        errors,
        params["user_lists"],
        params["sheet"],
        warnings,
    )
    refuse_empty_list(policy, desired)
    if params["validate_only"]:
        return {"changed": False, "summary": {"desired": len(desired)}, "warnings": warnings}
    with open_record(
        params["last_applied"], params["base_url"], read_only=api.transport.read_only
    ) as record:
        provisioned = provision(
            api,
            desired,
            lookup=params["lookup"],
            workers=params["concurrency"],
            on_error=params["on_error"],
            policy=policy,
            progress=progress,
            count_seats=params["count_seats"],
            record=record,
            verify_all=params["verify"] == ALL,
        )
    result = bulk_result(
        provisioned,
        failed_users=failed_users(provisioned.applied, _rows(params), params["defaults"] or {}),
        report=params["report"],
        requests_a_window=api.transport.limiter.limit,
        share=params["rate_limit_share"],
    )
    result["warnings"].extend(warnings)
    return result


def _rows(params: Mapping[str, Any]) -> list[Any]:
    """The rows of the task's lists, in the order of the desired users."""
    return [*(params["users"] or ()), *chain.from_iterable((params["user_lists"] or {}).values())]


def main() -> None:
    spec = {
        # ``input/rows.py`` reads the options of the items, to report all bad items at once.
        "users": {"type": "list", "elements": "dict"},
        "user_lists": {"type": "dict"},
        "src": {"type": "path"},
        "sheet": {"type": "str"},
        "src_columns": {"type": "dict", "default": {}},
        "defaults": {"type": "dict", "default": {}},
        "lookup": lookup_argument_spec(),
        "count_seats": {"type": "bool", "default": False},
        "concurrency": {"type": "int", "default": 8},
        "on_error": {"type": "str", "choices": list(ON_ERROR), "default": CONTINUE},
        "report": {"type": "str", "choices": list(REPORTS), "default": CHANGES},
        "validate_only": {"type": "bool", "default": False},
        **removal_argument_spec(),
        **progress_argument_spec(),
    }
    one_of = [("users", "user_lists", "src")]
    run(PublicaModule(spec, ("users", "protected"), required_one_of=one_of), work)


if __name__ == "__main__":
    main()
