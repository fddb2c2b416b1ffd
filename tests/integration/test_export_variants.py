# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export provisioned back changes nothing, in every API variant, as YAML and as CSV."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support import in_process
from support.short_lifecycle import LOOK_ALIKES, fill
from support.variants import Variant, all_variants, hidden_attributes

YESTERDAY = (
    datetime.datetime.now(tz=datetime.timezone.utc).date() - datetime.timedelta(1)
).isoformat()
# Users that a file could lose or change.
USERS: list[dict[str, Any]] = [
    {"email": "Ana.Lopez@Example.org", "external_id": "007", "sessions_limit": 3, "admin": True},
    {"email": "bruno@example.org", "external_id": "=cmd()", "plan_admin": True,
     "plans": [{"plan_id": 12, "valid_to": "2031-12-31"}]},
    {"email": "carla@example.org", "external_id": "true", "only_sees_readable": True,
     "plans": [{"plan_id": 11}, {"plan_id": 12, "valid_to": "2031-12-31"}, {"plan_id": 13}]},
    {"email": "diego@example.org", "external_id": "{{ 7 * 7 }}", "active": False,
     "plans": [{"plan_id": 12, "valid_to": "2031-12-31"}]},
    {"email": "elena@example.org", "external_id": "1e3",
     "plans": [{"plan_id": 12, "valid_to": YESTERDAY}]},
    {"email": "{{ farid }}", "external_id": "2031-12-31"},
    {"email": "greta@example.org", "external_id": " padded "},
    {"email": "hana@example.org", "external_id": None},
    {"email": "no address", "external_id": None, "active": False},
    {"email": "iris@example.org", "external_id": "a,b;c\"d'e|f"},
    {"email": "gone@example.org", "external_id": "gone", "anonymized": True},
    {"email": "endless@example.org", "external_id": "x" * 65},
    *LOOK_ALIKES,
]  # fmt: skip
# Users that only a complete list shows, since no search is for them.
NAMELESS: list[dict[str, Any]] = [
    {"email": None, "external_id": "nameless"},
    {"email": None, "external_id": None},
]

# Without it, a listing without end would stop the suite.
pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("variant", all_variants())
def test_an_export_provisions_back_without_a_change(
    variant: Variant, store: SandboxStore, tmp_path: Path
) -> None:
    shifts = variant.get("shift_between_pages", "none") != "none"
    is_complete = not shifts and not variant.get("page_ignored", False)
    fill(store, variant, [*USERS, *(NAMELESS if is_complete else [])])
    # A plan that has no usable name keeps its id, so both forms are tested.
    exported = in_process.export(store, tmp_path / "exported", on_incomplete="warn", plans="names")
    assert not exported.get("failed"), exported
    for suffix in ("yml", "csv"):
        store.clear_journal()

        again = in_process.bulk(store, [], src=str(tmp_path / "exported" / f"press.{suffix}"))

        codes = {item["error"]["code"] for item in again.get("results", []) if item["error"]}
        # A listing that lacks a user without an external id: the account can't be created again.
        lacks = {"incomplete"} if variant.get("shift_between_pages") == "delete" else set()
        assert codes <= lacks, f"{suffix}: {again}"
        assert again.get("failed", False) is bool(codes), f"{suffix}: {again}"
        assert again["changed"] is False, f"{suffix}: {again['results']}"
        assert again["summary"]["desired"] == exported["summary"]["exported"]
        writes = store.journal(writes=True)
        assert [row for row in writes if row["changed"]] == [], suffix
        if variant.get("shift_between_pages") != "delete":
            # Otherwise a listing may lack one of these users; the store then refuses to create the
            # account again, which is left as it is.
            assert writes == [], suffix
    # Where every page is the first one and no total is returned, missing users can't be noticed.
    unknowable = variant.get("page_ignored", False) and not exported["whole"]
    if not shifts and not unknowable:
        users = store.users()
        if is_complete:
            assert in_process.info(store, status="all")["count"] == len(users)
        assert exported["whole"] is True
        assert exported["summary"] == {
            "exported": len(users),
            "active": len(store.users(active=True)),
            "deactivated": len(store.users(active=False)),
            # Variant 26: those that the store shows.
            "admins": 0
            if "admin" in hidden_attributes(variant)
            else sum(bool(user["admin"]) for user in users),
        }


def test_an_incomplete_listing_writes_no_file(store: SandboxStore, tmp_path: Path) -> None:
    fill(store, {"page_ignored": True, "per_page_max": 7}, USERS)

    result = in_process.export(store, tmp_path / "exported")

    assert result["failed"] is True
    assert result["failure"]["code"] == "incomplete_listing"
    assert "on_incomplete" in result["msg"]
    assert list((tmp_path / "exported").iterdir()) == []


@pytest.mark.parametrize("name", ["press.yml", "press.csv"])
def test_an_export_used_with_exclusive_removes_no_user(
    name: str, store: SandboxStore, tmp_path: Path
) -> None:
    fill(store, {}, USERS)
    in_process.export(store, tmp_path)
    store.clear_journal()

    result = in_process.bulk(
        store, [], src=str(tmp_path / name), exclusive=True, max_deactivations="0"
    )

    assert not result.get("failed"), result
    assert result["changed"] is False
    assert result["summary"]["protected"] == 0
    assert store.journal(writes=True) == []


@pytest.mark.full
def test_thousands_of_users(store: SandboxStore, tmp_path: Path) -> None:
    users, deactivated = 2_000, 200
    store.generate_users(users, deactivated=deactivated)

    exported = in_process.export(store, tmp_path / "exported")

    assert exported["summary"]["exported"] == users
    # A page for each hundred users, and one more at the end of each list.
    assert exported["api"]["requests"] <= users // 100 + 2
    src = str(tmp_path / "exported" / "press.csv")
    again = in_process.bulk(store, [], src=src, report="summary")
    assert again["changed"] is False
    assert again["summary"]["unchanged"] == users
