# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export: read the store's users, make rows and texts of them, write the files."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..client.api import UsersApi
from ..errors import InvalidInputError, PublicaError, ValidationError
from ..input.values import BadValueError, is_given, read_plan_name
from ..plan.plan_names import plans_by_name
from ..plan.removals import INCOMPLETE_LISTING
from ..plan.warnings import LabelledWarning, labels_by_text
from ..progress import utc_now
from ..result.result import warning_lines
from ..safe_files import (
    OWNER_ONLY,
    OWNER_ONLY_DIRECTORY,
    Directory,
    UnsafeFileError,
    UnsafePathError,
)
from ..store.listing import UserList, read_all_users
from ..store.plans import StorePlan, read_plans
from ..store.search import ACTIVE, ALL
from .formats import (
    DELIMITERS,
    ENCODING,
    csv_text,
    is_exported_csv,
    is_exported_yaml,
    is_formula,
    yaml_text,
)
from .rows import ExportedUser, exported_users
from .workbook import is_exported_workbook, workbook_bytes

NOT_WRITTEN = "not_written"


class ExportDirectory:
    """The directory of an export, for the ``with`` statement.

    :param read_only: create and write nothing; a missing directory counts as empty.
    :raises PublicaError: ``not_written``, here and in every method.
    """

    def __init__(self, path: str, *, read_only: bool) -> None:
        self._path = os.path.abspath(path)
        self._read_only = read_only
        self._directory: Directory | None = None

    def __enter__(self) -> ExportDirectory:
        mode = None if self._read_only else OWNER_ONLY_DIRECTORY
        try:
            self._directory = Directory(self._path, create_mode=mode, parents=True, check_way=True)
        except FileNotFoundError:
            self._directory = None
        except (NotADirectoryError, FileExistsError):
            raise _error(self._path, "is not a directory; give another one in dir") from None
        except UnsafePathError as error:
            raise _error(self._path, f"is not used: {error.strerror}") from None
        except (OSError, ValueError) as error:
            raise _failed(self._path, "cannot be opened", error) from None
        return self

    def __exit__(self, *_error: object) -> None:
        if self._directory is not None:
            self._directory.close()

    def path_of(self, name: str) -> str:
        return os.path.join(self._path, name)

    def content(self, name: str, max_bytes: int | None = None) -> bytes | None:
        """The content of a file, or its first bytes; None if there is no file."""
        if self._directory is None:
            return None
        try:
            return self._directory.read(name, max_bytes, beginning=max_bytes is not None)
        except UnsafeFileError:
            text = "is a link or not a regular file and is left alone; remove it"
            raise _error(self.path_of(name), text) from None
        except OSError as error:
            raise _failed(self.path_of(name), "cannot be read", error) from None

    def holds(self, name: str, content: bytes) -> bool:
        """Whether a file has this content and only its owner can read it."""
        if self._directory is None or self.content(name) != content:
            return False
        status = self._directory.status(name)
        return status is not None and stat.S_IMODE(status.st_mode) == OWNER_ONLY

    def write(self, name: str, content: bytes) -> None:
        if self._directory is None or self._read_only:
            raise _error(self.path_of(name), "is not written in check mode; please report it")
        try:
            self._directory.replace(name, content, sync=True)
        except OSError as error:
            raise _failed(self.path_of(name), "cannot be written", error) from None


def _failed(path: str, problem: str, error: Exception) -> PublicaError:
    cause = getattr(error, "strerror", None) or "the path contains a character that no path can"
    return _error(path, f"{problem}: {cause}; correct dir or the permissions")


def _error(path: str, text: str) -> PublicaError:
    return PublicaError(NOT_WRITTEN, f"{path} {text}.", fields={"dir": [text]})


YAML, CSV, XLSX = "yaml", "csv", "xlsx"
ENDINGS = {YAML: ".yml", CSV: ".csv", XLSX: ".xlsx"}
FORMATS = tuple(ENDINGS)
DEFAULT_FORMATS = (YAML, CSV)
STATUSES = (ALL, ACTIVE)
IDS, NAMES = "ids", "names"
PLANS = (IDS, NAMES)
FAIL, WARN = "fail", "warn"
ON_INCOMPLETE = (FAIL, WARN)
# An earlier export is known by its beginning, which is shorter than this.
MARK_BYTES = 4096

# The size above which Ansible's own modules show no diff of a file.
MAX_DIFF_BYTES = 104_448


def export(api: UsersApi, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the users of a store into files, and return the module's result.

    In check mode the store is read and the files are compared, but not written. A path that can't
    be written is found before the first request.
    """
    names = names_of(params["name"], params["formats"])
    with ExportDirectory(params["dir"], read_only=api.transport.read_only) as directory:
        for format_name, name in names.items():
            _refuse_foreign(directory, name, format_name)
        all_users = read_all_users(api, deactivated=params["status"] == ALL)
        if not all_users.complete and params["on_incomplete"] == FAIL:
            raise PublicaError(
                INCOMPLETE_LISTING,
                f"The store's list of users is incomplete ({len(all_users.users)} users read), so "
                "users would be missing in the export. Nothing was written. Run again while no "
                "other client changes users of the store, or set on_incomplete: warn to write the "
                "users that were read.",
            )
        about_store = _about_store(all_users)
        plans = read_plans(api) if params["plans"] == NAMES else None
        if plans is None and params["plans"] == NAMES:
            about_store.append(NO_PLAN_NAMES)
        plan_names = None if plans is None else names_of_plans(plans)
        users = exported_users(all_users.users, utc_now()[:10], plan_names)
        header = [*_header(all_users), *about_store]
        contents, warnings = contents_of(users, header, params)
        _refuse_secret(contents, users, params["api_token"])
        return {
            **_written(directory, names, contents, not api.transport.read_only),
            "summary": _summary(all_users),
            "whole": all_users.complete,
            # All users of each warning; the warning lines name only the first.
            "notes": [
                {"text": text, "users": labels} for text, labels in labels_by_text(warnings).items()
            ],
            "warnings": [*about_store, *warning_lines(warnings)],
        }


def names_of_plans(plans: Sequence[StorePlan]) -> dict[int, str]:
    """The unique and valid name of each plan, which a row can have in place of the id."""
    names = {}
    for plan, *others in plans_by_name(plans).values():
        with suppress(BadValueError):
            name = read_plan_name(plan.name)
            if not others and is_given(name) and not is_formula(name):
                names[plan.id] = name
    return names


def names_of(name: str, formats: Sequence[str]) -> dict[str, str]:
    errors = []
    if not name.strip() or name.startswith(".") or any(sign in name for sign in "/\0\n"):
        text = "the value is not the name of a file; use one without a slash or a leading dot"
        errors.append(ValidationError("", "name", text))
    if not formats:
        text = f"the list is empty; give {' or '.join(FORMATS)}"
        errors.append(ValidationError("", "formats", text))
    if errors:
        raise InvalidInputError(errors)
    return {one: f"{name}{ENDINGS[one]}" for one in FORMATS if one in formats}


def contents_of(
    users: Sequence[ExportedUser], header: Sequence[str], params: Mapping[str, Any]
) -> tuple[dict[str, bytes], list[LabelledWarning]]:
    warnings = [warning for user in users for warning in user.warnings]
    contents: dict[str, bytes] = {}
    if CSV in params["formats"]:
        text, left_out = csv_text(users, DELIMITERS[params["delimiter"]])
        contents[CSV] = text.encode(ENCODING)
        warnings += left_out
    if YAML in params["formats"]:
        contents[YAML] = yaml_text(users, header).encode()
    if XLSX in params["formats"]:
        contents[XLSX] = workbook_bytes(users)
    return contents, warnings


def _refuse_foreign(directory: ExportDirectory, name: str, format_name: str) -> None:
    content = directory.content(name, MARK_BYTES)
    if content and not _is_exported(format_name, content):
        raise PublicaError(
            NOT_WRITTEN,
            f"{directory.path_of(name)} was not written by an export, so it is not replaced. Move "
            "the file, or give another dir or name.",
            fields={"dir": ["holds a file of this name that was not written by an export"]},
        )


def _is_exported(format_name: str, content: bytes) -> bool:
    if format_name == XLSX:
        return is_exported_workbook(content)
    text = content.decode(ENCODING, errors="replace")
    return is_exported_yaml(text) if format_name == YAML else is_exported_csv(text)


def _refuse_secret(
    contents: Mapping[str, bytes], users: Sequence[ExportedUser], token: str
) -> None:
    """Refuse to write the token, which a hostile store or proxy could return."""
    # A workbook is compressed, so its values are searched as well.
    values = (str(value).encode() for user in users for value in user.values.values())
    if any(token.encode() in content for content in (*contents.values(), *values)):
        raise PublicaError(
            "unexpected_answer",
            "A user's record holds the api_token, so nothing was written. Check base_url, and "
            "create a new token, since this one is exposed.",
        )


def _written(
    directory: ExportDirectory,
    names: Mapping[str, str],
    contents: Mapping[str, bytes],
    writes: bool,
) -> dict[str, Any]:
    """Write the files that differ, and return which ones do."""
    files: list[dict[str, Any]] = []
    diffs: list[dict[str, Any]] = []
    for format_name, name in names.items():
        content = contents[format_name]
        changed = not directory.holds(name, content)
        path = directory.path_of(name)
        files.append({"path": path, "format": format_name, "changed": changed})
        if changed and not diffs:
            # The files hold the same users, so one diff is enough.
            before = directory.content(name)
            held = {} if before is None else {name: _lines(before, format_name)}
            after = {name: _lines(content, format_name)}
            headers = {"before_header": path, "after_header": path}
            diffs.append({**headers, "before": held, "after": after})
        if changed and writes:
            directory.write(name, content)
    return {"changed": any(file["changed"] for file in files), "files": files, "diff": diffs}


def _lines(content: bytes, format_name: str) -> list[str]:
    if format_name == XLSX:
        return [f"({len(content)} bytes)"]
    if len(content) > MAX_DIFF_BYTES:
        return [f"({len(content)} bytes, too long for a diff)"]
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
    counts = ", ".join(f"{count} {name}" for name, count in _summary(all_users).items())
    return [
        f"{counts}. The file holds no token, password or link.",
        "The next export replaces this file. Move it to the directory of your lists.",
    ]


NO_PLAN_NAMES = "The store returns no list of plans, so rows have plan_id in place of plan_name."


def _about_store(all_users: UserList) -> list[str]:
    users = all_users.users
    texts = []
    if not all_users.complete:
        texts.append("The store's list of users is incomplete: users may be missing.")
    if users and not any(user.returns_external_id for user in users):
        texts.append(
            "The store does not return external ids, so no row has one. To change or create a "
            "user, add the external_id to the row."
        )
    return texts
