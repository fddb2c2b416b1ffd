# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs with a record: what they read, what they write and what they remember."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.policy import RemovalPolicy
from ansible_collections.publica.la.plugins.module_utils.last_applied.file import open_record
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import (
    BASE_URL,
    PASSWORD,
    api_on,
    bulk,
    desired_user,
    store_of,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    BARE,
    FULL,
    FakeStore,
    Held,
    Reply,
)

LIST = range(1, 201)
PAGINATORS = pytest.mark.parametrize("paginator", [BARE, FULL])
EXTERNAL_IDS = pytest.mark.parametrize("returned", [True, False], ids=["returned", "hidden"])


class Runs:
    """Runs of one list with one store and one record."""

    def __init__(self, store: FakeStore, path: Path) -> None:
        self.store = store
        self.path = path

    def __call__(
        self,
        desired: Iterable[DesiredUser],
        *,
        leavers: bool = True,
        verify_all: bool = False,
        read_only: bool = False,
        report: str = "changes",
        lookup: str = "auto",
        **policy: Any,
    ) -> dict[str, Any]:
        """The result of a run; the requests of earlier runs are forgotten."""
        self.store.forget_calls()
        desired = list(desired)
        api = api_on(self.store, workers=4, read_only=read_only)
        with open_record(str(self.path), BASE_URL, read_only=read_only) as record:
            provisioned = provision(
                api,
                desired,
                lookup=lookup,
                workers=4,
                policy=RemovalPolicy(leavers=leavers, has_record=True, **policy),
                record=record,
                verify_all=verify_all,
            )
            return bulk(provisioned, report, requests_a_window=None)

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The entries of the record, by address."""
        return {user["email"]: user for user in json.loads(self.path.read_text())["users"]}

    @property
    def requests(self) -> int:
        return len(self.store.calls)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "record.json"


def users(numbers: Iterable[int] = LIST, **options: Any) -> list[DesiredUser]:
    return [desired_user(number, **options) for number in numbers]


def changed(desired: Sequence[DesiredUser], number: int, **options: Any) -> list[DesiredUser]:
    """The list with other options for one of its users."""
    return [
        replace(user, **options) if user.email == f"user{number}@example.org" else user
        for user in desired
    ]


def large(path: Path, **variants: Any) -> Runs:
    """A store of 2,000 users, 200 of which are in the list and recorded."""
    runs = Runs(store_of(2000, 50, **variants), path)
    assert runs(users())["summary"]["unverified"] == 0
    return runs


@pytest.fixture
def runs(path: Path) -> Runs:
    return large(path)


@PAGINATORS
@EXTERNAL_IDS
def test_without_a_change_nothing_is_read(path: Path, paginator: str, returned: bool) -> None:
    runs = large(path, paginator=paginator, returns_external_id=returned)
    before = path.read_bytes()

    result = runs(reversed(users()))

    assert runs.requests == 0
    assert not result["changed"]
    assert (result["summary"]["unchanged"], result["summary"]["unverified"]) == (200, 200)
    assert path.read_bytes() == before


@PAGINATORS
@EXTERNAL_IDS
def test_a_run_costs_what_has_changed(path: Path, paginator: str, returned: bool) -> None:
    runs = large(path, paginator=paginator, returns_external_id=returned)
    desired = [*users(range(6, 9), sessions_limit=3), *users(range(9, 201)), *users([5001, 5002])]

    result = runs(desired)

    summary = result["summary"]
    assert (summary["updated"], summary["created"], summary["deactivated"]) == (3, 2, 5)
    assert summary["unverified"] == 192
    # A page at most, a look-up and a write for each.
    assert runs.requests <= 1 + 2 * 10
    assert {n for n, user in runs.store.users.items() if user.deactivated and n <= 2000} == {
        *range(1, 6)
    }
    assert [runs.store.users[n].sessions_limit for n in (6, 7, 8)] == [3, 3, 3]
    assert not runs(desired)["changed"]
    assert runs.requests == 0


@PAGINATORS
@EXTERNAL_IDS
def test_a_new_address_is_not_a_leaver(path: Path, paginator: str, returned: bool) -> None:
    runs = large(path, paginator=paginator, returns_external_id=returned)
    desired = changed(users(), 7, email="Renamed@example.org")

    result = runs(desired)

    assert (result["summary"]["updated"], result["summary"]["deactivated"]) == (1, 0)
    assert runs.store.users[7].email.lower() == "renamed@example.org"
    assert runs.requests <= 6
    assert not runs(desired)["changed"]
    assert runs.requests == 0


def test_a_new_external_id_is_not_a_leaver(runs: Runs) -> None:
    result = runs(changed(users(), 7, external_id="another"))

    assert (result["summary"]["updated"], result["summary"]["deactivated"]) == (1, 0)
    assert runs.store.users[7].external_id == "another"
    assert runs.requests <= 3


@pytest.mark.parametrize("finds", [True, False], ids=["found", "not found"])
def test_a_row_that_comes_back_finds_its_deactivated_account(path: Path, finds: bool) -> None:
    runs = large(path, search_finds_deactivated=finds)
    runs(users(range(2, 201)))
    assert runs.store.users[1].deactivated

    result = runs(users(range(2, 201)) + users([1], state="active"))

    assert not runs.store.users[1].deactivated
    assert len(runs.store.users) == 2050
    assert result["summary"]["reactivated"] == 1
    assert result["summary"]["failed"] == 0


@pytest.mark.parametrize(("state", "reactivated"), [("active", 1), ("present", 0)])
def test_a_new_row_without_an_external_id_finds_a_deactivated_account(
    runs: Runs, state: str, reactivated: int
) -> None:
    desired = [*users(), DesiredUser("user2010@example.org", state=state)]

    summary = runs(desired)["summary"]

    assert (summary["reactivated"], summary["failed"]) == (reactivated, 0)
    assert not runs(desired)["changed"]
    assert runs.requests == 0


def test_with_an_approval_a_taken_key_fails_and_is_listed_next_time(runs: Runs) -> None:
    desired = users() + users([2010], state="active")
    approved = runs(desired, read_only=True)["plan"]["hash"]

    first = runs(desired, approve=approved)
    second = runs(desired)

    assert (first["summary"]["created"], first["summary"]["failed"]) == (0, 1)
    assert (second["summary"]["reactivated"], second["summary"]["failed"]) == (1, 0)
    assert not any(call.method == "POST" for call in runs.store.writes if "re-act" not in call.path)


def test_new_rows_are_listed_where_external_ids_repeat(path: Path) -> None:
    runs = Runs(store_of(2000), path)
    runs.store.users[1500].external_id = "ext-7"
    runs(users(range(1, 1600)), verify_all=True)

    runs([*users(range(1, 1600)), DesiredUser("new@example.org", "ext-1900")])

    assert len(runs.store.users) == 2000
    assert runs.store.users[1900].email == "new@example.org"


@pytest.mark.parametrize("right", ["admin", "plan_admin"])
def test_accounts_with_rights_are_kept_and_not_read_again(runs: Runs, right: str) -> None:
    setattr(runs.store.users[1], right, True)
    desired = users(range(2, 201))

    for requests in (1, 0, 0):
        result = runs(desired)
        assert result["kept"] == {right: {"count": 1, "users": ["user1@example.org"]}}
        assert result["summary"]["protected"] == 1
        assert runs.requests == requests
    setattr(runs.store.users[1], right, False)
    assert runs(desired, verify_all=True)["summary"]["deactivated"] == 1
    assert "user1@example.org" not in runs.entries


def test_protected_leavers_are_judged_without_a_request(runs: Runs) -> None:
    desired = users(range(2, 201))

    assert runs(desired, protected=("user1@*",))["kept"]["protected"]["count"] == 1
    assert runs.requests == 0
    assert runs(desired)["summary"]["deactivated"] == 1


def test_a_leaver_whose_address_another_account_has_is_not_touched(runs: Runs) -> None:
    runs.store.users[1].email = "moved@example.org"
    runs.store.users[1000].email = "user1@example.org"

    result = runs(users(range(2, 201)))

    assert not result["changed"]
    assert not runs.store.users[1000].deactivated
    [warning] = result["warnings"]
    assert warning.startswith("user1@example.org: is no longer in the list and was not deactivated")
    assert "user1@example.org" not in runs.entries


def test_a_leaver_who_is_not_found_stays_until_all_is_verified(runs: Runs) -> None:
    runs.store.users[1].email = "moved@example.org"
    desired = users(range(2, 201))

    for requests in (1, 0):
        assert runs(desired)["kept"] == {"not_found": {"count": 1, "users": ["user1@example.org"]}}
        assert runs.requests == requests
    runs(desired, verify_all=True)
    assert runs.store.users[1].deactivated
    assert "user1@example.org" not in runs.entries


def test_a_leaver_with_a_key_of_a_row_is_judged_again_when_the_row_is_corrected(
    runs: Runs,
) -> None:
    desired = users(range(2, 201))

    result = runs(changed(desired, 7, email="user1@example.org"))

    assert result["kept"] == {"listed": {"count": 1, "users": ["user1@example.org"]}}
    assert runs(desired)["summary"]["deactivated"] == 1
    assert runs.store.users[1].deactivated
    assert not runs(desired)["changed"]
    assert runs.requests == 0


def test_users_who_were_absent_are_no_leavers(runs: Runs) -> None:
    runs(users(range(2, 201)) + users([1], state="absent"))
    runs.store.users[1].deactivated = False

    result = runs(users(range(2, 201)))

    assert not result["changed"]
    assert runs.requests == 0
    assert "user1@example.org" not in runs.entries


def test_ignored_leavers_are_named_once(runs: Runs) -> None:
    desired = users(range(3, 201))

    [warning] = runs(desired, leavers=False)["warnings"]

    assert "2 users have left the list" in warning
    assert "user1@example.org, user2@example.org" in warning
    assert runs(desired, leavers=True)["warnings"] == []
    assert not any(runs.store.users[n].deactivated for n in (1, 2))


def test_a_guard_counts_the_entries_of_the_record(runs: Runs) -> None:
    before = runs.path.read_bytes()

    result = runs(users(range(31, 201)))

    assert result["failure"]["code"] == "too_many_deactivations"
    assert "20 (10% of 200 entries in the record)" in result["msg"]
    assert (result["guard"]["limit"], result["guard"]["active"]) == (20, 200)
    assert not runs.store.writes
    assert runs.path.read_bytes() == before
    approved = runs(users(range(31, 201)), read_only=True)["plan"]["hash"]
    assert runs(users(range(31, 201)), approve=approved)["summary"]["deactivated"] == 30


def test_a_guard_that_skips_keeps_the_leavers_in_the_record(runs: Runs) -> None:
    desired = users(range(31, 201), sessions_limit=2)

    result = runs(desired, on_guard="skip")

    assert (result["summary"]["updated"], result["summary"]["deactivated"]) == (170, 0)
    assert len(runs.entries) == 200


def test_a_dry_run_reads_the_same_and_writes_no_record(runs: Runs) -> None:
    before = runs.path.read_bytes()
    desired = [*users(range(2, 201)), *users([5001])]

    predicted = runs(desired, read_only=True)
    requests = runs.requests
    assert runs.path.read_bytes() == before
    result = runs(desired)

    assert predicted["plan"] == result["plan"]
    assert predicted["diff"] == result["diff"]
    assert runs.requests == requests + result["plan"]["requests"]


def test_a_row_that_fails_is_compared_again_after_it_was_changed_back(runs: Runs) -> None:
    runs.store.answer_instead("PUT", Reply(422, {"message": "no", "errors": {"admin": ["no"]}}))

    assert runs(changed(users(), 7, admin=True))["summary"]["failed"] == 1
    assert "fingerprint" not in runs.entries["user7@example.org"]
    assert not runs(users())["changed"]
    assert runs.requests == 1
    assert "fingerprint" in runs.entries["user7@example.org"]


def test_an_absent_row_is_not_done_while_another_row_fails_to_free_its_address(runs: Runs) -> None:
    absent = DesiredUser("user7@example.org", state="absent")
    runs.store.answer_instead("PUT", Reply(422, {"message": "no", "errors": {"email": ["no"]}}))

    renamed = changed(users(), 7, email="new@example.org")
    assert runs([*renamed, absent])["summary"]["failed"] == 1

    assert not runs.store.users[7].deactivated
    assert runs([*users([*range(1, 7), *range(8, 201)]), absent])["summary"]["deactivated"] == 1
    assert runs.store.users[7].deactivated


@pytest.mark.parametrize("finds", [True, False], ids=["found", "not found"])
def test_an_absent_row_that_gets_an_external_id_is_looked_for_by_it(
    path: Path, finds: bool
) -> None:
    runs = large(path, search_finds_deactivated=finds)
    others = users([*range(1, 7), *range(8, 201)])
    absent = DesiredUser("user7@example.org", state="absent")
    runs([*others, absent])

    desired = [*others, replace(absent, external_id="ext-1900")]
    assert runs(desired)["summary"]["deactivated"] == 1

    assert runs.store.users[1900].deactivated
    assert not runs(desired)["changed"]


def test_a_new_row_that_fails_in_planning_gets_no_entry(runs: Runs) -> None:
    assert runs([*users(), DesiredUser("new@example.org")])["summary"]["failed"] == 1
    assert "new@example.org" not in runs.entries


def test_entries_lose_their_fingerprints_before_the_first_write(runs: Runs) -> None:
    desired = [*users(range(2, 200), sessions_limit=2), *users([200, 5001])]
    desired = changed(desired, 7, email="renamed@example.org")
    seen: list[dict[str, Any]] = []

    def look(call: Any) -> None:
        if call.method != "GET":
            seen.append(runs.entries)

    runs.store.before_answer = look
    runs(desired)

    entries = seen[0]
    verified = {email for email, entry in entries.items() if "fingerprint" in entry}
    assert verified == {"user200@example.org"}
    assert entries["renamed@example.org"]["earlier_email"] == "user7@example.org"
    assert {"user1@example.org", "user5001@example.org"} <= entries.keys()


def test_the_record_holds_no_secret_and_ignores_them(path: Path) -> None:
    runs = Runs(store_of(20), path)
    runs(users(range(1, 31), password=PASSWORD, generate_password=True))
    content = path.read_text()

    runs(users(range(1, 31), password=f"{PASSWORD}-2", force_logout=True))

    assert runs.requests == 0
    assert PASSWORD not in content
    assert path.read_text() == content


def test_rows_that_always_set_a_password_are_applied_in_each_run(runs: Runs) -> None:
    desired = changed(users(), 7, password=PASSWORD, update_password="always")

    for _run in range(2):
        assert runs(desired)["summary"]["updated"] == 1
        assert runs.requests == 2


def test_standing_warnings_are_repeated(path: Path) -> None:
    runs = Runs(store_of(5, 2, plans=[Held(12, None)]), path)
    desired = users(range(1, 8), plan_id=12, plan_valid_to="2031-12-31")

    first = runs(desired)["warnings"]
    before = path.read_bytes()

    assert len(first) == 2
    assert runs(desired)["warnings"] == first
    assert runs.requests == 0
    assert path.read_bytes() == before


def test_a_plan_that_has_ended_is_assigned_again(path: Path, monkeypatch: Any) -> None:
    runs = Runs(store_of(20, plans=[Held(12, "2031-12-31")]), path)
    desired = users(range(1, 21), plan_id=12)
    runs(desired)
    module = "ansible_collections.publica.la.plugins.module_utils.provision.utc_now"

    monkeypatch.setattr(module, lambda: "2031-12-31T12:00:00Z")
    assert not runs(desired)["changed"]
    assert runs.requests == 0
    monkeypatch.setattr(module, lambda: "2032-01-01T12:00:00Z")
    assert runs(desired)["summary"]["updated"] == 20
    # The store shows no end: the plan is read once more, and then never again.
    monkeypatch.setattr(module, lambda: "2032-01-28T12:00:00Z")
    assert runs(desired)["summary"]["unverified"] == 20
    monkeypatch.setattr(module, lambda: "2032-01-29T12:00:00Z")
    assert runs(desired)["summary"]["unverified"] == 0
    monkeypatch.setattr(module, lambda: "2039-01-01T12:00:00Z")
    assert runs(desired)["summary"]["unverified"] == 20


def test_drift_is_found_by_a_run_that_verifies_all(runs: Runs) -> None:
    desired = users(sessions_limit=2)
    runs(desired)
    runs.store.users[7].sessions_limit = 9

    assert not runs(desired)["changed"]
    result = runs(desired, verify_all=True)

    assert (result["summary"]["updated"], result["summary"]["unverified"]) == (1, 0)


def test_keys_that_a_row_leaves_out_come_from_the_account(path: Path) -> None:
    runs = Runs(store_of(2000), path)
    by_external_id = [DesiredUser(external_id=f"ext-{number}") for number in LIST]
    runs(by_external_id)

    assert runs.entries["user7@example.org"]["id"] == 7
    [first, *others] = by_external_id
    assert runs([replace(first, sessions_limit=2), *others])["summary"]["updated"] == 1
    assert runs.requests == 2


def test_a_known_row_that_is_not_found_is_listed_before_it_is_created(path: Path) -> None:
    runs = large(path, paginator=FULL)
    runs.store.users[7].email = "moved@example.org"

    result = runs(changed(users(), 7, sessions_limit=2))

    assert (result["summary"]["updated"], result["summary"]["created"]) == (1, 0)
    assert runs.store.users[7].email == "user7@example.org"


def test_many_changes_are_listed(path: Path) -> None:
    runs = large(path, paginator=FULL)

    runs(users(sessions_limit=2))

    assert runs.requests - 200 <= 20


def test_a_new_row_does_not_take_the_account_of_a_row_that_is_not_read(path: Path) -> None:
    runs = Runs(store_of(2000), path)
    by_external_id = [DesiredUser(external_id=f"ext-{number}") for number in LIST]
    runs(by_external_id)

    result = runs([*by_external_id, DesiredUser("user7@example.org", "another")])

    assert not result["changed"]
    assert {item["error"]["code"] for item in result["results"]} == {"identity_conflict"}
    assert len(result["results"]) == 2


def test_a_new_absent_row_is_found_by_its_external_id(runs: Runs) -> None:
    leaver = DesiredUser("moved@example.org", "ext-1500", state="absent")

    assert runs([*users(), leaver])["summary"]["deactivated"] == 1
    assert runs.store.users[1500].deactivated


def test_a_key_with_half_of_a_character_is_recorded(path: Path) -> None:
    store = store_of(3)
    store.users[1].external_id = "half \ud800"
    runs = Runs(store, path)
    desired = [DesiredUser("user1@example.org")]
    runs(desired)

    assert runs.entries["user1@example.org"]["external_id"] == "half \ud800"
    assert not runs(desired)["changed"]
    assert runs.requests == 0


def test_a_search_lists_the_accounts_of_the_record_that_it_does_not_find(runs: Runs) -> None:
    runs.store.users[7].email = "moved@example.org"
    runs.store.users[8].email = "moved8@example.org"

    result = runs(
        [user for user in users() if user.email != "user8@example.org"],
        lookup="search",
        verify_all=True,
    )

    assert (result["summary"]["created"], result["summary"]["deactivated"]) == (0, 1)
    assert runs.store.users[7].email == "user7@example.org"
    assert runs.store.users[8].deactivated


@EXTERNAL_IDS
@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_account_of_a_row_that_is_not_read_stays_that_row_s(
    path: Path, returned: bool, state: str
) -> None:
    runs = large(path, returns_external_id=returned)
    runs.store.users[7].email = "moved@example.org"
    other = DesiredUser("moved@example.org", "another", state=state)

    result = runs([*users(), other])

    account = runs.store.users[7]
    assert (account.email, account.external_id) == ("user7@example.org", "ext-7")
    assert result["summary"]["unverified"] == 199
    runs(users())
    assert not account.deactivated


def test_a_row_that_is_changed_back_after_it_took_another_entry_is_compared(runs: Runs) -> None:
    del runs.store.users[2]
    rest = users(range(3, 201))

    runs([DesiredUser("user1@example.org", "ext-2"), *rest])
    runs([desired_user(1), *rest])

    assert runs.store.users[1].external_id == "ext-1"


def test_a_leaver_whose_address_another_row_has_is_not_forgotten(runs: Runs) -> None:
    handed_over = changed(users(range(2, 201)), 2, email="user1@example.org")

    assert runs(handed_over)["summary"]["failed"] == 1
    # The conflict is solved at the store.
    runs.store.users[1].email = "old1@example.org"
    runs(handed_over)
    runs(handed_over, verify_all=True)

    assert runs.store.users[2].email == "user1@example.org"
    assert runs.store.users[1].deactivated


def test_a_new_row_with_an_id_is_found_by_it(runs: Runs) -> None:
    result = runs([*users(), DesiredUser("new@example.org", "ext-1500", id=1500)])

    assert (result["summary"]["updated"], result["summary"]["failed"]) == (1, 0)
    assert runs.store.users[1500].email == "new@example.org"


def test_an_error_of_the_list_is_that_of_the_user_who_needs_it(runs: Runs) -> None:
    desired = [*users(range(2, 201)), *users([2010])]

    def refuse(call: Any) -> None:
        if call.query.get("query") == "deactivated":
            runs.store.answer_instead("GET", Reply(401, {"message": "Unauthenticated."}))

    runs.store.before_answer = refuse
    result = runs(desired)

    assert result["failure"]["code"] == "unauthenticated"
    assert not runs.store.users[1].deactivated


def test_lists_are_read_once_for_a_row_that_the_store_refuses(path: Path) -> None:
    runs = large(path, returns_external_id=False)
    desired = [*users(), DesiredUser("new@example.org", "ext-1500")]

    assert runs(desired)["summary"]["failed"] == 1
    for _run in range(2):
        assert runs(desired)["summary"]["failed"] == 1
        assert runs.requests <= 4


def test_the_first_run_after_one_that_was_killed_verifies_all(runs: Runs) -> None:
    content = json.loads(runs.path.read_text())
    runs.path.write_text(
        json.dumps({**content, "verified_at": None, "users": content["users"][:1]})
    )

    assert runs(users())["last_applied"]["verified_at"] is not None
    assert runs(users())["summary"]["unverified"] == 200


def test_a_kept_leaver_of_a_killed_run_is_known_by_the_id(runs: Runs) -> None:
    content = json.loads(runs.path.read_text())
    [entry] = [user for user in content["users"] if user["external_id"] == "ext-1"]
    del entry["id"], entry["fingerprint"]
    runs.path.write_text(json.dumps(content))
    runs.store.users[1].admin = True

    for _run in range(2):
        assert runs(users(range(2, 201)))["kept"]["admin"]["count"] == 1
    assert runs.entries["user1@example.org"]["id"] == 1


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "deleted"])
def test_with_hidden_external_ids_another_account_with_the_address_is_not_changed(
    path: Path, moved: bool
) -> None:
    runs = large(path, returns_external_id=False)
    if moved:
        runs.store.users[7].email = "moved@example.org"
    else:
        del runs.store.users[7]
    runs.store.users[1000].email = "user7@example.org"

    result = runs(changed(users(), 7, sessions_limit=2))

    assert [item["error"]["code"] for item in result["results"]] == ["identity_conflict"]
    assert runs.store.users[1000].sessions_limit is None


def test_few_changes_are_looked_up_in_a_store_of_unknown_length(path: Path) -> None:
    runs = large(path, paginator=BARE)

    runs([*users(range(1, 41), sessions_limit=2), *users(range(41, 201))])

    assert runs.requests <= 1 + 2 * 40
