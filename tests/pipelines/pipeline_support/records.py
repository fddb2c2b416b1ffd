# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places where pipelines keep the records of what was applied."""

from __future__ import annotations

import subprocess
from pathlib import Path

BRANCH = "records"
_AUTHOR = ("-c", "user.name=Press", "-c", "user.email=press@example.org")


class RecordsBranch:
    """A branch of a repository, as on GitHub and GitLab.

    Args:
        folder: Where to create the repository.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.url = folder.as_uri()
        self._git("init", "--quiet", "--bare")
        self._commit("")

    def write(self, name: str, text: str) -> None:
        """Replace all files by one."""
        blob = self._git("hash-object", "-w", "--stdin", text=text)
        self._commit(f"100644 blob {blob}\t{name}\n")

    def read(self, name: str) -> str:
        """The text of a file."""
        return self._git("show", f"{BRANCH}:{name}")

    def names(self) -> list[str]:
        """The names of the files."""
        return self._git("ls-tree", "--name-only", BRANCH).split()

    def _commit(self, entries: str) -> None:
        tree = self._git("mktree", text=entries)
        commit = self._git(*_AUTHOR, "commit-tree", "-m", "Records", tree)
        self._git("update-ref", f"refs/heads/{BRANCH}", commit)

    def _git(self, *words: str, text: str = "") -> str:
        finished = subprocess.run(
            ["git", *words],
            cwd=self._folder,
            input=text,
            capture_output=True,
            check=True,
            text=True,
        )
        return finished.stdout.strip()


class RecordsDirectory:
    """A directory that all agents have, as for Jenkins."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text, "utf-8")

    def read(self, name: str) -> str:
        """The text of a file."""
        return (self.folder / name).read_text("utf-8")

    def names(self) -> list[str]:
        """The names of the files, without locks."""
        return sorted(path.name for path in self.folder.glob("*.json"))


Records = RecordsBranch | RecordsDirectory
