# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the files of a report: each atomically, and never through a link."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils.safe_files import Directory, UnsafeFileError
from .model import NOT_RUN
from .text import DATA

MODE = 0o644
# An existing report is read to compare its age. A larger file is not a report of this collection.
MOST_BYTES = 1 << 30


class NotWrittenError(Exception):
    """A report that cannot be written; the message has the path, the reason and what to do."""


def write_report(
    directory: Path, files: Mapping[str, str], report: Mapping[str, Any], in_loop: bool = False
) -> bool:
    """Write the files of a report into a directory, which is created if it is missing.

    With some strategies several hosts write the report of one run, in any order. A report on fewer
    results does not replace one on more.

    :param files: the content of each file by its name.
    :param in_loop: the report must not replace one on other results of the same run.
    :returns: whether the report was written.
    :raises NotWrittenError: if a file cannot be written.
    """
    try:
        with Directory(str(directory), create_mode=0o777, parents=True) as opened, opened.locked():
            existing = _existing_report(opened)
            if _is_older(report, existing):
                return False
            if in_loop and _loses_results(report, existing):
                raise NotWrittenError(
                    f"An earlier item of the loop wrote the report in {directory} on other results "
                    "of the same hosts, and it was kept. Give each item a directory of its own, or "
                    "make each store a host of the inventory."
                )
            for name in files:
                opened.status(name)
            for name, content in files.items():
                opened.replace(name, content.encode(), mode=MODE)
    except UnsafeFileError as error:
        raise NotWrittenError(
            f"The report cannot be written: {directory}/{error.strerror}. Remove it, or set dir to "
            "another directory."
        ) from error
    except OSError as error:
        at = directory / (error.filename or "")
        raise NotWrittenError(
            f"The report cannot be written: {at}: {error.strerror or error}. Set dir to a "
            "directory that the user who runs ansible-playbook may write to."
        ) from error
    return True


def _existing_report(directory: Directory) -> Mapping[str, Any]:
    """The report in a directory; an empty one where there is none."""
    try:
        report = json.loads((directory.read(DATA, MOST_BYTES) or b"").decode())
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


def _loses_results(report: Mapping[str, Any], existing: Mapping[str, Any]) -> bool:
    """Whether the existing report is of the same run, and has other results of the same stores."""
    if not report["run"] or report["run"] != existing.get("run"):
        return False
    stores = {store["name"]: store for store in json.loads(json.dumps(report["stores"]))}
    return any(
        store["status"] != NOT_RUN and stores.get(store["name"], store) != store
        for store in existing["stores"]
    )


def _has_result(report: Mapping[str, Any]) -> dict[str, bool]:
    return {store["name"]: store["status"] != NOT_RUN for store in report["stores"]}
