# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name, and meanwhile shows how far it is.

A module cannot tell anything before its end. So it keeps a progress file, and a thread here shows
what is in it. Where no file can be shared, the module runs as it would without this plugin.
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

from ..plugin_utils.follower import Follower, StateReader
from ..plugin_utils.interruption import Interruptible, interrupt_this_process, wait_for_end
from ..plugin_utils.operator_channel import last_word
from ..plugin_utils.progress_lines import interrupted_line, last_line
from ..plugin_utils.wish import Circumstances, shown_every, writes_document

display = Display()

FILE = "progress_file"
PREFIX = "publica-progress-"
# A module that is still running can write the file anew while its folder is emptied.
REMOVALS = 3


class ActionModule(NormalAction):
    """``publica.la.publica_user_bulk`` with progress."""

    _progress_file: str | None = None

    def run(
        self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        host = str((task_vars or {}).get("inventory_hostname", ""))
        with self._progress_shown(host):
            result: dict[str, Any] = super().run(tmp, task_vars)
        self._forget_file(result)
        return result

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        if self._progress_file is not None and module_name is None and module_args is None:
            # Not in the task itself, which may be tried again and is told to callbacks.
            module_args = {**self._task.args, FILE: self._progress_file}
        result: dict[str, Any] = super()._execute_module(
            module_name=module_name, module_args=module_args, **options
        )
        return result

    @contextmanager
    def _progress_shown(self, host: str) -> Iterator[None]:
        """Follow the module that is run in the block, if its progress can be shown."""
        folder: str | None = None
        follower: Follower | None = None
        self._progress_file = None
        try:
            seconds = shown_every(self._task.args, os.environ, self._circumstances())
            if seconds is not None:
                path = self._own_path()
                if path is None:
                    folder = tempfile.mkdtemp(prefix=PREFIX, dir=constants.DEFAULT_LOCAL_TMP)
                    path = self._progress_file = os.path.join(folder, "progress.json")
                reader = StateReader(path)
                follower = Follower(reader, host, seconds, _show, interrupt_this_process)
        except Exception as error:
            display.vvv(f"No progress is shown: {type(error).__name__}", host=host)
        try:
            if follower is None:
                yield
            else:
                with _following(follower, reader, host, folder):
                    yield
        finally:
            _remove(folder)

    def _circumstances(self) -> Circumstances:
        become = getattr(self._connection, "become", None)
        return Circumstances(
            connection=self._connection.transport,
            is_async=bool(self._task.async_val),
            no_log=bool(self._task.no_log),
            become_user=(self.get_become_option("become_user") or "root") if become else None,
            user=_user(),
            stdout_callback=constants.DEFAULT_STDOUT_CALLBACK or "",
        )

    def _own_path(self) -> str | None:
        """The file that the task itself asks for, as the module will find it."""
        given = self._task.args.get(FILE)
        if given is None:
            return None
        expanded = os.path.expanduser(os.path.expandvars(str(given)))
        return os.path.join(self._loader.get_basedir(), expanded)

    def _forget_file(self, result: dict[str, Any]) -> None:
        """Tell the arguments as they were given."""
        invocation = result.get("invocation")
        if self._progress_file is not None and isinstance(invocation, dict):
            arguments = invocation.get("module_args")
            if isinstance(arguments, dict) and FILE in arguments:
                arguments[FILE] = None


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # A container may run as a number that has no name.
        return ""


@contextmanager
def _following(
    follower: Follower, reader: StateReader, host: str, folder: str | None
) -> Iterator[None]:
    """Show lines, at the end the totals, and when interrupted what was done until then."""

    def interrupted() -> None:
        follower.stop()
        state = wait_for_end(reader.read)
        # The signal may end this process before any other code of it runs.
        _remove(folder)
        last_word(interrupted_line(host, state))

    began = time.monotonic()
    with Interruptible(interrupted):
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


def _remove(folder: str | None) -> None:
    if folder is not None:
        for _attempt in range(REMOVALS):
            shutil.rmtree(folder, ignore_errors=True)
