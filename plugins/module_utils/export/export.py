# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of an export: the store's users, rows, texts, files."""

from __future__ import annotations

import datetime
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ..client.api import UsersApi
from ..errors import InvalidInputError, PublicaError
from ..plan.model import Warned
from ..plan.removals import INCOMPLETE_LISTING
from ..result.result import warning_lines
from ..safe_files import OWNER_ONLY, OWNER_ONLY_DIRECTORY, Directory, UnsafeFileError
from ..store.listing import UserList, read_all_users
from ..store.snapshot import ACTIVE, ALL
from .formats import DELIMITERS, ENCODING, csv_table, is_exported_csv, is_exported_yaml, yaml_text
from .rows import ExportedUser, exported_users

NOT_WRITTEN = "not_written"


class ExportDirectory:
    """The directory of an export, for the ``with`` statement.

    :param path: of the directory. If it is missing, it is created for its owner only.
    :param read_only: create and write nothing; a missing directory counts as empty.
    :raises PublicaError: ``not_written``, here and in every method, with the path and a remedy.
    """

    def __init__(self, path: str, *, read_only: bool) -> None:
        self._path = os.path.abspath(path)
        self._read_only = read_only
        self._directory: Directory | None = None

    def __enter__(self) -> ExportDirectory:
        mode = None if self._read_only else OWNER_ONLY_DIRECTORY
        try:
            self._directory = Directory(self._path, create_mode=mode, parents=True)
        except FileNotFoundError:
            self._directory = None
        except (NotADirectoryError, FileExistsError):
            raise _error(self._path, "is not a directory; give another one in dir") from None
        except (OSError, ValueError) as error:
            raise _error(self._path, _reason("cannot be opened", error)) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._directory is not None:
            self._directory.close()

    def path_of(self, name: str) -> str:
        """The full path of a file."""
        return os.path.join(self._path, name)

    def content(self, name: str) -> bytes | None:
        """The content of a file; None if there is no file."""
        if self._directory is None:
            return None
        try:
            return self._directory.read(name)
        except UnsafeFileError:
            text = "is a link or not a regular file and is left alone; remove it"
            raise _error(self.path_of(name), text) from None
        except OSError as error:
            raise _error(self.path_of(name), _reason("cannot be read", error)) from None

    def holds(self, name: str, content: bytes) -> bool:
        """Whether a file has this content and only its owner can read it."""
        if self._directory is None or self.content(name) != content:
            return False
        status = self._directory.status(name)
        return status is not None and stat.S_IMODE(status.st_mode) == OWNER_ONLY

    def write(self, name: str, content: bytes) -> None:
        """Replace or create a file."""
        if self._directory is None or self._read_only:
            raise _error(self.path_of(name), "is not written in check mode; please report it")
        try:
            self._directory.replace(name, content, sync=True)
        except OSError as error:
            raise _error(self.path_of(name), _reason("cannot be written", error)) from None


def _reason(problem: str, error: Exception) -> str:
    cause = getattr(error, "strerror", None) or "the path contains a character that no path can"
    return f"{problem}: {cause}; correct dir or the permissions"


def _error(path: str, text: str) -> PublicaError:
    return PublicaError(NOT_WRITTEN, f"{path} {text}.", fields={"dir": [text]})


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
    with ExportDirectory(params["dir"], read_only=api.transport.read_only) as directory:
        for target in targets:
            _refuse_foreign(directory, target)
        all_users = read_all_users(api, deactivated=params["status"] == ALL)
        if not all_users.complete and params["on_incomplete"] == FAIL:
            raise _incomplete(len(all_users.users))
        today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
        users = exported_users(all_users.users, today)
        contents, warned = contents_of(users, all_users, params)
        _refuse_secret(contents, params["api_token"])
        return {
            **_written(directory, targets, contents, writes=not api.transport.read_only),
            "summary": _summary(all_users),
            "whole": all_users.complete,
            "notes": _notes(warned),
            "warnings": [*_about_store(all_users), *warning_lines((), warned)],
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
    users: Sequence[ExportedUser], all_users: UserList, params: Mapping[str, Any]
) -> tuple[dict[str, bytes], list[Warned]]:
    """What each format's file holds, and what the files cannot say of users."""
    warned = [warning for user in users for warning in user.warnings]
    contents: dict[str, bytes] = {}
    if CSV in params["formats"]:
        table = csv_table(users, DELIMITERS[params["delimiter"]])
        contents[CSV] = table.text.encode(ENCODING)
        warned += table.warnings
    if YAML in params["formats"]:
        contents[YAML] = yaml_text(users, _header(all_users)).encode()
    return contents, warned


def _refuse_foreign(directory: ExportDirectory, target: Target) -> None:
    """Refuse to replace a file that somebody has written."""
    content = directory.content(target.name)
    if content and not target.is_exported(content.decode(ENCODING, errors="replace")):
        path = directory.path_of(target.name)
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
    directory: ExportDirectory,
    targets: Sequence[Target],
    contents: Mapping[str, bytes],
    *,
    writes: bool,
) -> dict[str, Any]:
    """Write what is not so already, and tell which files that are."""
    files: list[dict[str, Any]] = []
    diffs: list[dict[str, Any]] = []
    for target in targets:
        content = contents[target.format]
        changed = not directory.holds(target.name, content)
        path = directory.path_of(target.name)
        files.append({"path": path, "format": target.format, "changed": changed})
        if changed and not diffs:
            # The files say the same, so one of them is enough.
            diffs.append(_diff(path, directory.content(target.name), content))
        if changed and writes:
            directory.write(target.name, content)
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


def _summary(all_users: UserList) -> dict[str, int]:
    users = all_users.users
    active = sum(user.active for user in users)
    return {
        "exported": len(users),
        "active": active,
        "deactivated": len(users) - active,
        "admins": sum(user.admin is True for user in users),
    }


def _header(all_users: UserList) -> list[str]:
    """What the YAML file says at its beginning."""
    counts = ", ".join(f"{count} {name}" for name, count in _summary(all_users).items())
    return [
        f"{counts}. No token, password or link is in it.",
        "The next export replaces this file: move it to where you keep your lists.",
        *_about_store(all_users),
    ]


def _about_store(all_users: UserList) -> list[str]:
    """What the files cannot say of anybody."""
    users = all_users.users
    texts = []
    if not all_users.complete:
        texts.append("The store's list of users did not come in whole: somebody may be missing.")
    if users and not any(user.returns_external_id for user in users):
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
