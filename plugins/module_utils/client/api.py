# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users API: one method an endpoint, each one request (source: the users API page).

Bodies and answers are the API's own; ``current`` and ``plan`` know what they mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..client import answers
from ..errors import NotFoundError
from .answers import EMPTY_PAGE, Answer, Page
from .http import HttpTransport

# Documented with a trailing slash for POST and without one for GET. A store that redirects from
# one to the other would move the token along, so each is used exactly as documented.
CREATE_PATH = "/integration-api/v1/dashboard/users/"
LIST_PATH = "/integration-api/v1/dashboard/users"


def user_path(user_id: int) -> str:
    """Update (PUT) and deactivate (DELETE)."""
    return f"{LIST_PATH}/{user_id}"


def reactivate_path(user_id: int) -> str:
    """Reactivate (PUT)."""
    return f"{LIST_PATH}/{user_id}/re-activate"


def force_logout_paths(identifier: int | str) -> tuple[str, str]:
    """End sessions (POST): the path in the table of endpoints, then the one in the example.

    The identifier is an id or an external id; the latter may hold characters that a path cannot.
    """
    quoted = quote(str(identifier), safe="")
    return (
        f"/integration-api/v1/users/{quoted}/force-logout",
        f"{LIST_PATH}/{quoted}/force-logout",
    )


PAGE_SIZE = 100  # the most that the API gives in one page

DEACTIVATED = "deactivated"
ADMINS = "admins"

# An answer to force logout that no documentation has is taken for the store's when it has come so
# often in one run.
TIMES_ACCEPTED = 3


class UsersApi:
    """The endpoints of one store.

    Every method raises what :meth:`HttpTransport.send` raises. ``repeats`` marks a write that is
    sent again after a lost answer.
    """

    def __init__(self, transport: HttpTransport) -> None:
        self.transport = transport
        self._force_logout_variant = 0
        self._forms_of_logout: Counter[str] = Counter()

    def list_page(self, page: int, query: str | None = None) -> Page:
        """One page of users; ``query`` is an address, ``deactivated`` or ``admins``.

        An empty result may come as an empty page or as a 404 (choice 4): both are a page without
        records.
        """
        parameters: dict[str, Any] = {"page": page, "per_page": PAGE_SIZE}
        if query is not None:
            parameters["query"] = query
        try:
            return self.transport.send("GET", LIST_PATH, _page, query=parameters)
        except NotFoundError:
            return EMPTY_PAGE

    def create(self, body: Mapping[str, Any], *, repeats: bool = False) -> dict[str, Any]:
        """Create a user and return its record."""
        return self.transport.send("POST", CREATE_PATH, _created, body=body, repeats=repeats)

    def update(self, user_id: int, body: Mapping[str, Any], *, repeats: bool = False) -> None:
        """Write a user's whole record, and assign a plan where the body names one."""
        self.transport.send("PUT", user_path(user_id), _done, body=body, repeats=repeats)

    def deactivate(self, user_id: int, *, repeats: bool = False) -> None:
        """Deactivate a user, who then cannot log in by any means."""
        self.transport.send("DELETE", user_path(user_id), _done, repeats=repeats)

    def reactivate(self, user_id: int, *, repeats: bool = False) -> None:
        """Reactivate a deactivated user."""
        self.transport.send("PUT", reactivate_path(user_id), _done, repeats=repeats)

    def force_logout(self, identifier: int | str, *, repeats: bool = False) -> None:
        """End a user's sessions, by id or external id.

        The documentation has two paths (choice 13). The one that worked last is tried first; where
        it answers 404, the other one decides.
        """
        variants = force_logout_paths(identifier)
        first = self._force_logout_variant
        try:
            self.transport.send("POST", variants[first], self._logged_out, repeats=repeats)
            return
        except NotFoundError as error:
            not_found = error
        try:
            self.transport.send("POST", variants[1 - first], self._logged_out, repeats=repeats)
        except NotFoundError:
            raise not_found from None
        self._force_logout_variant = 1 - first

    def _logged_out(self, answer: Answer) -> bool | None:
        """What other writes answer, JSON that holds nothing, or what this store always answers.

        No answer to force logout is documented (choice 13). A framework writes one without content
        as ``[]``, ``{}`` or ``null``. One of another form may be a proxy's, and the sessions still
        be open; so the request, which does no harm twice, is sent again. Whoever answers in that
        form every time is the store.
        """
        if _done(answer) or (answer.is_json and answer.json() in ([], {}, None)):
            return True
        form = answers.form_of(answer)
        if form is None:
            return None
        self._forms_of_logout[form] += 1
        return True if self._forms_of_logout[form] >= TIMES_ACCEPTED else None


def _page(answer: Answer) -> Page | None:
    payload = answer.json_object()
    return None if payload is None else answers.list_page(payload)


def _created(answer: Answer) -> dict[str, Any] | None:
    payload = answer.json_object()
    return None if payload is None else answers.created_record(payload)


def _done(answer: Answer) -> bool | None:
    """A write whose answer tells nothing more: 204 without a body, or ``{"CODE": "success"}``."""
    if answer.is_empty:
        return True
    payload = answer.json_object()
    return True if payload is not None and "CODE" in payload else None
