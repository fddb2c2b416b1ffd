# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ends the tool with a sentence instead of a traceback."""

from __future__ import annotations

from collections.abc import Sequence


class RefusedError(Exception):
    """The release or build is refused, with all reasons and what to do about each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(f"- {reason}" for reason in reasons))
        self.reasons = list(reasons)
