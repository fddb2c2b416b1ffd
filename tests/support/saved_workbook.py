# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of a store, and their exported workbook as LibreOffice 7.4 has saved it.

``saved-by-libreoffice.xlsx`` was made from an export of these users by
``soffice --headless --convert-to xlsx``. It has shared strings, formulas for the truth values, and
LibreOffice's own styles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SAVED_BY_LIBREOFFICE = Path(__file__).parent / "saved-by-libreoffice.xlsx"


def _user(email: str, external_id: str, **more: Any) -> dict[str, Any]:
    return {"email": email, "external_id": external_id, **more}


# The ids are what a spreadsheet could take for a number, a date, a truth value or a formula. A
# plan is its id and its last day.
USERS = [
    _user("ana@example.org", "00123", sessions_limit=2, plan=(12, "2031-12-31")),
    _user("ben@example.org", "=1+1", admin=True),
    _user("carla@example.org", "1.50", active=False),
    _user("jos\u00e9@example.org", "_x0041_ x005F_"),
    _user("eva@example.org", "2031-12-31", only_sees_readable=True, plan=(12, "2032-02-29")),
    _user("finn@example.org", "12345678901234567890"),
    _user("gus@example.org", "TRUE"),
    _user("hal@example.org", "+5491150001111"),
    _user("ivo@example.org", "a & <b> \"c\" 'd'"),
    _user("jan@example.org", "\U0001f600 12/31"),
    _user("kai@example.org", "'1"),
    _user("lia@example.org", "@SUM(1;2)|x"),
    _user("mo@example.org", "{{ x }}", plan_admin=True),
    _user("nia@example.org", "1E5"),
]
