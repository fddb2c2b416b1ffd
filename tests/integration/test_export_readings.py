# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Export, provision back: nothing changes, under every reading of the API, by YAML and by CSV."""

from __future__ import annotations

import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.readings import Reading, describe, paired_readings, single_readings
from support.short_life import LOOK_ALIKES, background

from support import in_process

YESTERDAY = (
    datetime.datetime.now(tz=datetime.timezone.utc).date() - datetime.timedelta(1)
).isoformat()
# Whoever could be lost, or changed, on the way to a file and back.
PEOPLE: list[dict[str, Any]] = [
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
    *LOOK_ALIKES,
]  # fmt: skip

# A list that is read without end would otherwise stop the whole suite.
pytestmark = pytest.mark.timeout(120)


def _filled(store: SandboxStore, reading: Reading) -> None:
    others = background(reading)
    store.generate_users(others, deactivated=3, admins=2)
    store.add_users(PEOPLE)
    store.configure(**reading)


def _prove(store: SandboxStore, reading: Reading, folder: Path) -> None:
    _filled(store, reading)
    exported = in_process.export(store, folder, on_incomplete="warn")
    assert not exported.get("failed"), exported
    for format_of in ("yml", "csv"):
        store.clear_journal()

        again = in_process.bulk(store, [], src=str(folder / f"press.{format_of}"))

        assert not again.get("failed"), f"{format_of}: {again}"
        assert again["changed"] is False, f"{format_of}: {again['results']}"
        assert again["summary"]["desired"] == exported["summary"]["exported"]
        writes = store.journal(writes=True)
        assert [row for row in writes if row["changed"]] == [], format_of
        if reading.get("shift_between_pages") != "delete":
            # Where somebody deactivates users while the list is read, a page may lack one of ours.
            # The store then refuses to create the account again, and it is left as it is.
            assert writes == [], format_of
    _prove_nobody_lost(store, reading, exported)


def _prove_nobody_lost(store: SandboxStore, reading: Reading, exported: dict[str, Any]) -> None:
    # Where every page is the first one, and nothing tells that there are others, nobody can know.
    cannot_know = reading.get("page_ignored", False) and not exported["whole"]
    if reading.get("shift_between_pages", "none") == "none" and not cannot_know:
        users = store.users()
        assert exported["whole"] is True
        assert exported["summary"] == {
            "exported": len(users),
            "active": len(store.users(active=True)),
            "deactivated": len(store.users(active=False)),
            "admins": sum(bool(user["admin"]) for user in users),
        }


@pytest.mark.parametrize("reading", single_readings(), ids=describe)
def test_each_reading_alone(reading: Reading, store: SandboxStore, tmp_path: Path) -> None:
    _prove(store, reading, tmp_path / "exported")


@pytest.mark.parametrize("reading", paired_readings(), ids=map(str, count()))
def test_every_two_readings_together(reading: Reading, store: SandboxStore, tmp_path: Path) -> None:
    _prove(store, reading, tmp_path / "exported")


def test_a_list_that_cannot_come_in_whole_writes_nothing(
    store: SandboxStore, tmp_path: Path
) -> None:
    _filled(store, {"page_ignored": True, "per_page_max": 7})

    result = in_process.export(store, tmp_path / "exported")

    assert result["failed"] is True
    assert result["failure"]["code"] == "incomplete_listing"
    assert "on_incomplete: warn" in result["msg"]
    assert list((tmp_path / "exported").iterdir()) == []


@pytest.mark.parametrize("name", ["press.yml", "press.csv"])
def test_an_export_lists_everybody_so_nobody_is_removed_for_being_in_no_list(
    name: str, store: SandboxStore, tmp_path: Path
) -> None:
    _filled(store, {})
    in_process.export(store, tmp_path)
    store.clear_journal()

    result = in_process.bulk(
        store, [], src=str(tmp_path / name), exclusive=True, max_deactivations="0"
    )

    assert not result.get("failed"), result
    assert result["changed"] is False
    assert result["summary"]["protected"] == 0
    assert store.journal(writes=True) == []


def test_ten_thousand_users(store: SandboxStore, tmp_path: Path) -> None:
    users, deactivated = 10_000, 1_000
    store.generate_users(users, deactivated=deactivated)

    exported = in_process.export(store, tmp_path / "exported")

    assert exported["summary"]["exported"] == users
    # A page for each hundred, and one more where each list ends.
    assert exported["api"]["requests"] <= users // 100 + 2
    src = str(tmp_path / "exported" / "press.csv")
    again = in_process.bulk(store, [], src=src, report="summary")
    assert again["changed"] is False
    assert again["summary"]["unchanged"] == users
