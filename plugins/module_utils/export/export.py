# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of an export: the store's users, rows, texts, files."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..current.everybody import Everybody, read_everybody
from ..current.finding import ACTIVE, ALL
from ..plan.guards import INCOMPLETE_LISTING
from ..plan.operations import Warned
from ..result.warning_lines import warning_lines
from ..transport.errors import InvalidInputError, PublicaError
from ..transport.users_api import UsersApi
from .csv_text import DELIMITERS, ENCODING, csv_table, is_exported_csv
from .files import NOT_WRITTEN, Folder
from .users import ExportedUser, exported_users
from .yaml_text import is_exported_yaml, yaml_text

YAML, CSV = "yaml", "csv"
FORMATS = (YAML, CSV)
STATUSES = (ALL, ACTIVE)
FAIL, WARN = "fail", "warn"
ON_INCOMPLETE = (FAIL, WARN)
ENDINGS = {YAML: ".yml", CSV: ".csv"}

# As the modules of Ansible's own that write files: a longer text is not compared line by line.
LONGEST_DIFF = 104_448


@dataclass(frozen=True)
class Target:
    """A file to write, and how a file in its place is known to be an export."""

    format: str
    name: str
    is_exported: Callable[[str], bool]


def export(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the users of a store into files, and return the module's result.

    In check mode the store is read and the files are compared, and nothing is written.

    :raises PublicaError: before the first request for a path that cannot be written, and for a
        list that does not come in whole.
    """
    targets = targets_of(params["name"], params["formats"])
    with Folder(params["dir"], read_only=api.transport.read_only) as folder:
        for target in targets:
            _refuse_foreign(folder, target)
        everybody = read_everybody(api, deactivated=params["status"] == ALL)
        if not everybody.whole and params["on_incomplete"] == FAIL:
            raise _incomplete(len(everybody.users))
        today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
        users = exported_users(everybody.users, today)
        contents, warned = contents_of(users, everybody, params)
        _refuse_secret(contents, params["api_token"])
        return {
            **_written(folder, targets, contents, writes=not api.transport.read_only),
            "summary": _summary(everybody),
            "whole": everybody.whole,
            "notes": _notes(warned),
            "warnings": [*_about_store(everybody), *warning_lines((), warned)],
        }


def targets_of(name: str, formats: Sequence[str]) -> list[Target]:
    """The files of an export.

    :raises InvalidInputError: for a name that is none of a file, and for no format at all.
    """
    faults = {}
    if not name.strip() or name.startswith(".") or any(sign in name for sign in "/\0\n"):
        faults["name"] = ["is no name for a file; give one without a slash or a dot at its start"]
    if not formats:
        faults["formats"] = [f"is empty; give {' or '.join(FORMATS)}"]
    if faults:
        told = "; ".join(f"{option} {texts[0]}" for option, texts in faults.items())
        raise InvalidInputError(f"{told}. Nothing was sent.", faults)
    is_exported = {YAML: is_exported_yaml, CSV: is_exported_csv}
    return [
        Target(one, f"{name}{ENDINGS[one]}", is_exported[one]) for one in FORMATS if one in formats
    ]


def contents_of(
    users: Sequence[ExportedUser], everybody: Everybody, params: Mapping[str, Any]
) -> tuple[dict[str, bytes], list[Warned]]:
    """What each format's file holds, and what the files cannot say of users."""
    warned = [warning for user in users for warning in user.warnings]
    contents: dict[str, bytes] = {}
    if CSV in params["formats"]:
        table = csv_table(users, DELIMITERS[params["delimiter"]])
        contents[CSV] = table.text.encode(ENCODING)
        warned += table.warnings
    if YAML in params["formats"]:
        contents[YAML] = yaml_text(users, _header(everybody)).encode()
    return contents, warned


def _refuse_foreign(folder: Folder, target: Target) -> None:
    """Refuse to replace a file that somebody has written."""
    content = folder.content(target.name)
    if content and not target.is_exported(content.decode(ENCODING, errors="replace")):
        path = folder.path_of(target.name)
        raise PublicaError(
            NOT_WRITTEN,
            f"{path} was not written by an export, so it is left alone. Move it, or give another "
            "dir or name.",
            fields={"dir": ["holds a file that an export would replace and has not written"]},
        )


def _refuse_secret(contents: Mapping[str, bytes], token: str) -> None:
    """Refuse to write the token, which a store or a proxy that means harm could send back."""
    if any(token.encode() in content for content in contents.values()):
        raise PublicaError(
            "unexpected_answer",
            "A user's record holds the api_token, so nothing was written. Check base_url, and make "
            "a new token: this one is known to somebody at the store.",
        )


def _incomplete(count: int) -> PublicaError:
    return PublicaError(
        INCOMPLETE_LISTING,
        f"The store's list of users did not come in whole ({count} users were read), so somebody "
        "would be missing in the export. Nothing was written. Run again, when nobody else changes "
        "users of the store; on_incomplete: warn writes what came.",
    )


def _written(
    folder: Folder, targets: Sequence[Target], contents: Mapping[str, bytes], *, writes: bool
) -> dict[str, Any]:
    """Write what is not so already, and tell which files that are."""
    files: list[dict[str, Any]] = []
    diffs: list[dict[str, Any]] = []
    for target in targets:
        content = contents[target.format]
        changed = not folder.holds(target.name, content)
        path = folder.path_of(target.name)
        files.append({"path": path, "format": target.format, "changed": changed})
        if changed and not diffs:
            # The files say the same, so one of them is enough.
            diffs.append(_diff(path, folder.content(target.name), content))
        if changed and writes:
            folder.write(target.name, content)
    return {"changed": any(file["changed"] for file in files), "files": files, "diff": diffs}


def _diff(path: str, before: bytes | None, after: bytes) -> dict[str, Any]:
    return {
        "before_header": path,
        "after_header": path,
        "before": {} if before is None else {os.path.basename(path): _lines(before)},
        "after": {os.path.basename(path): _lines(after)},
    }


def _lines(content: bytes) -> list[str]:
    if len(content) > LONGEST_DIFF:
        return [f"({len(content)} bytes, too long to compare here)"]
    return content.decode(ENCODING, errors="replace").splitlines()


def _summary(everybody: Everybody) -> dict[str, int]:
    users = everybody.users
    active = sum(user.active for user in users)
    return {
        "exported": len(users),
        "active": active,
        "deactivated": len(users) - active,
        "admins": sum(user.admin is True for user in users),
    }


def _header(everybody: Everybody) -> list[str]:
    """What the YAML file says at its beginning."""
    counts = ", ".join(f"{count} {name}" for name, count in _summary(everybody).items())
    return [
        f"{counts}. No token, password or link is in it.",
        "The next export replaces this file: move it to where you keep your lists.",
        *_about_store(everybody),
    ]


def _about_store(everybody: Everybody) -> list[str]:
    """What the files cannot say of anybody."""
    users = everybody.users
    texts = []
    if not everybody.whole:
        texts.append("The store's list of users did not come in whole: somebody may be missing.")
    if users and not any(user.tells_external_id for user in users):
        texts.append(
            "The store does not return external ids, so no row has one. To change or create a "
            "user, add the external_id to the row."
        )
    return texts


def _notes(warned: Sequence[Warned]) -> list[dict[str, Any]]:
    """All users whom each warning concerns; the warnings themselves name the first of them."""
    users: dict[str, list[str]] = {}
    for warning in warned:
        users.setdefault(warning.text, []).append(warning.label)
    return [{"text": text, "users": labels} for text, labels in users.items()]
