# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One reading of what the API's documentation leaves open, for the in-memory store to follow."""

from __future__ import annotations

from dataclasses import dataclass

BARE, FULL, SIMPLE = "bare", "full", "simple"


@dataclass(frozen=True)
class Reading:
    """The numbers are those of docs/open-choices.md; each default is what the first page shows."""

    search_finds_deactivated: bool = False  # 2
    list_holds_deactivated: bool = False  # 3
    empty_is_404: bool = False  # 4
    paginator: str = BARE  # 5
    page_size: int = 100  # 5: the server may clamp what was asked for
    ignores_page: bool = False  # 5
    pages_as_objects: bool = False  # 5: PHP writes an array with gaps as an object
    booleans: str = "json"  # 6: json, number or text
    times: str = "iso"  # 7: iso or mapping
    returns_external_id: bool = True  # 8
    put_replaces: bool = False  # 9
    updates_deactivated: bool = True  # 10
    plans: str = "plan_id"  # 11: plan_id, nested, hidden or missing
    plan_ends: str = "date"  # 11: date or time
    repeated_state_change: int = 404  # 12
    logout_path: str = "table"  # 13: table or example
    logs_out_deactivated: bool = True  # 13
    rejection: str = "errors"  # 14: errors, code or data
    lower_cases: bool = False  # 16
    heeds_case: bool = False  # 16: a search finds only what is spelt the same


AS_DOCUMENTED = Reading()
