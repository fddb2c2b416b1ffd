# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a result tells of a guard."""

from __future__ import annotations

from typing import Any

from ..applied.guarded import FORETOLD, REFUSED
from ..plan.guards import INCOMPLETE_LISTING, Verdict
from ..transport.errors import PublicaError


def guard_item(verdict: Verdict | None) -> dict[str, Any] | None:
    """The result's ``guard``; None where no guard has spoken."""
    if verdict is None:
        return None
    return {
        "code": verdict.code,
        "message": verdict.message,
        "deactivations": verdict.deactivations,
        "limit": verdict.limit,
        "active": verdict.active,
    }


def guard_failure(verdict: Verdict) -> PublicaError:
    """The failure of a run in which nothing was done for it."""
    return PublicaError(verdict.code, f"Nothing was changed. {verdict.message}")


def guard_warnings(
    verdict: Verdict | None, consequence: str | None, *, skips_removals: bool
) -> list[str]:
    """A line that tells what a verdict came to, where no failure does."""
    if verdict is None or consequence == REFUSED:
        return []
    return [_warning(verdict, consequence, skips_removals)]


def _warning(verdict: Verdict, consequence: str | None, skips_removals: bool) -> str:
    removals = _removals(verdict)
    if consequence == FORETOLD:
        would = f"leave out {removals} and do the rest"
        if not skips_removals:
            would = "refuse this plan and change nothing"
        return f"A run would {would} ({verdict.code}). {verdict.message}"
    return f"Left out {removals} (on_guard: skip, {verdict.code}). {verdict.message}"


def _removals(verdict: Verdict) -> str:
    if verdict.code == INCOMPLETE_LISTING and not verdict.deactivations:
        return "all deactivations of users not in the list"
    noun = "deactivation" if verdict.deactivations == 1 else "deactivations"
    return f"{verdict.deactivations} {noun} of users not in the list"
