# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The message at the end of a run or a dry run, and the short result of a refused plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    RemovalPolicy,
    read_limit,
)
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned, provision
from ansible_collections.publica.la.plugins.module_utils.result.messages import run_message
from ansible_collections.publica.la.plugins.module_utils.result.result import (
    NAMED_REFUSED,
    escaped_result,
)
from ansible_collections.publica.la.plugins.plugin_utils.report.model import report_of
from ansible_collections.publica.la.tests.unit.support.builders import (
    api_on,
    bulk,
    desired_user,
    store_of,
)
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

NUMBERS = {
    **dict.fromkeys(("desired", "created", "updated", "reactivated", "deactivated"), 0),
    **dict.fromkeys(("unchanged", "unverified", "protected", "failed"), 0),
}


def users(*numbers: int, **options: Any) -> list[DesiredUser]:
    return [desired_user(number, generate_password=True, **options) for number in numbers]


def result_of(
    store: FakeStore,
    desired: list[DesiredUser],
    *,
    check: bool = False,
    rate_limit: int | None = 100,
    share: int = 100,
    report: str = "changes",
    **policy: Any,
) -> dict[str, Any]:
    provisioned = provision(api_on(store, read_only=check), desired, policy=RemovalPolicy(**policy))
    options = {"requests_a_window": rate_limit, "share": share}
    return escaped_result(bulk(provisioned, report, failed_users=[{}] * 9, **options))


@pytest.fixture
def message() -> Callable[..., str]:
    """The message for these numbers."""
    plain = provision(api_on(store_of(1)), users(1))

    def of(dry_run: bool, *, requests: int = 1, writes: bool = True, **numbers: int) -> str:
        plan = provision(api_on(store_of(0), read_only=True), users(1)).plan if writes else Plan([])
        of_run: Provisioned = replace(plain, dry_run=dry_run, requests=requests, plan=plan)
        return run_message(of_run, {**NUMBERS, **numbers}, 100, 100)

    return of


@pytest.mark.parametrize(
    ("numbers", "requests", "text"),
    [
        (
            {"created": 200},
            204,
            "200 users would be created. The run needs 204 requests, about 3 minutes.",
        ),
        ({"updated": 1}, 100, "1 user would be updated. The run needs 100 requests."),
        ({"deactivated": 1}, 101, "1 user would be deactivated. The run needs 101 requests, about "
         "2 minutes."),
        (
            {"created": 1500, "updated": 2, "reactivated": 1, "deactivated": 3, "unchanged": 1,
             "protected": 2},
            2000,
            "1,500 users would be created, 2 updated, 1 reactivated, 3 deactivated. 1 user "
            "unchanged. 2 users protected. The run needs 2,000 requests, about 20 minutes.",
        ),
        (
            {"created": 1, "unchanged": 9, "unverified": 8},
            3,
            "1 user would be created. 9 users unchanged (8 of them unverified: not read). The run "
            "needs 3 requests.",
        ),
    ],
)  # fmt: skip
def test_a_dry_run_says_what_would_change(
    message: Callable[..., str], numbers: dict[str, int], requests: int, text: str
) -> None:
    assert message(True, requests=requests, **numbers) == f"Dry run: nothing was written. {text}"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"unchanged": 200}, "Nothing would change."),
        ({}, "Nothing would change."),
        (
            {"unchanged": 200, "unverified": 190},
            "Nothing would change. 200 users unchanged (190 of them unverified: not read).",
        ),
    ],
)
def test_a_dry_run_without_a_change(
    message: Callable[..., str], numbers: dict[str, int], text: str
) -> None:
    expected = f"Dry run: nothing was written. {text}"
    assert message(True, requests=3, writes=False, **numbers) == expected


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"desired": 3, "created": 1, "updated": 2}, "3 desired: 1 created, 2 updated; 1 request"),
        ({"desired": 1500, "unchanged": 1500, "unverified": 1499, "protected": 1},
         "1500 desired: 1500 unchanged (1499 of them unverified: not read), 1 protected; "
         "1 request"),
        ({}, "0 desired: none; 1 request"),
    ],
)  # fmt: skip
def test_a_run_says_what_it_did(
    message: Callable[..., str], numbers: dict[str, int], text: str
) -> None:
    assert message(False, **numbers) == text


@pytest.mark.parametrize("plan", [{"plan_name": "Card"}, {"plan_id": 12}, {}], ids=str)
def test_a_dry_run_says_how_many_requests_the_run_sends(plan: dict[str, Any]) -> None:
    """Only a dry run reads the list of plans for an id, to warn of a wrong one."""
    messages = []
    for check in (True, False):
        store = store_of(150)
        store.plans = [{"id": 12, "name": "Card"}]
        messages.append(result_of(store, users(*range(1, 161), **plan), check=check)["msg"])
        requests = len(store.calls)

    minutes = f", about {-(-requests // 100)} minutes" if requests > 100 else ""
    assert f"The run needs {requests} requests{minutes}." in messages[0]
    assert messages[1].endswith(f"; {requests} requests")


def test_the_share_of_the_limit_counts() -> None:
    for rate_limit, share, about in ((100, 10, ", about 2 minutes."), (None, 10, " requests.")):
        result = result_of(
            store_of(0), users(*range(1, 13)), check=True, rate_limit=rate_limit, share=share
        )
        assert result["msg"].endswith(about)


def test_failed_users_of_a_dry_run() -> None:
    result = result_of(store_of(0), [DesiredUser(email="odd@example.org")], check=True)

    assert result["msg"].startswith("Dry run: nothing was written. 1 of 1 user failed.\n#0 odd@")


RULES: dict[str, Any] = {"exclusive": True, "limit": read_limit("0")}


class TestGuard:
    @pytest.mark.parametrize(
        ("on_guard", "text"),
        [("fail", "would refuse this plan and change nothing"), ("skip", "would skip 3 deact")],
    )
    def test_a_dry_run_names_the_guard(self, on_guard: str, text: str) -> None:
        result = result_of(store_of(5), users(1, 2), check=True, on_guard=on_guard, **RULES)

        assert "3 users would be deactivated. 2 users unchanged. The run needs " in result["msg"]
        assert text in result["msg"]
        assert result["msg"].endswith("(too_many_deactivations): see the warning.")

    @pytest.mark.parametrize(
        ("in_role", "line"),
        [(False, "approve: '{}'"), (True, "-e publica_users_approve={}")],
    )
    @pytest.mark.parametrize("approve", [None, "0123456789abcdef"])
    def test_the_last_line_approves_the_plan(
        self, in_role: bool, line: str, approve: str | None
    ) -> None:
        rules = {**RULES, "in_role": in_role, "approve": approve}
        line = line.format(result_of(store_of(5), users(1), **rules)["plan"]["hash"])
        refused = result_of(store_of(5), users(1), **rules)
        warned = result_of(store_of(5), users(1), check=True, **rules)

        for text in (
            refused["msg"],
            refused["failure"]["message"],
            refused["guard"]["message"],
            *warned["warnings"],
        ):
            assert text.split("\n")[1:] == [line]
        assert ("--limit" in refused["msg"]) is in_role

    def test_no_value_adds_a_line_to_the_message(self) -> None:
        store = store_of(2)
        store.users[2].email = "a\nb@example.org"
        message = result_of(store, users(1), **RULES)["msg"]

        assert "a\\nb@example.org" in message
        assert message.count("\n") == 1

    def test_the_result_of_a_refused_plan_is_short_and_its_diff_complete(self) -> None:
        store = store_of(60)
        for number in range(51, 60):
            store.users[number].admin = True
        odd = DesiredUser(email="odd@example.org")
        desired = [*users(1), *users(*range(61, 91)), odd]
        result = result_of(store, desired, **RULES)
        complete = result_of(store, desired, report="all", **RULES)

        assert len(complete["results"]) == len(desired) + 50
        assert len(complete["failed_users"]) == 9
        results = result["results"]
        assert len(results) == NAMED_REFUSED + 1
        assert results[-1]["email"] == "odd@example.org"
        assert len(result["failed_users"]) == NAMED_REFUSED
        kept = result["kept"]["admin"]
        assert (kept["count"], len(kept["users"])) == (9, NAMED_REFUSED)
        assert result["summary"]["failed"] == 30 + 50 + 1
        printed = {key: value for key, value in result.items() if key != "diff"}
        assert len(str(printed)) < 4_500
        # The report has all users, as before.
        report_on = report_of(
            {"press": result}, kind="provision", check_mode=False, generated_at="", version=""
        )
        changes = report_on["changes"]
        assert {change["email"] for change in changes} == {
            *(f"user{number}@example.org" for number in (*range(2, 51), 60, *range(61, 91))),
            "odd@example.org",
        }
        assert report_on["totals"]["not_tried"] == 80
        assert all(change["differences"] for change in changes if change["status"] == "not_tried")


PLAN: dict[str, Any] = {"plan_id": 12, "plan_valid_to": "2031-12-31"}


class TestManyCreations:
    @pytest.mark.parametrize("check", [True, False])
    def test_up_to_twenty_are_shown_completely(self, check: bool) -> None:
        diff = result_of(store_of(0), users(*range(1, 21)), check=check)["diff"]

        assert len(diff) == 20
        assert all(entry["before"] == {} and entry["after"]["active"] for entry in diff)

    @pytest.mark.parametrize("check", [True, False])
    def test_more_are_one_line_each(self, check: bool) -> None:
        odd = desired_user(98, email="b\u202e@example.org", external_id="a\nb", sessions_limit=3)
        desired = [
            *users(1, admin=True),
            *users(*range(2, 22), **PLAN),
            *users(97, password="never-shown-1", plan_admin=True, only_sees_readable=False),
            odd,
        ]
        lines, *diff = result_of(store_of(1), desired, check=check)["diff"]

        assert lines == {
            "before": "",
            "after": "".join(
                f"user{number}@example.org  ext-{number}  plan 12 until 2031-12-31\n"
                for number in range(2, 22)
            )
            + "user97@example.org  ext-97  plan_admin\n"
            + "b\\u202e@example.org  a\\nb  sessions_limit 3\n",
            "before_header": "22 users (not at the store)",
            "after_header": "22 users (create)",
        }
        # All other entries stay, and each has the keys that Ansible expects.
        assert [entry["result"] for entry in diff] == list(range(23))
        assert diff[0]["after"] == {"admin": True}
        assert all(entry["before"] == entry["after"] == {} for entry in diff[1:])
        assert diff[1]["created"]["plans"] == ["plan 12 until 2031-12-31"]
        assert diff[1]["after_header"] == "user2@example.org (create)"
        assert "never-shown-1" not in str([lines, diff])

    def test_the_report_has_their_values(self) -> None:
        result = result_of(store_of(0), users(*range(1, 22), **PLAN), check=True)
        report = report_of(
            {"press": result}, kind="provision", check_mode=True, generated_at="", version=""
        )

        assert len(report["changes"]) == 21
        for number, change in enumerate(report["changes"], start=1):
            values = {entry["name"]: entry["after"] for entry in change["differences"]}
            assert values["email"] == f"user{number}@example.org"
            assert values["plans"][0]["plan_id"] == 12
