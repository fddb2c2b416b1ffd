# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read holds nothing that steers a terminal; what playbooks read is left as it is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.result.result import (
    escape_control,
    escaped_result,
)

HIDDEN = {
    "escape": "\x1b[2J",
    "line end": "a\nb",
    "carriage return": "a\rb",
    "one byte sequence introducer": "\x9b31m",
    "separator of lines": "a\u2028b",
    "override of direction": "\u202egro.elpmaxe",
    "isolate": "\u2066a\u2069",
    "zero width": "ana\u200b@example.org",
    "byte-order mark": "\ufeffana",
    "half of a character": "\ud83d",
    "tag": "\U000e0041",
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_is_hidden_becomes_visible(kind: str) -> None:
    text = HIDDEN[kind]
    shown = escape_control(text)
    assert shown.isprintable()
    # By its code, so that two different texts stay different.
    assert shown.encode("ascii").decode("unicode_escape") == text
    assert escape_control(shown) == shown


@pytest.mark.parametrize(
    "text", ["", "ana@example.org", "Jos\u00e9 \u674e", "a\\x1b", "{{ 7 * 7 }}"]
)
def test_what_is_visible_stays(text: str) -> None:
    assert escape_control(text) is text


def test_of_a_result_all_that_is_said_and_no_data() -> None:
    raw = "ana\x1b[31m"
    failure: dict[str, Any] = {"code": "x", "message": raw, "fields": {raw: [raw]}, "status": 422}
    result: dict[str, Any] = {
        "changed": True,
        "failed": True,
        "msg": raw,
        "failure": failure,
        "guard": {"code": "x", "message": raw, "limit": 1},
        "warnings": [raw],
        "diff": [{"before_header": raw, "after": {"email": raw, "admin": True, "plans": [raw]}}],
        "results": [{"email": raw, "error": None}, {"email": raw, "error": {"message": raw}}],
        "users": [{"email": raw}],
        "user": {"email": raw},
    }
    shown = r"ana\x1b[31m"
    after = {"email": shown, "admin": True, "plans": [shown]}
    assert escaped_result(result) == {
        "changed": True,
        "failed": True,
        "msg": shown,
        "failure": {"code": "x", "message": shown, "fields": {shown: [shown]}, "status": 422},
        "guard": {"code": "x", "message": shown, "limit": 1},
        "warnings": [shown],
        "diff": [{"before_header": shown, "after": after}],
        "results": [{"email": raw, "error": None}, {"email": raw, "error": {"message": shown}}],
        "users": [{"email": raw}],
        "user": {"email": raw},
    }  # fmt: skip
