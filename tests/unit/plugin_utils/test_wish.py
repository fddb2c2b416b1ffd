# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When lines are shown, and how often."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.wish import (
    Circumstances,
    interval,
    shown_every,
    writes_document,
)

HERE = Circumstances(
    connection="local",
    is_async=False,
    no_log=False,
    become_user=None,
    user="ines",
    stdout_callback="default",
)


def test_every_five_seconds_unless_told_otherwise() -> None:
    assert shown_every({}, {}, HERE) == 5.0
    assert shown_every({}, {"PUBLICA_PROGRESS_INTERVAL": "2.5"}, HERE) == 2.5
    args = {"progress_interval": "0.5"}
    assert shown_every(args, {"PUBLICA_PROGRESS_INTERVAL": "2.5"}, HERE) == 0.5


@pytest.mark.parametrize("user", ["root", "ines"])
def test_to_whoever_shares_the_file(user: str) -> None:
    assert shown_every({}, {}, replace(HERE, become_user=user)) == 5.0


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": "ssh"},
        {"is_async": True},
        {"no_log": True},
        {"become_user": "somebody-else"},
        {"stdout_callback": "community.general.null"},
    ],
    ids=str,
)
def test_nothing_where_it_cannot_or_should_not(changes: dict[str, Any]) -> None:
    assert shown_every({}, {}, replace(HERE, **changes)) is None


@pytest.mark.parametrize("value", [0, "0", -1, "often", [], float("nan"), float("inf"), 90_000])
def test_no_interval(value: object) -> None:
    assert interval(value) is None


@pytest.mark.parametrize(
    ("callback", "expected"),
    [("default", False), ("", False), ("community.general.yaml", False), ("json", True),
     ("ansible.posix.json", True), ("ansible.posix.jsonl", True)],
)  # fmt: skip
def test_lines_keep_out_of_a_document(callback: str, expected: bool) -> None:
    assert writes_document(callback) is expected
