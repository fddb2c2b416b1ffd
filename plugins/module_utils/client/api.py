# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of the users API: one method each, which sends one request.

Bodies and records keep the API's own form; ``store`` and ``plan`` interpret them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..errors import NotFoundError
from . import answers
from .answers import EMPTY_PAGE, Answer, Page
from .http import HttpTransport

# Documented with a trailing slash for POST and without one for GET. A redirect from one to the
# other would send the token along, so each path is used exactly as documented.
CREATE_PATH = "/integration-api/v1/dashboard/users/"
LIST_PATH = "/integration-api/v1/dashboard/users"

PAGE_SIZE = 100  # the largest page of the API

DEACTIVATED = "deactivated"
ADMINS = "admins"

# After this many answers of one undocumented form, force logout accepts the form.
TIMES_ACCEPTED = 3


class UsersApi:
    """The users API of one store.

    Every method raises what :meth:`HttpTransport.send` raises. ``repeats`` marks a write that is
    sent again after a lost answer.
    """

    def __init__(self, transport: HttpTransport) -> None:
        self.transport = transport
        self._force_logout_variant = 0
        self._logout_forms: Counter[str] = Counter()

    def list_page(self, page: int, query: str | None = None) -> Page:
        """One page of users; ``query`` is an email address, ``deactivated`` or ``admins``.

        An empty result is an empty page or a 404 (variant 4).
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
        """Write a user's complete record, and assign a plan if the body names one."""
        self.transport.send("PUT", f"{LIST_PATH}/{user_id}", _done, body=body, repeats=repeats)

    def deactivate(self, user_id: int, *, repeats: bool = False) -> None:
        """Deactivate a user."""
        self.transport.send("DELETE", f"{LIST_PATH}/{user_id}", _done, repeats=repeats)

    def reactivate(self, user_id: int, *, repeats: bool = False) -> None:
        """Reactivate a deactivated user."""
        path = f"{LIST_PATH}/{user_id}/re-activate"
        self.transport.send("PUT", path, _done, repeats=repeats)

    def force_logout(self, identifier: int | str, *, repeats: bool = False) -> None:
        """End a user's sessions, by id or external id.

        The documentation has two paths, in its table of endpoints and in its example (variant 13).
        The path that worked last is tried first, and after a 404 the other one.
        """
        # An external id may contain any character.
        quoted = quote(str(identifier), safe="")
        paths = (
            f"/integration-api/v1/users/{quoted}/force-logout",
            f"{LIST_PATH}/{quoted}/force-logout",
        )
        first = self._force_logout_variant
        try:
            self.transport.send("POST", paths[first], self._logged_out, repeats=repeats)
            return
        except NotFoundError as error:
            not_found = error
        try:
            self.transport.send("POST", paths[1 - first], self._logged_out, repeats=repeats)
        except NotFoundError:
            raise not_found from None
        self._force_logout_variant = 1 - first

    def _logged_out(self, answer: Answer) -> bool | None:
        """True if the answer confirms force logout, whose answer is undocumented (variant 13).

        Accepted are the answers of other writes and empty JSON, by which a framework answers
        without content. Any other form may be a proxy's, so the harmless request is repeated; a
        form that returns every time is the store's.
        """
        if _done(answer) or (answer.is_json and answer.json in ([], {}, None)):
            return True
        form = answers.form_of(answer)
        if form is None:
            return None
        self._logout_forms[form] += 1
        return True if self._logout_forms[form] >= TIMES_ACCEPTED else None


# Parsers of an answer. Each returns None if the answer doesn't have the documented form.


def _page(answer: Answer) -> Page | None:
    return answers.list_page(answer.json_object())


def _created(answer: Answer) -> dict[str, Any] | None:
    return answers.created_record(answer.json_object())


def _done(answer: Answer) -> bool | None:
    """Whether a write succeeded: 204 without a body, or ``{"CODE": "success"}``."""
    return answer.is_empty or "CODE" in answer.json_object() or None
