# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of the users API: one method each.

Each sends one request, or several while it is unknown which form of a path the store has (variants
13 and 17). Bodies and records keep the API's own form; ``store`` and ``plan`` interpret them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from ..concurrency import INTERRUPTED
from ..errors import NotFoundError, PublicaError, RejectedError
from . import answers
from .answers import EMPTY_PAGE, Answer, Page
from .failures import other_slash
from .http import HttpTransport

# The documentation has a slash at the end for the creation, and none for the other paths.
CREATE_PATH = "/integration-api/v1/dashboard/users/"
LIST_PATH = "/integration-api/v1/dashboard/users"
PLANS_PATH = "/integration-api/v1/dashboard/plans"
# The paths in the documentation's table of endpoints and in its example.
LOGOUT_PATHS = ("/integration-api/v1/users/{}/force-logout", f"{LIST_PATH}/{{}}/force-logout")
# It takes an id only.
SESSIONS_PATH = "/integration-api/v1/auth-sessions/users/{}"

PAGE_SIZE = 100  # the largest page of the API

DEACTIVATED = "deactivated"
ADMINS = "admins"

# After this many answers of one undocumented form, force logout accepts the form.
TIMES_ACCEPTED = 3

Parsed = TypeVar("Parsed")
Form = tuple[str, str]


class Route:
    """The forms in which a store may have one route: a method and a path with a place for the user.

    Several workers may find out the right form concurrently: each access to an attribute is atomic,
    and every order is right.

    :param documented: the forms that the documentation has, in the order in which they are tried.

    :ivar known: the form that the store has; it is used for the rest of the run.
    :ivar missing: the forms that the store answered not to have.
    """

    def __init__(self, *documented: Form) -> None:
        self._documented = documented
        # The other slash of a POST comes last, since the documentation does not have it.
        self._forms = documented + tuple(
            (method, other_slash(path)) for method, path in documented if method == "POST"
        )
        self.known: Form | None = None
        self.missing: set[Form] = set()

    def forms(self, by_id: bool) -> list[Form]:
        """The forms to try, in order. Missing ones come last, and only if they are documented.

        An unexplained 404 may have been about the user.
        """
        usable = [form for form in self._forms if by_id or form[1] != SESSIONS_PATH]
        known = self.known
        if known is not None and known in usable:
            return [known]
        new = [form for form in usable if form not in self.missing]
        return new + [f for f in usable if f in self._documented and f in self.missing]


class UsersApi:
    """The users API of one store.

    Every method raises what :meth:`HttpTransport.send` raises. ``repeats`` marks a write that is
    sent again after a lost answer.
    """

    def __init__(self, transport: HttpTransport) -> None:
        self.transport = transport
        self._creation = Route(("POST", CREATE_PATH))
        self._logout = Route(*(("POST", path) for path in LOGOUT_PATHS), ("DELETE", SESSIONS_PATH))
        self._logout_forms: Counter[str] = Counter()

    def list_page(self, page: int, query: str | None = None) -> Page:
        """One page of users; ``query`` is an email address, ``deactivated`` or ``admins``.

        An empty result is an empty page or a 404 (variant 4).
        """
        try:
            return self.transport.send("GET", LIST_PATH, _page, query=_parameters(page, query))
        except NotFoundError:
            return EMPTY_PAGE

    def list_plans(self, page: int, query: str | None = None) -> Page | None:
        """One page of the store's plans; None if the store lists none (variant 27).

        A list that can't be read is no failure, since a run that uses ids does not need it.

        :param query: a part of a name.
        :raises FatalError: ``unauthenticated``, or ``interrupted``.
        """
        try:
            return self.plans_page(page, query)
        except PublicaError as error:
            if error.code in ("unauthenticated", INTERRUPTED):
                raise
            return None

    def plans_page(self, page: int, query: str | None = None) -> Page | None:
        """One page of the store's plans; None if the answer has no known form."""
        try:
            return self.transport.send("GET", PLANS_PATH, _plans, query=_parameters(page, query))[0]
        except NotFoundError as error:
            if error.no_route and page == 1:
                raise
            return EMPTY_PAGE

    def create(self, body: Mapping[str, Any], *, repeats: bool = False) -> dict[str, Any]:
        return self._send_to(self._creation, "", _created, body=body, repeats=repeats, creates=True)

    def update(self, user_id: int, body: Mapping[str, Any], *, repeats: bool = False) -> None:
        """Write a user's complete record, and assign a plan if the body names one."""
        self.transport.send("PUT", f"{LIST_PATH}/{user_id}", _done, body=body, repeats=repeats)

    def deactivate(self, user_id: int, *, repeats: bool = False) -> None:
        self.transport.send("DELETE", f"{LIST_PATH}/{user_id}", _done, repeats=repeats)

    def reactivate(self, user_id: int, *, repeats: bool = False) -> None:
        path = f"{LIST_PATH}/{user_id}/re-activate"
        self.transport.send("PUT", path, _done, repeats=repeats)

    def force_logout(self, identifier: int | str, *, repeats: bool = False) -> None:
        """End a user's sessions, by id or external id, in one of the forms of variant 13."""
        # An external id may contain any character.
        quoted = quote(str(identifier), safe="")
        by_id = isinstance(identifier, int)
        self._send_to(self._logout, quoted, self._logged_out, by_id=by_id, repeats=repeats)

    def _send_to(
        self,
        route: Route,
        user: str,
        parse: Callable[[Answer], Parsed | None],
        *,
        by_id: bool = False,
        **options: Any,
    ) -> Parsed:
        """Send a write in the first of the forms that the store has, and keep it for the run.

        :param by_id: whether ``user``, which the path contains, is an id.
        :raises PublicaError: the first failure, if the store has none of the forms.
        """
        forms = route.forms(by_id)
        failures: list[PublicaError] = []
        while True:
            form = method, path = forms.pop(0)
            try:
                result = self.transport.send(method, path.format(user), parse, **options)
            except PublicaError as error:
                if not error.no_route:
                    if isinstance(error, (NotFoundError, RejectedError)):
                        route.known = form
                    raise
                failures.append(error)
                route.missing.add(form)
                other = (method, other_slash(path))
                if error.status != 404 and other in forms:
                    # The store has the path, and only its slash is wrong.
                    forms.remove(other)
                    forms.insert(0, other)
                if not forms:
                    raise _with_other_forms(failures) from None
            else:
                route.known = form
                return result

    def _logged_out(self, answer: Answer) -> bool | None:
        """True if the answer confirms force logout, whose answer is undocumented (variant 13).

        Accepted are the answers of other writes and empty JSON, by which a framework answers
        without content. Any other form may be a proxy's, so the harmless request is repeated; a
        form that returns every time is the store's.
        """
        if _done(answer) or answer.json in ([], {}, None):
            return True
        form = answers.form_of(answer)
        if form is None:
            return None
        self._logout_forms[form] += 1
        return self._logout_forms[form] >= TIMES_ACCEPTED or None


def _with_other_forms(failures: list[PublicaError]) -> PublicaError:
    """The first failure, with the other requests that failed for the same reason."""
    first, *others = failures
    if not others:
        return first
    tried = ", ".join(f"{error.method} {error.path} ({error.status})" for error in others)
    text = f"{first.message} Other forms of the request failed as well: {tried}."
    error = first.reworded(text)
    error.no_route = True
    return error


def _parameters(page: int, query: str | None) -> dict[str, Any]:
    """The parameters of a list; requests does not send one that is None."""
    return {"page": page, "per_page": PAGE_SIZE, "query": query}


# Parsers of an answer. Each returns None if the answer doesn't have the documented form.


def _page(answer: Answer) -> Page | None:
    return answers.list_page(answer.json_object())


def _plans(answer: Answer) -> tuple[Page | None] | None:
    # JSON of another form is the store's, and asking again would not change it.
    return (answers.plans_page(answer.json_object()),) if answer.is_json else None


def _created(answer: Answer) -> dict[str, Any] | None:
    return answers.created_record(answer.json_object())


def _done(answer: Answer) -> bool | None:
    """Whether a write succeeded: 204 without a body, or ``{"CODE": "success"}``."""
    return answer.is_empty or "CODE" in answer.json_object() or None
