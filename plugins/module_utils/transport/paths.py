# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API's paths, each written as its documentation writes it (source: the users API page)."""

from __future__ import annotations

from urllib.parse import quote

# Documented with a trailing slash for POST and without one for GET. A store that redirects from
# one to the other would move the token along, so each is used exactly as documented.
CREATE = "/integration-api/v1/dashboard/users/"
LIST = "/integration-api/v1/dashboard/users"


def user(user_id: int) -> str:
    """Update (PUT) and deactivate (DELETE)."""
    return f"{LIST}/{user_id}"


def reactivate(user_id: int) -> str:
    """Reactivate (PUT)."""
    return f"{LIST}/{user_id}/re-activate"


def force_logout(identifier: int | str) -> tuple[str, str]:
    """End sessions (POST): the path in the table of endpoints, then the one in the example.

    The identifier is an id or an external id; the latter may hold characters that a path cannot.
    """
    quoted = quote(str(identifier), safe="")
    return (
        f"/integration-api/v1/users/{quoted}/force-logout",
        f"{LIST}/{quoted}/force-logout",
    )
