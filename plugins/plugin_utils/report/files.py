# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the files of a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...module_utils.safe_files import Directory, UnsafeFileError, UnsafePathError
from .model import NOT_RUN, STORE_STATUSES
from .text import DATA

MODE = 0o644
# An existing report is read to compare its age. A larger file is not a report of this collection.
MOST_BYTES = 1 << 30
HEAD_BYTES = 4096


class NotWrittenError(Exception):
    """A report that cannot be written, with the path, the reason and what to do."""


def write_report(
    directory: Path, files: Mapping[str, str], report: Mapping[str, Any], in_loop: bool = False
) -> bool:
    """Write the files of a report into a directory, which is created if it is missing.

    With some strategies several hosts write the report of one run, in any order. A report on fewer
    results does not replace one on more.

    :param in_loop: the report must not replace one on other results of the same run.
    :returns: whether the report was written.
    """
    try:
        opened = Directory(str(directory), create_mode=0o777, parents=True, check_way=True)
        with opened, opened.locked():
            known = _known_stores(opened, report)
            if _is_older(report, known):
                return False
            if in_loop and _loses_results(report, known):
                raise NotWrittenError(
                    f"An earlier item of the loop wrote the report in {directory} on other results "
                    "of the same hosts, and it was kept. Give each item a directory of its own, or "
                    "make each store a host of the inventory."
                )
            for name in files:
                opened.status(name)
            for name, content in files.items():
                opened.replace(name, content.encode(), mode=MODE)
    except UnsafePathError as error:
        raise NotWrittenError(
            f"The report cannot be written to {directory}: {error.strerror}."
        ) from error
    except UnsafeFileError as error:
        raise NotWrittenError(
            f"The report cannot be written: {directory}/{error.strerror}. Remove it, or set dir to "
            "another directory."
        ) from error
    except TimeoutError as error:
        raise NotWrittenError(
            f"The report cannot be written to {directory}: {error.strerror}. End that process, or "
            "set dir to another directory."
        ) from error
    except OSError as error:
        at = directory / (error.filename or "")
        raise NotWrittenError(
            f"The report cannot be written: {at}: {error.strerror or error}. Set dir to a "
            "directory that the user who runs ansible-playbook may write to."
        ) from error
    return True


def _known_stores(directory: Directory, report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The stores of the existing report by their names; none if it is of another run.

    Any other file of this name has no influence, whatever its content is.
    """
    try:
        # A report holds the id of its run among its first keys, so no other file is parsed.
        head = directory.read(DATA, HEAD_BYTES, beginning=True) or b""
        if not report["run"] or json.dumps(report["run"]).encode() not in head:
            return {}
        existing = json.loads((directory.read(DATA, MOST_BYTES) or b"").decode())
        if existing["run"] != report["run"]:
            return {}
        stores = {store["name"]: store for store in existing["stores"]}
        has_statuses = all(store["status"] in STORE_STATUSES for store in stores.values())
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return stores if has_statuses else {}


def _is_older(report: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether more of the same stores had a result."""
    statuses = {store["name"]: store["status"] for store in report["stores"]}
    return statuses.keys() == known.keys() and _results(statuses.values()) < _results(
        store["status"] for store in known.values()
    )


def _loses_results(report: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a known store has another result in the report."""
    stores = {store["name"]: store for store in json.loads(json.dumps(report["stores"]))}
    return any(
        store["status"] != NOT_RUN and stores.get(name, store) != store
        for name, store in known.items()
    )


def _results(statuses: Iterable[str]) -> int:
    return sum(status != NOT_RUN for status in statuses)
