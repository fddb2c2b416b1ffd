# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of what a run applied last: its entries, and its form as a file.

A record holds no password, no token and nothing that is derived from one.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import PublicaError
from ..input.options import ABSENT, DesiredUser, address_key, plan_name_key

UNUSABLE = "unusable_record"
NOT_LISTED = "not_listed"
FORMAT = 1

# The desired values that decide whether a row is compared. Those of a user who is to be absent, and
# those of a plan without a plan, have no effect.
_ATTRIBUTES = ("state", "sessions_limit", "admin", "plan_admin", "only_sees_readable")
_NAMES = (*_ATTRIBUTES, "plan_valid_to", "user_plan_name")
_values_of = attrgetter(*_NAMES, "plan_id", "plan_name")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_REMOVE = (
    "Restore an older version of the file if there is one, and run once with verify: all. "
    "Otherwise remove the file: the next run then compares every user, and does not see who has "
    "left the list"
)


class Entry(NamedTuple):
    """One user of the list at the end of a run.

    :ivar email: the address, as external_id and id: of the row, or else of the account.
    :ivar earlier_email: the address that the account had when a run began to change it.
    :ivar fingerprint: of the desired values; None if they may not have been applied.
    :ivar plan_end: the last day of a plan that was assigned without an end, as last seen.
    :ivar absent: the user was to be absent.
    :ivar kept: why a user who left the list stays active.
    :ivar taken: the store refused to create the user, since another account has a key: the
        fingerprint of the refused row if the lists do not hold the user, or else ``NOT_LISTED``.
    :ivar warnings: the values of each standing warning, by its code.
    """

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    earlier_email: str | None = None
    fingerprint: str | None = None
    plan_end: str | None = None
    absent: bool = False
    kept: str | None = None
    taken: str | None = None
    warnings: Mapping[str, list[Any]] = MappingProxyType({})

    @property
    def label(self) -> str:
        return DesiredUser(self.email, self.external_id, self.id).label

    def without_fingerprint(self, kept: str | None = None) -> Entry:
        """The entry of a user who is compared again if the list has them."""
        if (self.kept, self.fingerprint) == (kept, None):
            return self
        return self._replace(kept=kept, fingerprint=None, plan_end=None, warnings={})

    @property
    def emails(self) -> tuple[str, ...]:
        return tuple(email for email in (self.email, self.earlier_email) if email)


@dataclass(frozen=True)
class Record:
    """What the runs with one list applied to a store.

    :ivar verified_at: when all users of the list were compared last, in UTC; None for never.
    :ivar repeats_external_ids: the store was seen to have two users with one external id.
    """

    store: str
    entries: tuple[Entry, ...] = ()
    verified_at: str | None = None
    repeats_external_ids: bool = False

    def equals(self, other: Record | None) -> bool:
        """Whether another record has the same entries; one that is found to differ can be equal.

        An entry that does not change is the same object.
        """
        if other is None or len(self.entries) != len(other.entries):
            return False
        heads = [(record.verified_at, record.repeats_external_ids) for record in (self, other)]
        return heads[0] == heads[1] and set(map(id, self.entries)) == set(map(id, other.entries))


def store_name(base_url: str) -> str:
    """The address of a store in one form, without user, password and query."""
    parts = urlsplit(base_url.strip())
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    of_port = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{host}{of_port}{parts.path.rstrip('/')}"


def fingerprint(desired: DesiredUser) -> str:
    """A text that changes exactly if a desired value changes; passwords have no influence."""
    attributes, plan = _lines(_values_of(desired))
    # No value has a line break.
    given = []
    if desired.external_id is not None:
        given.append(f"external_id={desired.external_id}")
    if desired.id is not None:
        given.append(f"id={desired.id}")
    given.append(attributes)
    if desired.address is not None:
        given.append(f"email={desired.address}")
    given += plan
    return hashlib.sha256("\n".join(given).encode()).hexdigest()[:16]


# The users of a list have few combinations of these values.
@functools.lru_cache(maxsize=1000)
def _lines(values: tuple[Any, ...]) -> tuple[str, list[str]]:
    """The lines of the attributes, and that of the plan if there is one."""
    *attributes, plan_id, plan_name = values
    is_absent = attributes[0] == ABSENT
    has_plan = not is_absent and (plan_name, plan_id) != (None, None)
    count = 1 if is_absent else len(_NAMES if has_plan else _ATTRIBUTES)
    given = zip(_NAMES[:count], attributes)
    lines = "\n".join(f"{name}={value}" for name, value in given if value is not None)
    if not has_plan:
        return lines, []
    # By the name as long as the row has one, since its id can change at the store.
    plan = f"plan_id={plan_id}" if plan_name is None else f"plan_name={plan_name_key(plan_name)}"
    return lines, [plan]


def as_file(record: Record) -> bytes:
    """The content of a record's file: one user a line, sorted, the same for equal records."""
    head = {"format": FORMAT, "store": record.store, "verified_at": record.verified_at}
    if record.repeats_external_ids:
        head["repeats_external_ids"] = True
    lines = [f"{_json(name)}: {_json(value)}," for name, value in head.items()]
    users = ",\n".join(_json(_as_dict(entry)) for entry in sorted(record.entries, key=_order))
    return "\n".join(["{", *lines, '"users": [', *([users] if users else []), "]", "}\n"]).encode()


def _order(entry: Entry) -> tuple[str, str, int]:
    return address_key(entry.email or ""), entry.external_id or "", entry.id or 0


def _as_dict(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in zip(Entry._fields, entry) if value}


_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def _json(value: Any) -> str:
    text = _encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a character, which a store may return in a key.
        return json.dumps(value)
    return text


def from_file(content: bytes, store: str, name: str) -> Record:
    """The record in the content of a file.

    :raises PublicaError: ``unusable_record``, with the reason and what to do.
    """
    try:
        document = json.loads(content.decode())
    except (ValueError, RecursionError):
        raise _unusable(name, f"is incomplete or is not a record. {_REMOVE}") from None
    if not isinstance(document, dict) or document.get("format").__class__ is not int:
        raise _unusable(name, f"is not a record of this collection. {_REMOVE}")
    if document["format"] < 1:
        raise _unusable(name, f"has no format that any version wrote. {_REMOVE}")
    if document["format"] > FORMAT:
        raise _unusable(
            name,
            f"has format {document['format']}, and this version of the collection reads up to "
            f"format {FORMAT}. Use the version that wrote the file, or a newer one",
        )
    recorded = document.get("store")
    if not isinstance(recorded, str):
        raise _unusable(name, f"names no store. {_REMOVE}")
    if recorded != store:
        raise _unusable(
            name,
            f"is the record of {recorded}, not of {store}. Give each store its own file, such as "
            'one with {{ inventory_hostname }} in its name. If the store has moved, change "store" '
            f"in the file to {store}",
        )
    users = document.get("users")
    verified_at = document.get("verified_at")
    if not isinstance(users, list) or not isinstance(verified_at, (str, type(None))):
        raise _unusable(name, f"is incomplete. {_REMOVE}")
    try:
        entries = tuple(map(_entry, users))
    except (TypeError, ValueError):
        raise _unusable(name, f"has a user who is not written as in a record. {_REMOVE}") from None
    return Record(store, entries, verified_at, document.get("repeats_external_ids") is True)


def _entry(user: Any) -> Entry:
    entry = Entry(**user)
    for name, value in user.items():
        if value.__class__ is not _TYPES[name]:
            raise TypeError(name)
    if entry.email is None and entry.external_id is None and entry.id is None:
        raise ValueError("no key")
    if entry.warnings and not all(isinstance(one, list) for one in entry.warnings.values()):
        raise TypeError("warnings")
    return entry


_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("email", "external_id", "earlier_email", "fingerprint", "plan_end"), str),
    **{"id": int, "absent": bool, "kept": str, "taken": str, "warnings": dict},
}


def _unusable(name: str, reason: str) -> PublicaError:
    return PublicaError(
        UNUSABLE,
        f"last_applied: {name} {reason}. No request was sent, and the file was not changed.",
    )
