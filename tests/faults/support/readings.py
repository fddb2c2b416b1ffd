# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The readings of the store under which a fault matters most, as switches of the sandbox store.

Every reading without a fault is lived through in the integration tests. Here are those that take
something away from what a run can find out after a lost answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Reading = Mapping[str, Any]

READINGS: dict[str, Reading] = {
    "documented": {},
    "replacing": {"paginator": "full", "put": "replace", "per_page_max": 7},
    "external-ids-hidden": {"external_id_shown": False},
    "plans-hidden": {"user_plans": "hidden"},
    "states-lenient": {
        "deactivate_again": "ok",
        "reactivate_again": "ok",
        "force_logout_deactivated": "ok",
        "search_finds_deactivated": True,
        "list_holds_deactivated": True,
        "per_page_max": 7,
    },
    "spelled-otherwise": {
        "search_match": "exact",
        "search_case_sensitive": True,
        "emails_lowercased": True,
        "empty_result": "not_found",
        "list_order": "oldest",
        "user_plans": "nested",
        "booleans": "string",
        "times": "iso",
        "numbers_as_strings": True,
        "force_logout_path": "example",
        "force_logout_answer": "no_content",
        "validation_body": "message",
        "assign_again": "once",
    },
}


def tells_external_ids(reading: Reading) -> bool:
    """Whether a read returns external ids (choice 8)."""
    return bool(reading.get("external_id_shown", True))


def tells_plans(reading: Reading) -> bool:
    """Whether a read returns the plans that a user holds (choice 11)."""
    return reading.get("user_plans", "plan_id") not in ("hidden", "missing")
