# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a record: its lock, and reading and replacing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ..errors import InvalidInputError, PublicaError, ValidationError
from ..safe_files import Directory, UnsafeFileError
from .record import Record, as_file, from_file, store_name

LAST_APPLIED = "last_applied"
LOCKED = "record_locked"
NOT_WRITTEN = "record_not_written"

# A record of a million users has about 150 MB.
LARGEST_RECORD = 512 << 20


class RecordFile:
    """The open file of a record."""

    def __init__(self, path: str, directory: Directory, store: str, read_only: bool) -> None:
        self.path = path
        self.store = store
        self._directory = directory
        self._name = os.path.basename(path)
        self._read_only = read_only
        self._content = directory.read(self._name, LARGEST_RECORD)
        self.record = None if self._content is None else from_file(self._content, store, self._name)

    def write(self, record: Record) -> None:
        """Replace the file, unless it holds the same record or this is a dry run."""
        if self._read_only or record.equals(self.record):
            return
        content = as_file(record)
        if content != self._content:
            try:
                self._directory.replace(self._name, content, sync=True, is_locked=True)
            except OSError as error:
                raise PublicaError(
                    NOT_WRITTEN,
                    f"last_applied: {self.path} can't be written ({error.strerror}). Correct the "
                    "path, its permissions or the space on the disk.",
                ) from None
        self._content, self.record = content, record


@contextmanager
def open_record(path: str | None, base_url: str, read_only: bool) -> Iterator[RecordFile | None]:
    """The record of a store, which no other run writes during the block; None without a path."""
    if path is None:
        yield None
        return
    absolute = os.path.abspath(path)
    parent, name = os.path.split(absolute)
    with ExitStack() as stack:
        try:
            directory = stack.enter_context(Directory(parent, check_way=not read_only))
            directory.status(name)
            if not read_only:
                _lock(stack, directory, name, absolute)
            file = RecordFile(absolute, directory, store_name(base_url), read_only)
        except (OSError, ValueError) as error:
            raise _bad_path(error) from None
        yield file


def _lock(stack: ExitStack, directory: Directory, name: str, path: str) -> None:
    try:
        stack.enter_context(directory.holding(f"{name}.lock"))
    except BlockingIOError:
        raise PublicaError(
            LOCKED,
            f"last_applied: another run uses {path} now. No request was sent. Run again when the "
            "other run has ended, and give each store its own file.",
        ) from None


def _bad_path(error: OSError | ValueError) -> InvalidInputError:
    reason = getattr(error, "strerror", None) or "contains a character that no path can have"
    if isinstance(error, FileNotFoundError):
        reason = "the directory does not exist on the host where the module runs; create it"
    elif isinstance(error, UnsafeFileError):
        reason = f"{reason}; give the path of a regular file, or of a new one"
    elif isinstance(error, PermissionError):
        reason = (
            "the user that the module runs as may not use the file or its directory; correct the "
            "permissions, or give another path"
        )
    return InvalidInputError([ValidationError("", LAST_APPLIED, reason)])
