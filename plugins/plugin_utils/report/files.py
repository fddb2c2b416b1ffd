# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the files of a report: each whole or not at all, and never through a link."""

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

DATA = "report.json"
MODE = 0o644
# A report is read again only to be compared with; a larger file is none of ours.
MOST_BYTES = 1 << 30


class NotWrittenError(Exception):
    """A report that cannot be written; the text says why and what to do."""


def write_report(folder: Path, files: Mapping[str, str], report: Mapping[str, Any]) -> bool:
    """Write the files of a report into a folder, which is made if need be.

    Several hosts may write the report of one run, where the strategy gives them no order. Whoever
    knows less than what is there already leaves it.

    :param files: the content of each file by its name.
    :returns: whether the report was written.
    :raises NotWrittenError: naming the path.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if _knows_less(report, _report_in(folder / DATA)):
                return False
            for name in files:
                _refuse_other_than_file(folder / name)
            for name, content in files.items():
                _write(folder / name, content)
    except OSError as error:
        at = error.filename or folder
        raise NotWrittenError(
            f"The report cannot be written: {at}: {error.strerror or error}. Give a folder that "
            "this user may write to."
        ) from error
    return True


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time; the lock is the folder's own, so that no file of it is left."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _report_in(path: Path) -> Mapping[str, Any]:
    """The report that is there; an empty one where there is none that can be read."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode) or path.stat().st_size > MOST_BYTES:
            return {}
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, Mapping) else {}


def _knows_less(report: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether a report is of the same run and the same stores as another, and older."""
    if not report["run"] or report["run"] != there.get("run"):
        return False
    try:
        told, told_there = _stores_told(report), _stores_told(there)
    except (KeyError, TypeError):
        return False
    return told.keys() == told_there.keys() and sum(told.values()) < sum(told_there.values())


def _stores_told(report: Mapping[str, Any]) -> dict[str, bool]:
    return {store["name"]: store["status"] != "not_run" for store in report["stores"]}


def _refuse_other_than_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "no regular file"
        raise NotWrittenError(
            f"The report cannot be written: {path} is {kind}. Remove it, or give another folder."
        )


def _write(path: Path, content: str) -> None:
    """Put a file in place of whatever regular file has this name."""
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
