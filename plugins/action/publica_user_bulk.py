# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name, and shows its progress while it runs.

A module can return nothing before it ends. So it writes a progress file, and a thread of this
process shows its content. If the two cannot share a file, the module runs without progress lines.
"""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ansible import constants
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ..plugin_utils.progress_follower import (
    Follower,
    InterruptHandler,
    Settings,
    StateReader,
    final_message,
    interrupt_this_process,
    line_interval,
    wait_for_end,
    writes_document,
)
from ..plugin_utils.progress_lines import interrupted_line, last_line

display = Display()

FILE = "progress_file"
PREFIX = "publica-progress-"
# A module that still runs can write the file again while its directory is being removed.
REMOVAL_ATTEMPTS = 3


class ActionModule(NormalAction):
    """``publica.la.publica_user_bulk`` with progress."""

    _progress_file: str | None = None

    def run(
        self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        host = str((task_vars or {}).get("inventory_hostname", ""))
        with self._progress_shown(host):
            result: dict[str, Any] = super().run(tmp, task_vars)
        self._hide_progress_file(result)
        return result

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        if self._progress_file is not None and module_name is None and module_args is None:
            # Not in the task's own arguments, which callbacks show and a retry uses again.
            module_args = {**self._task.args, FILE: self._progress_file}
        result: dict[str, Any] = super()._execute_module(
            module_name=module_name, module_args=module_args, **options
        )
        return result

    @contextmanager
    def _progress_shown(self, host: str) -> Iterator[None]:
        """Show the progress of the module that runs in the block, if that is possible."""
        directory: str | None = None
        follower: Follower | None = None
        self._progress_file = None
        try:
            interval = line_interval(self._task.args, os.environ, self._settings())
            if interval is not None:
                path = self._given_path()
                if path is None:
                    directory = tempfile.mkdtemp(prefix=PREFIX, dir=constants.DEFAULT_LOCAL_TMP)
                    path = self._progress_file = os.path.join(directory, "progress.json")
                reader = StateReader(path)
                follower = Follower(reader, host, interval, _show, interrupt_this_process)
        except Exception as error:
            display.vvv(f"No progress is shown: {type(error).__name__}", host=host)
        try:
            if follower is None:
                yield
            else:
                with _following(follower, reader, host, directory):
                    yield
        finally:
            _remove(directory)

    def _settings(self) -> Settings:
        become = getattr(self._connection, "become", None)
        return Settings(
            connection=self._connection.transport,
            is_async=bool(self._task.async_val),
            no_log=bool(self._task.no_log),
            become_user=(self.get_become_option("become_user") or "root") if become else None,
            user=_user(),
            stdout_callback=constants.DEFAULT_STDOUT_CALLBACK or "",
        )

    def _given_path(self) -> str | None:
        """The path of the task's option ``progress_file``, expanded as the module expands it."""
        given = self._task.args.get(FILE)
        if given is None:
            return None
        expanded = os.path.expanduser(os.path.expandvars(str(given)))
        return os.path.join(self._loader.get_basedir(), expanded)

    def _hide_progress_file(self, result: dict[str, Any]) -> None:
        """Show the arguments in a result as the task gave them."""
        invocation = result.get("invocation")
        if self._progress_file is not None and isinstance(invocation, dict):
            arguments = invocation.get("module_args")
            if isinstance(arguments, dict) and FILE in arguments:
                arguments[FILE] = None


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # In a container, a user id can have no name.
        return ""


@contextmanager
def _following(
    follower: Follower, reader: StateReader, host: str, directory: str | None
) -> Iterator[None]:
    """Show progress lines, a summary at the end, and a final message after an interruption."""

    def interrupted() -> None:
        follower.stop()
        state = wait_for_end(reader.read)
        # The signal can end this process before any other of its code runs.
        _remove(directory)
        final_message(interrupted_line(host, state))

    began = time.monotonic()
    with InterruptHandler(interrupted):
        with suppress(Exception):
            follower.start()
        try:
            yield
        finally:
            follower.stop()
        if follower.shown:
            with suppress(Exception):
                _show(last_line(host, reader.read(), time.monotonic() - began))


def _show(line: str) -> None:
    display.display(line, stderr=writes_document(constants.DEFAULT_STDOUT_CALLBACK or ""))


def _remove(directory: str | None) -> None:
    if directory is not None:
        for _attempt in range(REMOVAL_ATTEMPTS):
            shutil.rmtree(directory, ignore_errors=True)
