# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small file that is rewritten again and again, and always whole for whoever reads it."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class StateFile:
    """Writes a file beside its place and renames it, readable by its owner alone.

    Nothing is written through a link, and nothing but a regular file is replaced. The folder is
    opened once, so whatever takes its path later is left alone. A file that root writes belongs
    to whoever the folder belongs to, since that is who follows it.

    :ivar problem: why nothing could be written so far, for people; None once something was.
    """

    def __init__(self, path: str) -> None:
        folder, self._name = os.path.split(os.path.abspath(path))
        self._beside = f".{self._name}.{os.getpid()}"
        self._folder: int | None = None
        self._written = False
        self.problem: str | None = None
        try:
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            self.problem = error.strerror

    def write(self, text: str) -> bool:
        """Replace the content; tells whether that went well, and never raises an OSError."""
        if self._folder is None:
            return False
        try:
            self._replace(self._folder, text.encode())
        except OSError as error:
            self.problem = None if self._written else error.strerror
            return False
        self._written, self.problem = True, None
        return True

    def close(self) -> None:
        """Write no more. The file stays."""
        folder, self._folder = self._folder, None
        if folder is not None:
            os.close(folder)

    def _replace(self, folder: int, content: bytes) -> None:
        with suppress(FileNotFoundError):
            mode = os.stat(self._name, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "there is something that is no regular file")
        try:
            new = os.open(self._beside, _NEW, 0o600, dir_fd=folder)
        except FileExistsError:
            # Left behind by a process of the same number that was killed.
            os.unlink(self._beside, dir_fd=folder)
            new = os.open(self._beside, _NEW, 0o600, dir_fd=folder)
        try:
            try:
                owner = os.fstat(folder)
                if os.geteuid() == 0 and owner.st_uid != 0:
                    os.fchown(new, owner.st_uid, owner.st_gid)
                os.write(new, content)
            finally:
                os.close(new)
            os.rename(self._beside, self._name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with suppress(OSError):
                os.unlink(self._beside, dir_fd=folder)
            raise
