# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are replaced atomically and never reached through a link.

A :class:`Directory` is opened once. Its files are then addressed by name relative to that
directory, so a directory that later takes its path is not touched.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OWNER_ONLY = 0o600
OWNER_ONLY_DIRECTORY = 0o700

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must not wait for its other end.
_EXISTING = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafeFileError(OSError):
    """A file that must not be used, for example a link. ``strerror`` is the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EPERM, reason)


class Directory:
    """An open directory, to be closed with :meth:`close` or used in a ``with`` statement.

    :param create_mode: create a missing directory with this mode; None to create nothing.
    :param parents: create missing parents as well.
    :param follow_link: accept a path whose last part is a link.
    :raises OSError: if the directory can't be created or opened; ValueError for an invalid path.
    """

    def __init__(
        self,
        path: str,
        *,
        create_mode: int | None = None,
        parents: bool = False,
        follow_link: bool = True,
    ) -> None:
        if create_mode is not None and parents:
            os.makedirs(path, create_mode, exist_ok=True)
        elif create_mode is not None:
            with suppress(FileExistsError):
                os.mkdir(path, create_mode)
        self._fd = os.open(path, _DIRECTORY if follow_link else _DIRECTORY | os.O_NOFOLLOW)

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the directory. Closing it again has no effect."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    @property
    def is_private(self) -> bool:
        """Whether the directory belongs to this user and no other user may write to it."""
        status = os.fstat(self._fd)
        return status.st_uid == os.geteuid() and not status.st_mode & 0o022

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait for the directory's lock and hold it. It needs no file and ends with the process."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def status(self, name: str) -> os.stat_result | None:
        """The status of a regular file; None if the name is free.

        :raises UnsafeFileError: if the name is taken by a link or anything else.
        """
        try:
            status = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
            raise UnsafeFileError(f"{name} is {kind}")
        return status

    def read(self, name: str, max_bytes: int | None = None) -> bytes | None:
        """The content of a regular file; None if there is no file.

        :raises UnsafeFileError: if the file isn't regular or is larger than ``max_bytes``.
        """
        status = self.status(name)
        if status is None:
            return None
        if max_bytes is not None and status.st_size > max_bytes:
            raise UnsafeFileError(f"{name} is larger than {max_bytes:,} bytes")
        try:
            with open(os.open(name, os.O_RDONLY | _EXISTING, dir_fd=self._fd), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        mode: int = OWNER_ONLY,
        sync: bool = False,
        as_owner: bool = False,
    ) -> None:
        """Create a file or replace it atomically; a link under this name is itself replaced.

        :param mode: of the file, whatever the umask is.
        :param sync: write the content to the disk before the file is replaced.
        :param as_owner: a file that root writes gets the directory's owner and group.
        """
        temporary = f".{name}.{os.getpid()}"
        # Left by a killed process that had the same number.
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=self._fd)
        try:
            fd = os.open(temporary, _NEW, OWNER_ONLY, dir_fd=self._fd)
            with open(fd, "wb") as file:
                owner = os.fstat(self._fd)
                if as_owner and os.geteuid() == 0 and owner.st_uid != 0:
                    os.fchown(fd, owner.st_uid, owner.st_gid)
                os.fchmod(fd, mode)
                file.write(content)
                if sync:
                    file.flush()
                    os.fsync(fd)
            os.rename(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=self._fd)
            raise

    def open_private(self, name: str) -> int:
        """Open a file for reading and writing in place, and create it if it is missing.

        :raises UnsafeFileError: unless it is a regular file with one name, and only this user can
            read it.
        """
        fd = os.open(name, os.O_RDWR | os.O_CREAT | _EXISTING, OWNER_ONLY, dir_fd=self._fd)
        status = os.fstat(fd)
        is_own = (
            stat.S_ISREG(status.st_mode)
            and status.st_uid == os.geteuid()
            and status.st_nlink == 1
            and not status.st_mode & 0o077
        )
        if not is_own:
            os.close(fd)
            raise UnsafeFileError(f"{name} is not a regular file that only this user can access")
        return fd
