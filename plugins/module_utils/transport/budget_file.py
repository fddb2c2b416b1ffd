# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small file by which the runs of one machine share a store's rate limit.

Runs with the same store and token (Ansible's forks, parallel jobs) take turns at it. It holds
counts and times, no secret and nothing of a user. Whatever is wrong with it, a run can go on
without: it then paces itself alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

# A lock is held for less than a millisecond. Whoever holds it longer has been stopped.
LOCK_PATIENCE = 2.0
LOCK_RETRY_SECONDS = 0.002
MOST_BYTES = 65_536
# Two clocks that moved apart by more than this since the file was written do not tell the same
# time: the machine was restarted in between, or its clock was set.
CLOCK_SLACK = 5.0


class BudgetFileError(Exception):
    """Why the budget cannot be shared, as the end of a sentence."""


class BudgetFile:
    """The shared state of one store and token, one JSON object.

    :param folder: where the file is; without it, a folder of the user's own below the system's
        temporary directory.
    :raises BudgetFileError: the file cannot be had, or somebody else could change it.
    """

    def __init__(self, base_url: str, token: str, folder: str | None = None) -> None:
        # The name tells neither the store nor the token, which is long and random.
        name = hashlib.sha256(f"publica.la\0{base_url}\0{token}".encode()).hexdigest()[:32]
        try:
            at = _open_own_folder() if folder is None else _open_folder(folder)
            try:
                self._file = _open_own_file(at, f"{name}.json")
            finally:
                os.close(at)
        except OSError as error:
            raise BudgetFileError(error.strerror or str(error)) from None
        # Also where nobody closes it.
        self.close = weakref.finalize(self, os.close, self._file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file alone. The lock ends with its process, so none is ever stale.

        :raises BudgetFileError: somebody keeps it.
        """
        given_up_at = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > given_up_at:
                    raise BudgetFileError("another process keeps it locked") from None
                time.sleep(LOCK_RETRY_SECONDS)
            except OSError as error:
                raise BudgetFileError(error.strerror or str(error)) from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def read(self) -> Mapping[str, Any] | None:
        """The state as it was last written; None where there is none to be trusted."""
        try:
            content = json.loads(os.pread(self._file, MOST_BYTES, 0) or b"null")
            apart = time.time() - time.monotonic() - content["clocks_apart"]
            state = content["window"]
        except (OSError, ValueError, TypeError, KeyError):
            # Empty, or a write that was interrupted.
            return None
        return state if isinstance(state, Mapping) and abs(apart) < CLOCK_SLACK else None

    def write(self, state: Mapping[str, Any]) -> None:
        """Replace the state.

        :raises BudgetFileError: it cannot be written.
        """
        content = {"clocks_apart": time.time() - time.monotonic(), "window": state}
        text = json.dumps(content, separators=(",", ":")).encode()
        try:
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))
        except OSError as error:
            raise BudgetFileError(error.strerror or str(error)) from None


def _open_own_folder() -> int:
    """The user's own folder, made if need be, which nobody else can write to."""
    path = os.path.join(tempfile.gettempdir(), f"publica.la-{os.geteuid()}")
    at = _open_folder(path)
    about = os.fstat(at)
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o022:
        os.close(at)
        raise BudgetFileError(f"{path} belongs to somebody else, or others may write to it")
    return at


def _open_folder(path: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _open_own_file(at: int, name: str) -> int:
    """A regular file of the user's own that nobody else can read; never the target of a link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(name, flags, 0o600, dir_fd=at)
    about = os.fstat(file)
    is_own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and about.st_nlink == 1
    if not is_own or stat.S_IMODE(about.st_mode) & 0o077:
        os.close(file)
        raise BudgetFileError(f"{name} is not a file of one's own, or others may read it")
    return file
