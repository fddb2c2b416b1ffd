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
  - Compares a list of desired users with the ones at the store, and sends requests only for those
    that differ. A second run with the same list changes nothing.
  - The store is read with the fewest requests that the list allows, since a store answers about a
    hundred requests a minute. One request reads up to a hundred users.
  - The desired users are in the task, in a file (CSV, JSON, JSON lines or YAML), or in both.
  - Every item is validated before the first request. All bad items are reported at once, each with
    its option and its index, or its file and line.
  - A user's failure ends neither the run nor what was done for other users. The task then fails at
    its end, with C(changed) and RV(results) telling what was done, and RV(failed_users) what is
    left.
  - With O(exclusive), users who are not in the list are deactivated as well. Guards keep a wrong
    list from doing harm. They are asked before anything is written.
author:
  - The publica.la collection's authors (@publica-la)
extends_documentation_fragment:
  - publica.la.connection
  - publica.la.attributes
options:
  users:
    description:
      - The desired users. Two items with the same O(users[].id), O(users[].external_id) or
        O(users[].email) are an error, and so is an unknown option.
      - Users of the store that are not in the list are left alone, unless O(exclusive) is true.
      - Give O(users), O(src) or both.
    type: list
    elements: dict
    suboptions:
      email:
        description:
          - The user's address, at most 254 characters, compared without regard to case.
          - Required to create a user.
        type: str
      external_id:
        description:
          - The user's id in the operator's own system, 1 to 64 characters.
          - Required to create a user, and for any change where the store does not return it.
        type: str
      id:
        description:
          - The user's id at the store, 1 or more. One that the store does not know is an error,
            except with O(users[].state=absent).
        type: int
      state:
        description:
          - V(present) means that the account exists with these attributes, active or not.
          - V(active) means the same, and reactivated if need be.
          - V(absent) means deactivated, or never there.
        type: str
        choices: [present, active, absent]
        default: present
      password:
        description:
          - The user's password, 8 to 255 characters. Never compared and never shown.
        type: str
        aliases: [new_password]
      update_password:
        description:
          - V(on_create) sets the password only when the user is created, V(always) on every run,
            which then always reports a change.
        type: str
        choices: [on_create, always]
        default: on_create
      generate_password:
        description:
          - Whether a user that is created without a password gets a random one that is never shown.
        type: bool
        default: false
      sessions_limit:
        description:
          - In how many sessions the user may read at once, a whole number from 1 to 999999. V(0),
            or the word V(unlimited), means no limit.
        type: raw
      plan_id:
        description:
          - The id of the plan that the user is to hold. Assigned only where the user does not hold
            it already, with O(users[].plan_valid_to) as its end if that is given.
        type: int
        aliases: [assign_new_plan]
      plan_valid_to:
        description:
          - The last day of the plan, as C(YYYY-MM-DD). Needs a plan.
        type: str
        aliases: [new_plan_custom_valid_to]
      user_plan_name:
        description:
          - A name for the assignment of the plan, sent only with an assignment. Needs a plan.
        type: str
      admin:
        description: Whether the user administers the store.
        type: bool
      plan_admin:
        description: Whether the user administers a plan.
        type: bool
      only_sees_readable:
        description: Whether the user sees only what the user may read.
        type: bool
      force_logout:
        description:
          - Whether to end the user's sessions as well when this task deactivates the user, or
            changes the password, a right or the sessions limit.
        type: bool
        default: false
  src:
    description:
      - A file of desired users, on the host where the module runs. They come after those of
        O(users), and are validated together with them.
      - The end of the name tells the format, which is V(.csv), V(.json), V(.jsonl), V(.yml) or
        V(.yaml).
      - A relative path counts from the module's working directory. Begin the path with
        C(playbook_dir) or C(inventory_dir), as the examples do, to be independent of it.
      - A table (CSV) has the options' names in its first line, in any order. Capitals do not
        matter, and spaces and hyphens count as underscores. An empty cell leaves the option
        unmanaged, or to O(defaults), and a row of empty cells is skipped. The delimiter, which is
        comma, semicolon, tab or pipe, is recognised. The encoding is UTF-8, or UTF-16 with a
        byte-order mark.
      - A JSON or YAML document is a list of users, or a mapping whose only key is C(users),
        C(publica_users_desired) or begins with C(publica_users_desired_), with the list under it.
        Its keys are matched like the names of columns. JSON lines are one user a line.
      - A file that is empty or holds no user is an error, since most likely an export has failed.
        So is a row with more or fewer cells than the header, and a key that stands twice in one
        user.
      - Templates are not evaluated in the file, and values of Ansible Vault inside it are refused.
    type: path
  src_columns:
    description:
      - What the columns or keys of O(src) mean, for those whose names are not the options' own. A
        mapping of the column's name to the option's, or to null (C(~)) for a column to ignore.
      - Names of columns are matched like those in the file. One that is mapped to an option and
        that the file does not have is an error, and so are two columns for one option.
    type: dict
    default: {}
  defaults:
    description:
      - Options for every item that does not give them itself, by the same names as in O(users).
        An item's empty (null) option takes the default.
      - What identifies a user (C(email), C(external_id), C(id)) cannot be a default.
    type: dict
    default: {}
  exclusive:
    description:
      - Whether active users of the store that are not in the list are deactivated. Whoever shares
        an id, an external id or an address with an item counts as listed, whatever the item's
        state, and even where the item fails.
      - Never deactivated for it are admins of the store, users of whom the store does not tell
        whether they are one, and those in O(protected). RV(summary.protected) counts them.
      - The store's whole list of active users is read, so O(lookup=search) is refused.
      - A task without any user in its list fails with C(empty_list), and one to which the store's
        list does not come in whole with C(incomplete_listing), whatever the other options say.
      - They are logged out as well where O(defaults) has C(force_logout).
    type: bool
    default: false
  protected:
    description:
      - Users that O(exclusive) never deactivates. Addresses, or shell patterns of them with C(*),
        C(?) and C([...]), such as V(*@partner.example.org). Compared without regard to case.
      - An item with O(users[].state=absent) is deactivated all the same.
    type: list
    elements: str
    default: []
  max_deactivations:
    description:
      - How many users O(exclusive) may deactivate in one run. A whole number, or a percentage
        with C(%) of the users that are active at the store, rounded down.
      - It counts the users that are not in the list, and not items with O(users[].state=absent),
        whom somebody has named.
      - A plan with more fails with C(too_many_deactivations) before anything is written, unless
        O(approve) names it. V(0) means that each removal needs an approval.
    type: str
    default: 10%
  approve:
    description:
      - The RV(plan.hash) of the plan that was reviewed in a dry run. Exactly that plan is carried
        out, whatever O(max_deactivations) says. Any other, since list or store have changed, fails
        with C(not_approved) before anything is written. Counts without O(exclusive), too.
      - Where there is nothing to do, any hash passes, so that the same task can run again.
      - Write the hash in quotes, since it may look like a number.
    type: str
  on_guard:
    description:
      - What C(too_many_deactivations), C(not_approved) and C(incomplete_listing) mean with
        O(exclusive). V(fail) means that nothing at all is written and the task fails. V(skip) means
        that nobody is deactivated for not being in the list, everything else is done, and a warning
        tells of it.
      - In check mode none of them fails. The whole plan is shown, and a warning tells what a run
        would refuse.
      - Without O(exclusive), C(not_approved) always fails.
    type: str
    choices: [fail, skip]
    default: fail
  lookup:
    description:
      - How the current users are found. V(list) reads the store's pages, V(search) looks each user
        up by address, and V(auto) decides for the cheaper way after the first page.
      - With V(search), a user whose address at the store is another than the desired one is not
        found by O(users[].external_id). Items without an address are listed for in any case.
    type: str
    choices: [auto, list, search]
    default: auto
  count_seats:
    description:
      - Whether to read the store's lists of active and of deactivated users to their end, so that
        RV(seats) tells of everybody. It costs one request for each hundred users that would not
        have been read otherwise, and O(lookup) then makes no difference to what is read.
      - Without it, RV(seats) is there where the list of active users came in whole anyway.
    type: bool
    default: false
  concurrency:
    description:
      - How many users are worked on at once, 1 to 64. All workers share the store's rate limit.
    type: int
    default: 8
  on_error:
    description:
      - V(continue) goes on with the other users after a user's error. V(stop) begins no further
        user, and nothing at all where the error was found before the first change.
      - Errors that every further request would meet as well, such as a token that the store
        refuses, end the run in any case.
    type: str
    choices: [continue, stop]
    default: continue
  report:
    description:
      - Whom RV(results) and RV(diff) tell of. V(changes) are users that changed or failed, V(all)
        is everybody, V(summary) is nobody.
    type: str
    choices: [changes, all, summary]
    default: changes
  progress_interval:
    description:
      - A task that takes longer than this many seconds tells how far it is, in one line at least
        every so many seconds, between what C(ansible-playbook) prints and in its log.
        V(0) switches that off. At most 86400.
      - Lines are shown where the task runs on the machine of C(ansible-playbook) itself, by the
        connection V(local), as the user who runs it or as root. With another connection, with
        C(async) and with C(no_log) there are none; O(progress_file) is for that.
      - Without the option, the environment variable E(PUBLICA_PROGRESS_INTERVAL) of
        C(ansible-playbook) decides.
    type: float
    default: 5
  progress_file:
    description:
      - A file on the executing host that the task keeps rewriting with how far it is, for you to
        follow a task that runs on another host or with C(async). Without it the task uses a file of
        its own, where it shows lines, and removes it at the end.
      - The file is JSON, in one line, always whole, and readable by the task's user alone. It holds
        numbers only, nothing of a user, and stays when the task is over.
      - Its keys are C(phase) (V(starting), V(reading), V(applying), V(finishing)), C(ended)
        (whether the task is over), C(stopping) (whether it was told to stop), C(pages_read),
        C(pages_left) (null where the store does not tell), C(users_read), C(look_ups) and
        C(looked_up), C(total) and C(done) (users to whom something is sent), of these C(created),
        C(updated), C(reactivated), C(deactivated) and C(failed), C(waiting_seconds) (for which the
        task still waits for the store's rate limit), C(users_per_second) and C(seconds_left) (null
        where nothing is known), C(pid), C(started_at), C(updated_at) (UTC) and C(seconds) since the
        start.
      - The folder must exist. A file that cannot be written does no harm and gives a warning. What
        is no regular file, such as a link, is not replaced.
    type: path
seealso:
  - module: publica.la.publica_user
  - module: publica.la.publica_user_info
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

- name: Everybody in one list of the inventory, at half of the store's rate limit
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

- name: Everybody in a table that a spreadsheet has saved
  publica.la.publica_user_bulk:
    base_url: https://example.publica.la
    api_token: "{{ publica_api_token }}"
    src: "{{ playbook_dir }}/seats.csv"
    defaults:
      generate_password: true

- name: Everybody in an export of the personnel system, whose columns have other names
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

- name: Nobody but these, the guests and the admins
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
summary:
  description:
    - How many users met which fate. A user can be counted twice, as one who was updated and whose
      logout failed is.
  returned: always, once the store was read
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
      description: Users that were deactivated, those of O(exclusive) included.
      type: int
      sample: 2
    unchanged:
      description: Users that were as desired already.
      type: int
      sample: 184
    protected:
      description:
        - Active users that are not in the list, and that O(exclusive) kept since they are admins,
          may be admins, or are in O(protected).
      type: int
      sample: 0
    failed:
      description: Users with an error.
      type: int
      sample: 0
results:
  description:
    - What was done for each user, or in check mode would be, in the order of the input. The users
      that O(exclusive) deactivates come behind it, by their id.
  returned: always, once the store was read
  type: list
  elements: dict
  contains:
    email:
      description: The user's address.
      type: str
      sample: ana@example.org
    external_id:
      description: The user's id in the operator's own system.
      type: str
      sample: staff-1001
    id:
      description: The user's id at the store; null where there is none yet.
      type: int
      sample: 923242
    state:
      description: The desired state.
      type: str
      sample: present
    listed:
      description: Whether the user is in the list. False for a user that O(exclusive) deactivates.
      type: bool
      sample: true
    actions:
      description:
        - What was done, in order (C(force_logout) last, though a user who is deactivated is logged
          out just before); up to the failure, where there was one.
      type: list
      elements: str
      sample: [update, assign_plan]
    changed:
      description: Whether anything was done.
      type: bool
      sample: true
    failed:
      description: Whether the user has an error.
      type: bool
      sample: false
    error:
      description: The error, with the same keys as RV(failure); null where there is none.
      type: dict
      sample: null
failed_users:
  description:
    - The items that failed or were not tried, in the order of the input, to be given to O(users)
      again with the same O(defaults). Those of O(users) are as they were given. Those of O(src)
      hold what was read, with the defaults under it.
    - Passwords are never in it. An item that needs one has to get it again from where it is kept.
    - Whoever O(exclusive) was to deactivate is not in it, since nobody has listed them.
    - It is there with every O(report), and empty where nobody failed.
  returned: always, once the store was read
  type: list
  elements: dict
  sample:
    - email: bruno@example.org
      external_id: staff-1002
      plan_id: 99
guard:
  description:
    - What a guard has to say against the plan; null where there is nothing. In check mode, what a
      run would meet.
  returned: always, once the store was read
  type: dict
  sample: null
  contains:
    code:
      description: C(too_many_deactivations), C(not_approved) or C(incomplete_listing).
      type: str
      sample: too_many_deactivations
    message:
      description: What is wrong, the first of the users, and what to do.
      type: str
      sample: >-
        2 users are not in the list and would be deactivated, but max_deactivations allows 1 (10% of
        12 active users): ana@example.org, bruno@example.org. Check that the list is complete. If
        that is right, raise max_deactivations, or review the plan in a dry run and give approve:
        '3f9d1c0a7be24c55'.
    deactivations:
      description: How many users that are not in the list the plan deactivates.
      type: int
      sample: 2
    limit:
      description: How many it may, null without O(exclusive) or where it is not known.
      type: int
      sample: 1
    active:
      description: How many active users the store has, null in the same cases.
      type: int
      sample: 12
    warning:
      description: The line of C(warnings) for this guard. Null if the task fails because of it.
      type: str
      sample: null
seats:
  description:
    - The users of the store, whether they are in the list or not, as they are when the task ends.
      A dry run tells of them as they are, not as they would be.
    - Null where the list of active users was not read to its end; see O(count_seats).
  returned: always, once the store was read
  type: dict
  contains:
    active:
      description: Active users.
      type: int
      sample: 212
    deactivated:
      description: Deactivated users; null where their list was not read to its end.
      type: int
      sample: 18
    plans:
      description:
        - How many active users hold each plan today, as C(plan_id), C(name) and C(users), by the
          plan's id. Whoever holds two plans counts in both.
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
      description: Active users of whom the store does not tell which plans they hold.
      type: int
      sample: 0
    ending:
      description:
        - The plans that end within 90 days, as C(email), C(plan_id), C(name) and C(valid_to), the
          earliest first. Of a plan that a user holds twice, the later end counts. Empty with
          O(report=summary).
      type: list
      elements: dict
      sample:
        - {email: ana@example.org, plan_id: 12, name: Library card, valid_to: "2031-12-31"}
plan:
  description: What the plan takes.
  returned: always, once the store was read
  type: dict
  contains:
    hash:
      description:
        - A name for exactly this plan, for O(approve). It is the same as long as list and store
          are, in a dry run and in a run. Of passwords only their presence counts.
      type: str
      sample: 3f9d1c0a7be24c55
    requests:
      description: Requests that write, if each is answered at the first attempt.
      type: int
      sample: 18
    minutes:
      description: Full minutes to wait for the store's rate limit meanwhile, at the least.
      type: int
      sample: 0
diff:
  description:
    - What is different before and after, one entry for each user that changes. If a guard refused
      the plan, what would be different.
    - C(result) is the position of the user in RV(results), counted from 0. Plans are text in
      C(before) and C(after). If they differ, C(plans) has them as data, under C(before) and
      C(after). Each plan has C(plan_id), C(name), C(valid_to) (the last day) and C(cancelled).
  returned: always, once the store was read
  type: list
  elements: dict
  sample:
    - before: {sessions_limit: 1}
      after: {sessions_limit: 2}
      before_header: ana@example.org
      after_header: ana@example.org (update)
      result: 0
api:
  description: What the task cost.
  returned: always
  type: dict
  contains:
    requests:
      description: Requests sent, retries included.
      type: int
      sample: 20
    retries:
      description: How many of them repeated an earlier one.
      type: int
      sample: 0
    waited_seconds:
      description: Seconds in which the task stood still for the store's rate limit.
      type: float
      sample: 0.0
failure:
  description: Why the task failed, for a playbook to branch on.
  returned: failure
  type: dict
  contains:
    code:
      description:
        - A short stable name; C(users_failed) where single users failed, or what a guard says.
      type: str
      sample: users_failed
    message:
      description: The same as C(msg).
      type: str
      sample: "1 of 26 users failed: #3 ana@example.org: The store refused the values."
    method:
      description: The HTTP method of the request that failed; null for several users.
      type: str
      sample: null
    path:
      description: The path of that request.
      type: str
      sample: null
    status:
      description: The HTTP status that came back.
      type: int
      sample: null
    fields:
      description: What is wrong, by item and field.
      type: dict
      sample: {"users[3]": ["The store refused the values."]}
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils.apply.executor import CONTINUE, ON_ERROR, check_workers
from ..module_utils.client.api import UsersApi
from ..module_utils.input.files import users_of_task
from ..module_utils.input.policy import read_policy, removal_argument_spec
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
    transport, share = api.transport, params["rate_limit_share"]
    with progress_to(
        params["progress_file"], transport.limiter, share, transport.stop_request
    ) as progress:
        result = _provisioned(api, params, progress)
    result["warnings"].extend(progress_warnings(progress))
    return result


def _provisioned(api: UsersApi, params: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    policy, faults = read_policy(params)
    faults += check_workers(params["concurrency"])
    faults += check_interval(params["progress_interval"])
    desired = users_of_task(
        params["users"], params["src"], params["src_columns"], params["defaults"], faults
    )
    refuse_empty_list(policy, desired)
    provisioned = provision(
        api,
        desired,
        lookup=params["lookup"],
        workers=params["concurrency"],
        on_error=params["on_error"],
        policy=policy,
        progress=progress,
        count_seats=params["count_seats"],
    )
    return bulk_result(
        provisioned,
        failed_users=failed_users(
            provisioned.applied, params["users"] or (), params["defaults"] or {}
        ),
        report=params["report"],
        requests_a_window=api.transport.limiter.limit,
        share=params["rate_limit_share"],
    )


def main() -> None:
    spec = {
        # An item's options are read by ``desired``, which reports every bad item at once.
        "users": {"type": "list", "elements": "dict"},
        "src": {"type": "path"},
        "src_columns": {"type": "dict", "default": {}},
        "defaults": {"type": "dict", "default": {}},
        "lookup": lookup_argument_spec(),
        "count_seats": {"type": "bool", "default": False},
        "concurrency": {"type": "int", "default": 8},
        "on_error": {"type": "str", "choices": list(ON_ERROR), "default": CONTINUE},
        "report": {"type": "str", "choices": list(REPORTS), "default": CHANGES},
        **removal_argument_spec(),
        **progress_argument_spec(),
    }
    run(PublicaModule(spec, required_one_of=[("users", "src")]), work)


if __name__ == "__main__":
    main()
