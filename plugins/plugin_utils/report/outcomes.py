# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each store: the registered results of the hosts of a play, and nothing else.

Values of a store are text. So nothing here is templated, and of a result only those keys are taken
that a report tells; its arguments, for one, are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

# Everything of a result that a report may tell.
TOLD = (
    *("changed", "failed", "unreachable", "skipped", "msg", "failure", "warnings"),
    *("summary", "results", "diff", "plan", "guard", "seats", "api"),
)


class HostVariables(Protocol):
    """What Ansible hands to an action plugin as ``hostvars``."""

    def __contains__(self, host_name: object) -> bool:
        """Whether the inventory has this host."""

    def raw_get(self, host_name: str) -> Any:
        """The variables of a host as they are, without evaluating a template."""


@dataclass(frozen=True)
class Outcome:
    """The result of one store's task; an empty one where it did not come to it."""

    store: str
    result: Mapping[str, Any] = field(default_factory=dict)


def outcomes_of(hosts: Sequence[str], variables: HostVariables, name: str) -> list[Outcome]:
    """The outcome of each host, in their order.

    :param name: the variable in which each host's result is registered.
    """
    return [
        Outcome(host, _told(variables.raw_get(host), name) if host in variables else {})
        for host in hosts
    ]


def _told(variables: Any, name: str) -> dict[str, Any]:
    result = variables.get(name) if isinstance(variables, Mapping) else None
    if not isinstance(result, Mapping):
        return {}
    return {key: plain(result[key]) for key in TOLD if key in result}


def plain(value: Any) -> Any:
    """A value in Python's own types: Ansible marks texts by types and tags of its own."""
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        # Not str(), which some of these types answer with another one of their kind.
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)
