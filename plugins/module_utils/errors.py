# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors with a structure that a playbook can branch on, raised deep and caught in ``module.py``.

No message holds the token, a password or an impersonation link.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

# How much of an unknown text an error quotes.
QUOTED_CHARACTERS = 120

# What the error for refused input holds, so that it stays short for any number of bad rows.
MESSAGE_LINES = 20
PLACES_IN_LINE = 5
PLACES_IN_FIELDS = 100


class EscapedText(str):
    """A text of several lines that :func:`escape_control` was applied to line by line."""


def escape_control(text: str) -> str:
    """A text with each character that is not printable written as Python writes its code.

    The line ends of an ``EscapedText`` are the collection's own and stay.
    """
    if isinstance(text, EscapedText):
        return str(text)
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def listed(items: Sequence[str], limit: int) -> str:
    """``a, b and 1,998 more``: the first items, and the number of the others."""
    rest = len(items) - limit
    more = f" and {rest:,} more" if rest > 0 else ""
    return ", ".join(items[:limit]) + more


def counted(number: int, noun: str, form: str = "") -> str:
    """``1 user`` or ``25 users``; ``form`` is the format of the number, such as ``,``."""
    return f"{number:{form}} {noun}{'' if number == 1 else 's'}"


class PublicaError(Exception):
    """A failure that ends the work on one user, or the whole run where ``fatal`` is true.

    :param code: a short stable name, for a playbook's ``when``.
    :param message: what is wrong, where, and what to do.
    :param method: of the HTTP request that failed, if one was sent.
    :param path: of that request, without host and query.
    :param status: of the response, if there was one.
    :param fields: what is wrong, by field (``{"email": ["..."]}``).
    """

    fatal = False
    # The store has no route of the path that was sent, so it certainly did nothing. Another form of
    # the path may be right (variants 13 and 17).
    no_route = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        fields: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.method = method
        self.path = path
        self.status = status
        self.fields = {name: list(texts) for name, texts in (fields or {}).items()}

    def as_failure(self) -> dict[str, Any]:
        """The ``failure`` of a failed task or item."""
        text = {"code": self.code, "message": self.message}
        return {**text, **self.request, "fields": self.fields}

    def as_result(self) -> dict[str, Any]:
        """The keys that a failed task has in addition to what it did before."""
        return {"failed": True, "msg": self.message, "failure": self.as_failure()}

    def reworded(self, message: str) -> PublicaError:
        """The same error with another message."""
        return type(self)(self.code, message, **self.request, fields=self.fields)

    @property
    def request(self) -> dict[str, Any]:
        """The request that failed, as arguments for an error that is made from this one."""
        return {"method": self.method, "path": self.path, "status": self.status}


class FatalError(PublicaError):
    """A failure that every further request would meet as well, so the run ends at once."""

    fatal = True


class ForbiddenError(PublicaError):
    """The store answered 403 to the write of one existing user: about the user, or the token."""


class NotFoundError(PublicaError):
    """The store answered 404. Whether that is a failure depends on the request."""


class RejectedError(PublicaError):
    """The store answered 422: it refused the values of this user."""


class LostAnswerError(PublicaError):
    """A write was sent and no trustworthy answer arrived, so it may or may not have happened.

    Never repeat such a write blindly: read the store first, unless a repetition changes nothing.
    """

    # Seconds that the store asked for before another attempt.
    retry_after: float | None = None


class ValidationError(NamedTuple):
    """One thing that is wrong with the input.

    :ivar row: such as ``users[3]`` or ``readers.csv:2``; empty for an option of the task.
    :ivar option: empty for an error of the whole row.
    :ivar text: what is wrong; what to do.
    :ivar label: the user that the row describes, where the place alone says little.
    """

    row: str
    option: str
    text: str
    label: str = ""

    @property
    def place(self) -> str:
        """``users[3].email``, or one of its halves where there is only one."""
        return f"{self.row}.{self.option}" if self.row and self.option else self.row or self.option

    @property
    def labelled_place(self) -> str:
        return f"{self.place} ({self.label})" if self.label else self.place

    def __str__(self) -> str:
        return f"{self.labelled_place}: {self.text}"


def out_of_range(
    option: str, value: float, low: float, high: float, unit: str = ""
) -> list[ValidationError]:
    """The error of a task's own number outside its bounds; none where it is within them.

    :param unit: what the number counts, with a space before it, such as `` seconds``.
    """
    text = f"{value:g} is out of range; use {low:g} to {high:g}{unit}"
    return [] if low <= value <= high else [ValidationError("", option, text)]


class InvalidInputError(PublicaError):
    """Input that is refused before the first write, with all its errors.

    :param source: the path of the file that was read, if one was.
    :param consequence: a sentence on what was done before.
    """

    def __init__(
        self,
        errors: Sequence[ValidationError],
        source: str = "",
        consequence: str = "No request was sent.",
    ) -> None:
        fields: dict[str, dict[str, None]] = {}
        for error in errors:
            if error.place in fields or len(fields) < PLACES_IN_FIELDS:
                fields.setdefault(error.place, {})[error.text] = None
        super().__init__("invalid_input", _message(errors, source, consequence), fields=fields)


def _message(errors: Sequence[ValidationError], source: str, consequence: str) -> str:
    """A line with the count, then one line for each text, with the places where it is true."""
    groups: dict[tuple[str, str], list[ValidationError]] = {}
    for error in errors:
        groups.setdefault((error.option, error.text), []).append(error)
    shown = list(groups.values())[:MESSAGE_LINES]
    where = f" in {source}" if source else ""
    lines = [f"{counted(len(errors), 'validation error', ',')}{where}. {consequence}"]
    for group in shown:
        places = [error.labelled_place for error in group]
        lines.append(f"{listed(places, PLACES_IN_LINE)}: {group[0].text}")
    rest = len(errors) - sum(map(len, shown))
    if rest:
        lines.append(
            f"{counted(rest, 'more validation error', ',')}; failure.fields holds the first "
            f"{PLACES_IN_FIELDS} places"
        )
    # No value can add a line: only the line breaks between these lines stay.
    return EscapedText("\n".join(map(escape_control, lines)))


def internal_error(bug: Exception, consequence: str, label: str = "") -> PublicaError:
    """The error for a bug in the collection itself, by the exception's kind and lines.

    The exception's text and the values around it are left out, since they may hold a password.

    :param consequence: sentences on what follows from it.
    :param label: the user whose work it ended, if it was one user's.
    """
    places = [
        f"{os.path.basename(frame.filename)}:{frame.lineno}"
        for frame in traceback.extract_tb(bug.__traceback__)
    ]
    prefix = f"{label}: " if label else ""
    way = " > ".join(places[-12:])  # the innermost frames
    text = f"{prefix}{type(bug).__name__} in the collection itself, at {way}. {consequence}"
    return PublicaError("internal", text)
