# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors, each with the structure that a playbook can branch on.

Raised deep, caught once (in ``module.py``). A message says what happened, where, and what to do;
no message ever holds the token, a password or an impersonation link.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

# How much of an unknown text an error may quote.
QUOTED_CHARACTERS = 120

# How many lines of a traceback are told.
INTERNAL_ERROR_FRAMES = 12


class PublicaError(Exception):
    """A failure that ends the work on one user, or on the run where ``fatal`` is true.

    :param code: a short stable name, for a playbook's ``when``.
    :param message: one or two sentences for a person, with the remedy.
    :param method: the HTTP method of the request that failed, if one was sent.
    :param path: the path of that request, without host and query.
    :param status: the HTTP status that came back, if any.
    :param fields: what is wrong, by field (``{"email": ["..."]}``).
    """

    fatal = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.method = method
        self.path = path
        self.status = status
        self.fields = {name: list(texts) for name, texts in (fields or {}).items()}

    def as_failure(self) -> dict[str, Any]:
        """The ``failure`` that a failed task or item carries beside its message."""
        return {
            "code": self.code,
            "message": self.message,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "fields": self.fields,
        }


class FatalError(PublicaError):
    """A failure that every further request would meet as well, so the run ends at once."""

    fatal = True


class NotFoundError(PublicaError):
    """The store answered 404. Whether that is a failure depends on what was asked."""


class RejectedError(PublicaError):
    """The store answered 422: it refused the values. The fault is this user's own."""


class LostAnswerError(PublicaError):
    """A write was sent and no answer to be trusted came back, so it may or may not have happened.

    Never repeat such a write blindly: read what the store holds first, or know that the write
    is one whose repetition changes nothing.
    """

    def __init__(self, *args: Any, retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retry_after = retry_after


class InvalidInputError(PublicaError):
    """What the task declares cannot be right, whatever the store holds."""

    def __init__(self, message: str, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__("invalid_input", message, fields=fields)


def internal_error(bug: Exception, then: str, who: str = "") -> PublicaError:
    """The error for a fault in the collection itself, for whoever is to mend it.

    The exception's own text and the values around it stay untold: they may hold anything, a
    password too. Its kind and the lines that it came through do not.

    :param then: the sentences on what follows from it.
    :param who: whose work it ended, where it is one user's.
    """
    places = [
        f"{os.path.basename(frame.filename)}:{frame.lineno}"
        for frame in traceback.extract_tb(bug.__traceback__)
    ]
    whose = f"{who}: " if who else ""
    way = " > ".join(places[-INTERNAL_ERROR_FRAMES:])
    text = f"{whose}{type(bug).__name__} in the collection itself, at {way}. {then}"
    return PublicaError("internal", text)


def first_and_rest(texts: Sequence[str], limit: int) -> str:
    """The first texts in one line, and how many more there are."""
    rest = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {rest} more" if rest > 0 else "")
