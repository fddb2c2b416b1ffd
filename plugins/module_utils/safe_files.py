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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OWNER_ONLY = 0o600
OWNER_ONLY_DIRECTORY = 0o700
LOCK_SECONDS = 30.0
_LOCK_POLL_SECONDS = 0.05

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A directory on the way needs no permission to read it. macOS has no O_PATH.
_ON_THE_WAY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40
# O_NONBLOCK: opening a named pipe must not wait for its other end.
_EXISTING = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafeFileError(OSError):
    """A file or directory that must not be used, such as a link. ``strerror`` is the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EPERM, reason)


class UnsafePathError(UnsafeFileError):
    """A directory that another user could replace. ``strerror`` has its path and the remedy."""


def lock(fd: int, timeout: float, interval: float) -> None:
    """Lock an open file or directory; the lock ends with the process, so it is never stale.

    :raises BlockingIOError: another process holds the lock all the time.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(interval)


class Directory:
    """An open directory, to be closed or used in a ``with`` statement.

    :param create_mode: create a missing directory with this mode; None to create nothing.
    :param parents: create missing parents as well.
    :param follow_link: accept a path whose last part is a link.
    :param check_way: where root runs, refuse a path that another user could lead elsewhere.
    :raises OSError: if it can't be created or opened; ValueError for an invalid path.
    :raises UnsafePathError: see ``check_way``.
    """

    def __init__(
        self,
        path: str,
        *,
        create_mode: int | None = None,
        parents: bool = False,
        follow_link: bool = True,
        check_way: bool = False,
    ) -> None:
        if check_way and os.geteuid() == 0:
            self._fd = _open_checked(path, create_mode, parents)
            return
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
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    @property
    def is_private(self) -> bool:
        status = os.fstat(self._fd)
        return status.st_uid == os.geteuid() and not status.st_mode & 0o022

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait for the directory's lock, which needs no file, and hold it.

        :raises TimeoutError: another process holds the lock for :data:`LOCK_SECONDS`.
        """
        try:
            lock(self._fd, LOCK_SECONDS, _LOCK_POLL_SECONDS)
        except BlockingIOError:
            reason = f"another process holds its lock for {LOCK_SECONDS:g} seconds"
            raise TimeoutError(errno.ETIMEDOUT, reason) from None
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Hold the lock of a file, which is created if it is missing and stays.

        :raises BlockingIOError: another process holds the lock.
        """
        self.status(name)
        fd = os.open(name, os.O_RDWR | os.O_CREAT | _EXISTING, OWNER_ONLY, dir_fd=self._fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(fd)

    def status(self, name: str) -> os.stat_result | None:
        """The status of a regular file; None if the name is free.

        :raises UnsafeFileError: a link or anything else has the name.
        """
        try:
            status = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
            raise UnsafeFileError(f"{name} is {kind}")
        return status

    def read(
        self, name: str, max_bytes: int | None = None, *, beginning: bool = False
    ) -> bytes | None:
        """The content of a regular file; None if there is no file.

        :param beginning: return the first ``max_bytes`` of a larger file, which is an error else.
        """
        status = self.status(name)
        if status is None:
            return None
        if max_bytes is not None and status.st_size > max_bytes and not beginning:
            raise UnsafeFileError(f"{name} is larger than {max_bytes:,} bytes")
        try:
            with open(os.open(name, os.O_RDONLY | _EXISTING, dir_fd=self._fd), "rb") as file:
                # It can have grown since.
                return file.read(-1 if max_bytes is None else max_bytes)
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
        is_locked: bool = False,
    ) -> None:
        """Create a file or replace it atomically; a link under this name is itself replaced.

        :param mode: of the file, whatever the umask is.
        :param sync: write the content to the disk before the file is replaced.
        :param as_owner: a file that root writes gets the directory's owner and group.
        :param is_locked: no other process replaces the file now.
        """
        temporary = f".{name}.new" if is_locked else f".{name}.{os.getpid()}"
        # Left by a killed process that had the same number, or the lock.
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


def _open_checked(path: str, create_mode: int | None, parents: bool) -> int:
    """A descriptor of a directory, opened part by part, so that no part can be exchanged.

    :raises UnsafePathError: if a part is a link of another user, or any user may change it.
    """
    at, names = "/", _parts(os.path.abspath(path))
    fd = os.open(at, _ON_THE_WAY)
    links = 0
    # How many names were left after the last link: what a link names is not created.
    after_link = len(names) + 1
    try:
        _refuse_writable(at, os.fstat(fd))
        while names:
            name = names.pop()
            part = os.path.join(at, name)
            try:
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                if create_mode is None or (names and not parents):
                    raise
                if len(names) >= after_link:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), part) from None
                mode = 0o777 if names else create_mode
                with suppress(FileExistsError):
                    os.mkdir(name, mode & ~stat.S_IWOTH, dir_fd=fd)
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), part)
                _refuse_foreign_link(part, status)
                target = os.readlink(name, dir_fd=fd)
                after_link = min(after_link, len(names))
                names += _parts(target)
                name = "/" if target.startswith("/") else "."
                part = "/" if target.startswith("/") else at
            following = os.open(name, _ON_THE_WAY, dir_fd=fd)
            os.close(fd)
            fd, at = following, os.path.normpath(part)
            _refuse_writable(at, os.fstat(fd))
        return os.open(".", _DIRECTORY, dir_fd=fd)
    finally:
        os.close(fd)


def _parts(path: str) -> list[str]:
    """The names of a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _refuse_writable(path: str, status: os.stat_result) -> None:
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise UnsafePathError(
            f"{path} can be changed by any user, so root does not write below it; run chmod o-w "
            "on it, or use another directory"
        )


def _refuse_foreign_link(path: str, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise UnsafePathError(
            f"{path} is a link of another user, so root does not follow it; remove it, or use "
            "another directory"
        )
