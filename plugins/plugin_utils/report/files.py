# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the files of a report: each atomically, and never through a link."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .model import NOT_RUN
from .text import DATA

MODE = 0o644
# An existing report is read to compare its age. A larger file is not a report of this collection.
MOST_BYTES = 1 << 30


class NotWrittenError(Exception):
    """A report that cannot be written; the message has the path, the reason and what to do."""


def write_report(directory: Path, files: Mapping[str, str], report: Mapping[str, Any]) -> bool:
    """Write the files of a report into a directory, which is created if it is missing.

    With some strategies several hosts write the report of one run, in any order. A report on fewer
    results does not replace one on more.

    :param files: the content of each file by its name.
    :returns: whether the report was written.
    :raises NotWrittenError: if a file cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory):
            if _is_older(report, _existing_report(directory / DATA)):
                return False
            for name in files:
                _require_regular_file(directory / name)
            for name, content in files.items():
                _write(directory / name, content)
    except OSError as error:
        at = error.filename or directory
        raise NotWrittenError(
            f"The report cannot be written: {at}: {error.strerror or error}. Set dir to a "
            "directory that the user who runs ansible-playbook may write to."
        ) from error
    return True


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Allow one writer at a time. The directory itself is locked, so no lock file remains."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _existing_report(path: Path) -> Mapping[str, Any]:
    """The report in a file; an empty one where the file has none."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode) or path.stat().st_size > MOST_BYTES:
            return {}
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, Mapping) else {}


def _is_older(report: Mapping[str, Any], existing: Mapping[str, Any]) -> bool:
    """Whether the existing report is of the same run and stores, and has more of their results."""
    if not report["run"] or report["run"] != existing.get("run"):
        return False
    try:
        results, known = _has_result(report), _has_result(existing)
    except (KeyError, TypeError):
        return False
    return results.keys() == known.keys() and sum(results.values()) < sum(known.values())


def _has_result(report: Mapping[str, Any]) -> dict[str, bool]:
    return {store["name"]: store["status"] != NOT_RUN for store in report["stores"]}


def _require_regular_file(path: Path) -> None:
    """Refuse to replace anything but a regular file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "not a file"
        raise NotWrittenError(
            f"The report cannot be written: {path} is {kind}. Remove it, or set dir to another "
            "directory."
        )


def _write(path: Path, content: str) -> None:
    """Replace a file atomically."""
    descriptor, name = tempfile.mkstemp(prefix=".publica-report-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            os.fchmod(file.fileno(), MODE)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
