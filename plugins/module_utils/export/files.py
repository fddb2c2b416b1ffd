# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing files into one folder: whole or not at all, for their owner alone, never through a link.

The folder is opened once, so whatever takes its path later is left alone.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from types import TracebackType

from ..transport.errors import PublicaError

NOT_WRITTEN = "not_written"
OWNER_ONLY = 0o600

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Not to wait for somebody at the other end of a pipe.
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """A folder, for the ``with`` statement.

    :param path: of the folder; it is made, for its owner alone, where it is not there.
    :param read_only: make and write nothing; a folder that is not there is an empty one.
    :raises PublicaError: ``not_written``, here and in every method, with the path and a remedy.
    """

    def __init__(self, path: str, *, read_only: bool) -> None:
        self._path = os.path.abspath(path)
        self._read_only = read_only
        self._folder: int | None = None

    def __enter__(self) -> Folder:
        try:
            if not self._read_only:
                os.makedirs(self._path, 0o700, exist_ok=True)
            self._folder = os.open(self._path, _FOLDER)
        except FileNotFoundError:
            self._folder = None
        except (NotADirectoryError, FileExistsError):
            raise _error(self._path, "is no folder; give another one in dir") from None
        except (OSError, ValueError) as error:
            raise _error(self._path, _reason("cannot be opened", error)) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            os.close(folder)

    def path_of(self, name: str) -> str:
        """The whole path of a file."""
        return os.path.join(self._path, name)

    def content(self, name: str) -> bytes | None:
        """What is in a file; None where there is none."""
        if self._folder is None:
            return None
        path = self.path_of(name)
        try:
            mode = os.stat(name, dir_fd=self._folder, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise _error(path, "is a link or no regular file, and is left alone; remove it")
            with open(os.open(name, _READING, dir_fd=self._folder), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _error(path, _reason("cannot be read", error)) from None

    def holds(self, name: str, content: bytes) -> bool:
        """Whether a file has this content, and is readable by its owner alone."""
        if self._folder is None or self.content(name) != content:
            return False
        mode = os.stat(name, dir_fd=self._folder, follow_symlinks=False).st_mode
        return stat.S_IMODE(mode) == OWNER_ONLY

    def write(self, name: str, content: bytes) -> None:
        """Replace a file, or make it. A link that takes its place meanwhile is itself replaced."""
        if self._folder is None or self._read_only:
            raise _error(self.path_of(name), "is not written in check mode; please report it")
        beside = f".{name}.{os.getpid()}"
        try:
            _write_new(self._folder, beside, content)
            os.rename(beside, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            with suppress(OSError):
                os.unlink(beside, dir_fd=self._folder)
            raise _error(self.path_of(name), _reason("cannot be written", error)) from None


def _write_new(folder: int, name: str, content: bytes) -> None:
    with suppress(FileNotFoundError):
        # Left behind by a process of the same number that was killed.
        os.unlink(name, dir_fd=folder)
    with open(os.open(name, _NEW, OWNER_ONLY, dir_fd=folder), "wb") as file:
        # Whatever the umask is.
        os.fchmod(file.fileno(), OWNER_ONLY)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _reason(what: str, error: Exception) -> str:
    told = getattr(error, "strerror", None) or "the path holds a character that no path has"
    return f"{what}: {told}; correct dir or the permissions"


def _error(path: str, text: str) -> PublicaError:
    return PublicaError(NOT_WRITTEN, f"{path} {text}.", fields={"dir": [text]})
