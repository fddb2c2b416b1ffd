# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the variables of the role and the playbooks on the controller, before any request.

The module of the same name is documentation only, since no code has to run on a host.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleUndefinedVariable
from ansible.inventory.manager import split_host_pattern
from ansible.parsing.splitter import parse_kv
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader

from ..module_utils.errors import PublicaError
from ..plugin_utils import variables as checks

SPEC = {
    "hosts": {"type": "list", "elements": "str"},
    "role": {"type": "bool", "default": False},
    "rows": {"type": "bool", "default": False},
}
ENVIRONMENT = "PUBLICA_BASE_URL"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(
        self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, options = self.validate_argument_spec(SPEC)
        misspelt = checks.misspelt(variables, checks.loop_variable(self._task, variables))
        errors = [*self._errors(options, variables)]
        if options["role"] and not checks.names_users(variables):
            errors.append(checks.no_users(misspelt))
        if errors:
            error = PublicaError("invalid_input", "\n".join(errors))
            return {**result, **error.as_result(), "changed": False}
        warnings = [checks.unknown_variable(name, near) for name, near in misspelt.items()]
        warnings += self._shared_stores(variables)
        return {**result, "changed": False, **({"warnings": warnings} if warnings else {})}

    def _errors(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[str]:
        if checks.LOST_WORDS in variables:
            yield checks.lost_words(_names_of_lost_words())
        where = () if options["hosts"] is None else checks.WHERE
        rows = checks.ROWS if options["rows"] else ()
        for name in (*where, *checks.CONNECTION, *rows):
            try:
                checks.evaluated(self._templar, variables.get(name))
            except Exception as found:
                # To the filter default, it would be a variable that is not set.
                problem = checks.not_evaluated(found, AnsibleUndefinedVariable)
                yield f"{name} {problem}. {checks.NO_REQUEST}"
        for name in (*checks.BOOLEANS, checks.LANGUAGE):
            error = checks.wrong_value(name, checks.evaluated(self._templar, variables.get(name)))
            if error:
                yield error
        if options["hosts"] is not None:
            lookup = lookup_loader.get(
                "ansible.builtin.inventory_hostnames", loader=self._loader, templar=self._templar
            )
            error = checks.unmatched(
                split_host_pattern(options["hosts"]),
                variables["groups"],
                str(variables["inventory_hostname"]),
                lambda parts: lookup.run(parts, variables=variables),
            )
            if error:
                yield error
        if options["role"]:
            if self._loses_reports(variables):
                yield checks.LOOP
            error = self._shared_record(variables)
            if error:
                yield error

    def _loses_reports(self, variables: Mapping[str, Any]) -> bool:
        directory = variables.get(checks.REPORT_DIR)
        loop = checks.loop_variable(self._task, variables)
        if not directory or loop is None:
            return False
        other = self._templar.copy_with_new_env(
            available_variables={**variables, loop: "another item"}
        )
        try:
            return bool(other.template(directory) == self._templar.template(directory))
        except Exception:
            # The directory is in a field that this item does not have.
            return False

    def _shared_record(self, variables: Mapping[str, Any]) -> str | None:
        """The error for a record that is that of other hosts of the play as well.

        Their variables are evaluated only where the path does not contain the host's name.
        """
        path = variables.get(checks.RECORD)
        hosts = [str(host) for host in variables.get("ansible_play_hosts_all") or ()]
        # On other machines, the same path is another file.
        is_local = self._connection.transport == "local"
        if not path or not is_local or checks.is_own_record(str(path)):
            return None
        this, hostvars = str(variables["inventory_hostname"]), variables["hostvars"]
        value = checks.evaluated(self._templar, path)
        if value is None:
            return None
        own = str(value)
        if path == hostvars.raw_get(this).get(checks.RECORD):
            paths = {host: _value(hostvars, host, checks.RECORD) for host in hosts}
        else:
            # A variable of the play, which hostvars does not hold. The value of a template is
            # unknown for other hosts.
            paths = dict.fromkeys(hosts if own == path else (), own)
        known = {host: str(value) for host, value in paths.items() if value}
        return checks.shared_record({**known, this: own}, this)

    def _shared_stores(self, variables: Mapping[str, Any]) -> list[str]:
        """The warnings for stores that several hosts of the play have; none but on its first host.

        So the time does not grow with the square of the hosts, and each warning appears once.
        """
        hosts = [str(host) for host in variables.get("ansible_play_hosts") or ()]
        this = str(variables["inventory_hostname"])
        hostvars = variables["hostvars"]
        if hosts[:1] != [this]:
            return []
        if variables.get(checks.BASE_URL) != hostvars.raw_get(this).get(checks.BASE_URL):
            # A variable of the play, which hostvars does not hold.
            return []
        default = ""
        if self._connection.transport == "local" and ENVIRONMENT not in str(self._task.environment):
            default = os.environ.get(ENVIRONMENT, "")
        urls = {host: _value(hostvars, host, checks.BASE_URL) for host in hosts}
        return checks.shared_stores(
            {host: default if url is None else str(url) for host, url in urls.items()},
            from_environment=[host for host, url in urls.items() if url is None],
        )


def _names_of_lost_words() -> list[str]:
    # Texts with another beginning are documents or files.
    texts = (text for text in context.CLIARGS.get("extra_vars") or () if text[:1] not in "@[{")
    parsed = (parse_kv(text) for text in texts)
    return [
        name
        for one in parsed
        if checks.LOST_WORDS in one
        for name in one
        if name != checks.LOST_WORDS
    ]


def _value(hostvars: Any, host: str, name: str) -> Any:
    """A variable of a host; None if it is not set, empty if it cannot be evaluated."""
    try:
        return hostvars[host].get(name)
    except Exception:
        # That host's own task reports it.
        return ""
