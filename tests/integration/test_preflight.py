# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.preflight and publica_store_info: what reading shows, and no write."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support import in_process
from support.inventories import connection_of, write_hosts
from support.playbooks import PlaybookRunner, Run
from support.short_lifecycle import fill
from support.variants import Variant, all_variants, hidden_attributes
from support.workbooks import workbook

PREFLIGHT, PROVISION = "publica.la.preflight", "publica.la.provision"
WIDTH = 80
MOST_REQUESTS = 8
ROWS = [{"email": f"reader.{n}@example.org", "external_id": f"staff-{n}"} for n in range(30)]
SPECIAL: list[dict[str, Any]] = [
    {"email": "ana@example.org", "external_id": "staff-0", "admin": True},
    {"email": "bruno@example.org", "external_id": "x" * 65, "plan_admin": True},
    {"email": "library@example.org", "external_id": None, "ip_ranges": ["192.0.2.0/24"]},
    {"email": "gone@example.org", "external_id": "staff-9", "anonymized": True},
    {"email": "locked@example.org", "external_id": "staff-8", "can_be_edited": False},
    {"email": "left@example.org", "external_id": "staff-7", "active": False,
     "plans": [{"plan_id": 12, "valid_to": "2031-12-31"}]},
    {"email": "diego@example.org", "external_id": "staff-6",
     "plans": [{"plan_id": 12, "valid_to": "2031-12-31"}]},
]  # fmt: skip


def pages(run: Run) -> str:
    """What the last task printed: lines of at most 80 characters, without JSON."""
    text = run.stdout.partition("TASK [Show the stores and write the report]")[2]
    text = text.partition("\n\n")[2].partition("\nok: [")[0].partition("PLAY RECAP")[0]
    assert max(map(len, text.splitlines())) <= WIDTH
    return text


def in_words(text: str) -> str:
    return " ".join(text.split())


def test_every_store_is_shown_and_a_store_that_fails_ends_no_other(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    store.configure(rate_limit=100, paginator="full")
    store.generate_users(250, deactivated=20)
    south.configure(
        booleans="string", user_plans="nested", clock_offset=300, plans_list="forbidden"
    )
    south.add_users(SPECIAL)
    bad = {**connection_of(store), "publica_users_api_token": "not-the-token-of-this-store-42"}
    wrong = [{"email": "ana"}, {"email": "bruno@example.org", "emial": "x"}]
    # A name that is not known as this machine's, so http needs this setting.
    with_http = {
        **connection_of(store),
        "publica_users_base_url": store.base_url.replace("127.0.0.1", "127.1"),
        "publica_users_validate_certs": False,
    }
    inventory = write_hosts(
        runner,
        {
            "faro": bad,
            "north": {**with_http, "publica_users_desired": ROWS},
            "south": {**connection_of(south), "publica_users_desired_press": wrong},
        },
    )
    directory = runner.directory / "reports"
    words = ["-e", f"publica_preflight_report_dir={directory}", "--check"]

    run = runner.playbook(PREFLIGHT, inventory, arguments=words)

    assert run.returncode == 2
    count = "Count the rows of the lists and the file"
    assert [run.named(count, host).failed for host in ("north", "south")] == [False, True]
    for one in (store, south):
        assert one.journal(writes=True) == []
    requests = {
        task.host: task.result["api"]["requests"] for task in run.of_module("publica_store_info")
    }
    assert max(requests.values()) <= MOST_REQUESTS
    assert len(store.journal()) + len(south.journal()) == sum(requests.values())
    text = pages(run)
    faro, north, south_page, summary = (
        in_words(part) for part in re.split(r"^(?:north|south|Summary)$", text, flags=re.MULTILINE)
    )
    assert "Failed (unauthenticated): The store does not accept the api_token." in faro
    assert "100 requests a minute." in north
    assert north.count("validate_certs is false") == 1
    assert "About 34 requests, less than a minute: a write for each row, and 4 to read" in north
    assert "A search for an address finds active users only. [2]" in north
    assert "The store's clock is 300 s ahead" in south_page
    assert "Booleans are text. [6]" in south_page
    assert "by plan.id. [11]" in south_page
    assert "Use plan_id, not plan_name. [27]" in south_page
    assert "2 validation errors" in south_page
    assert "publica_users_desired_press[0].email: 'ana' is not a valid email address" in south_page
    assert "publica_users_desired_press[1].emial (bruno@example.org): unknown" in south_page
    assert "2 of 3 stores can be managed. Failed: faro." in summary
    assert "With a list that a run refuses: south." in summary

    data = json.loads((directory / "preflight.json").read_text())
    by_name = {one["name"]: one for one in data["stores"]}
    assert {name: one["status"] for name, one in by_name.items()} == {
        "faro": "failed", "north": "ready", "south": "ready",
    }  # fmt: skip
    assert by_name["north"]["first_run"] == {
        "rows": 30, "error": None, "requests": 34, "minutes": 1,
    }  # fmt: skip
    assert by_name["south"]["store"]["clock_offset_seconds"] in (299, 300, 301)
    page = (directory / "preflight.html").read_text()
    assert "2 of 3 stores can be managed." in page
    everything = page + json.dumps(data) + run.output
    for secret in (store.token, south.token, "not-the-token-of-this-store-42", "impersonate"):
        assert secret not in everything
    assert not re.search(r"(ana|left|diego|reader\.\d+)@example\.org", everything)


def test_a_census_and_a_workbook(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users(SPECIAL)
    store.generate_users(120)
    rows = [(row["email"], row["external_id"]) for row in ROWS]
    content = workbook(("Mail", "external_id"), *rows)
    src = runner.write("readers.xlsx", content)
    file = {
        "publica_users_src": str(src),
        "publica_users_sheet": "readers",
        "publica_users_src_columns": {"Mail": "email"},
        "publica_users_desired": [{"email": "ana@example.org", "external_id": "ana"}],
    }
    inventory = write_hosts(
        runner, {"north": {**connection_of(store), **file}, "empty": connection_of(south)}
    )

    run = runner.playbook(
        PREFLIGHT,
        inventory,
        arguments=["-e", "publica_preflight_census=true publica_preflight_report_dir=reports"],
    ).succeeded()

    text = in_words(pages(run))
    # 120 readers and five accounts of the list; a page of 100, one of the rest, one more list.
    assert "126 active users, 1 deactivated." in text
    assert "31 rows in the lists and the file. About 34 requests" in text
    assert "No list and no file of users is set yet." in text
    [north] = [t for t in run.of_module("publica_store_info") if t.host == "north"]
    active = store.users(active=True)
    assert north.result["census"] == {
        "active": len(active),
        "deactivated": 1,
        "admins": 1,
        "plan_admins": 1,
        "institutions": 1,
        "anonymized": 1,
        "not_editable": 1,
        "without_external_id": 1,
        "external_id_too_long": 1,
        "without_plan": sum(not store.plans_of(user["id"]) for user in active),
        "requests_to_list": 3,
    }
    data = json.loads((runner.directory / "reports" / "preflight.json").read_text())
    assert {one["name"]: one["census"] for one in data["stores"]}["north"] == north.result["census"]
    assert store.journal(writes=True) == []


def test_the_first_task_names_a_group_that_does_not_exist(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    inventory = write_hosts(runner, {"north": connection_of(store)})
    run = runner.playbook(PREFLIGHT, inventory, arguments=["-e", "publica_hosts=sotuh"])
    assert run.returncode == 2
    assert "no host or group of the inventory matches sotuh" in in_words(pages(run))
    assert store.journal() == []


def expected_variants(variant: Variant) -> dict[str, Any]:
    """What a store of these switches shows, if all of it can be seen."""
    hidden = {"admin", "plan_admin", "only_sees_readable"} <= set(hidden_attributes(variant))
    forms = {"json": "boolean", "integer": "number", "string": "text", "documented": "boolean"}
    return {
        "external_id_returned": variant.get("external_id_shown", True),
        "paginator": "full" if variant.get("paginator") == "full" else "minimal",
        "search_finds_deactivated": variant.get("search_finds_deactivated", False),
        "list_holds_deactivated": variant.get("list_holds_deactivated", False),
        "plan_rows": {"nested": "plan", "hidden": "hidden", "missing": "hidden"}.get(
            variant.get("user_plans", ""), "plan_id"
        ),
        "plans_list": variant.get("plans_list") not in ("not_found", "forbidden"),
        "times": "object" if variant.get("times") == "object" else "iso",
        **({} if hidden else {"booleans": forms[variant.get("booleans", "documented")]}),
    }


@pytest.mark.parametrize("variant", all_variants())
def test_reading_shows_the_variants_of_a_store(variant: Variant, store: SandboxStore) -> None:
    fill(store, variant, SPECIAL)
    users = store.users()

    result = in_process.store_info(store)

    assert not result.get("failed"), result
    assert len(store.journal()) == result["api"]["requests"] <= MOST_REQUESTS
    assert store.journal(writes=True) == []
    shown = result["store"]["variants"]
    for name, value in expected_variants(variant).items():
        # A part of the list can be beyond the pages that were read.
        is_seen = len(users) < 100 and variant.get("per_page_max", 100) == 100
        is_seen = is_seen and not variant.get("page_ignored")
        assert shown[name] in ((value,) if is_seen else (value, None)), name
    if variant.get("per_page_max") == 7 and not variant.get("page_ignored"):
        assert shown["per_page_max"] in (7, None)
    if not variant.get("page_ignored") and variant.get("shift_between_pages", "none") == "none":
        assert result["warnings"] == []
        census = in_process.store_info(store, census=True)["census"]
        active = [user for user in users if user["deleted_at"] is None]
        assert (census["active"], census["deactivated"]) == (len(active), len(users) - len(active))
        assert census["requests_to_list"] <= len(store.journal())
