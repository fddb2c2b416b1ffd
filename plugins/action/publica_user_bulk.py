# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name, and shows its progress while it runs.

A variable that ``user_lists`` names is evaluated here, so that an error names it. So is the file of
a record that is named after another host, since only the controller knows the inventory.

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
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleUndefinedVariable
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ..module_utils.errors import InvalidInputError, ValidationError
from ..module_utils.input.policy import DEACTIVATE
from ..module_utils.input.values import kind_of
from ..module_utils.module import NO_USAGE
from ..module_utils.result.result import escaped_result
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
from ..plugin_utils.variables import (
    evaluated,
    foreign_record,
    loop_variable,
    lost_record,
    not_evaluated,
)

display = Display()

FILE = "progress_file"
LISTS = "user_lists"
RECORD = "last_applied"
# Where relative paths and ``playbook_dir`` of the collection's playbooks begin.
PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
PREFIX = "publica-progress-"
# A module that still runs can write the file again while its directory is being removed.
REMOVAL_ATTEMPTS = 3


class ActionModule(NormalAction):
    _progress_file: str | None = None

    def run(
        self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        variables = task_vars or {}
        # Not in the task's own arguments, which callbacks show and a retry uses again.
        self._arguments: dict[str, Any] = {}
        warnings: list[str] = []
        host = str(variables.get("inventory_hostname", ""))
        try:
            self._check_record(host, variables)
            if isinstance(self._task.args.get(LISTS), Mapping):
                self._arguments[LISTS] = self._lists(self._task.args[LISTS], variables, warnings)
        except InvalidInputError as error:
            refused = {**escaped_result(error.as_result()), "changed": False, "api": NO_USAGE}
            return {**refused, "warnings": warnings}
        with self._progress_shown(host):
            result: dict[str, Any] = super().run(tmp, task_vars)
        self._hide_progress_file(result)
        if warnings:
            result["warnings"] = [*warnings, *result.get("warnings", ())]
        return result

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        if self._arguments and module_name is None and module_args is None:
            module_args = {**self._task.args, **self._arguments}
        result: dict[str, Any] = super()._execute_module(
            module_name=module_name, module_args=module_args, **options
        )
        return result

    def _check_record(self, host: str, variables: Mapping[str, Any]) -> None:
        path = self._task.args.get(RECORD)
        if not isinstance(path, str):
            return
        text = None
        is_local = self._connection.transport == "local"
        if is_local and PLAYBOOKS in Path(os.path.realpath(self._expanded(path))).parents:
            text = lost_record(path)
        # In a loop, each item can be a store with a record of its own.
        elif loop_variable(self._task, variables) is None:
            text = foreign_record(path, host, (variables.get("groups") or {}).get("all", ()))
        if text:
            raise InvalidInputError([ValidationError("", RECORD, text)])

    def _lists(
        self, given: Mapping[Any, Any], variables: Mapping[str, Any], warnings: list[str]
    ) -> dict[str, Any]:
        """The lists by their names, with the values of the variables that are named instead."""
        exclusive = boolean(self._task.args.get("exclusive") or False, strict=False)
        removes = exclusive or self._task.args.get("leavers") == DEACTIVATE
        lists: dict[str, Any] = {}
        errors: list[ValidationError] = []
        for name, value in ((str(name), value) for name, value in given.items()):
            if isinstance(value, str):
                if value not in variables:
                    errors.append(ValidationError(LISTS, name, "there is no such variable"))
                    continue
                try:
                    value = evaluated(self._templar, variables[value])
                except Exception as error:
                    errors.append(self._not_evaluated(name, variables[value], error))
                    continue
            if value is None and not removes:
                warnings.append(f"{name} is null, so it is left out. Write [] for an empty list.")
            elif isinstance(value, (list, tuple)):
                lists[name] = value
            else:
                text = (
                    f"is {_kind_of(value)}, not a list of users; rename a variable with another "
                    "purpose, or write [] for an empty list"
                )
                errors.append(ValidationError(name, "", text))
        if errors:
            raise InvalidInputError(errors)
        return lists

    def _not_evaluated(self, name: str, raw: Any, error: Exception) -> ValidationError:
        """The error for a variable whose template fails, or for its row."""
        for index, row in enumerate(raw if isinstance(raw, (list, tuple)) else ()):
            try:
                self._templar.template(row)
            except Exception as of_row:
                name, error = f"{name}[{index}]", of_row
                break
        return ValidationError(name, "", not_evaluated(error, AnsibleUndefinedVariable))

    @contextmanager
    def _progress_shown(self, host: str) -> Iterator[None]:
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
                    self._arguments[FILE] = path
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
        """The path of the task's option ``progress_file``."""
        given = self._task.args.get(FILE)
        return None if given is None else self._expanded(given)

    def _expanded(self, path: Any) -> str:
        """A path on this machine, expanded as the module expands it."""
        expanded = os.path.expanduser(os.path.expandvars(str(path)))
        return os.path.join(self._loader.get_basedir(), expanded)

    def _hide_progress_file(self, result: dict[str, Any]) -> None:
        invocation = result.get("invocation")
        if self._progress_file is not None and isinstance(invocation, dict):
            arguments = invocation.get("module_args")
            if isinstance(arguments, dict) and FILE in arguments:
                arguments[FILE] = None


def _kind_of(value: Any) -> str:
    # From ansible-core 2.19 on, Ansible has types of its own.
    if isinstance(value, str):
        return "text"
    return "a mapping" if isinstance(value, Mapping) else kind_of(value)


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
