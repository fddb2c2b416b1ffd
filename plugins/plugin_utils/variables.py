# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role and the playbooks: their names, and what is wrong with their values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from ..module_utils.errors import escape_control, listed
from ..module_utils.input.values import is_given
from ..module_utils.last_applied.record import store_name
from .report.wording import LANGUAGES

DESIRED = "publica_users_desired"
# The role's default, which differs from any list that the user writes.
DESIRED_DEFAULT = "{{ publica_users__none }}"
SRC = "publica_users_src"
REPORT_DIR = "publica_users_report_dir"
BASE_URL = "publica_users_base_url"
RECORD = "publica_users_last_applied"
HOSTS = "publica_hosts"
# What Ansible drops from the value of an -e is in this variable.
LOST_WORDS = "_raw_params"
NO_REQUEST = "No request was sent."

# Those of the connection, which every playbook uses, and those of the rows.
CONNECTION = tuple(f"publica_users_{name}" for name in (
    *("base_url", "api_token", "validate_certs", "ca_path", "timeout", "max_retries"),
    *("rate_limit_share", "max_rate_limit_wait", "rate_limit_dir"),
))  # fmt: skip
ROWS = tuple(f"publica_users_{name}" for name in ("src", "sheet", "src_columns", "defaults"))
# The options of the role's argument spec, and the list.
ROLE_VARIABLES = (
    *CONNECTION,
    *ROWS,
    *(f"publica_users_{name}" for name in (
        *("desired", "exclusive", "protected", "max_deactivations", "approve", "on_guard"),
        *("last_applied", "leavers", "verify", "lookup", "count_seats"),
        *("report_dir", "report_language", "concurrency", "on_error", "report"),
        "progress_interval",
    )),
)  # fmt: skip
# Those that no module reads, but the filter bool, for which any other word is false. The language
# is read after the writes.
BOOLEANS = ("publica_audit_fail",)
LANGUAGE = "publica_users_report_language"
_BOOLEAN_WORDS = frozenset(("true", "yes", "on", "1", "false", "no", "off", "0"))
# Where the plays of the playbooks run.
WHERE = (HOSTS, "publica_connection", "publica_python_interpreter")
PLAYBOOK_VARIABLES = (
    *(*WHERE, "publica_offboard_emails"),
    *(f"publica_export_{name}" for name in ("dir", "formats", "status", "plans", "delimiter")),
    *("publica_export_on_incomplete", "publica_preflight_census", "publica_preflight_report_dir"),
    *BOOLEANS,
)
RESULTS = (
    *("publica_users_result", "publica_export_result", "publica_offboard_result"),
    *("publica_preflight_result", "publica_preflight_rows"),
)
KNOWN = frozenset((*ROLE_VARIABLES, *PLAYBOOK_VARIABLES, *RESULTS))

# Any other name that begins like this is a misspelt one.
_OWN = re.compile(r"publica_(user|offboard_|export_|audit_|preflight_)")
# Another name, such as publica_api_token, is reported only if it is as near to a known one.
_NEAR = 0.9
_MAYBE_OWN = re.compile(r"publi[a-z]{0,3}_")
_DESIRED_LIST = re.compile(rf"{DESIRED}(_.+)?")


def evaluated(templar: Any, variable: Any) -> Any:
    """The value of a variable; None for ``omit``, which has no value of its own."""
    found = templar.template([variable])
    return found[0] if found and is_given(found[0]) else None


def is_set(name: str, variables: Mapping[str, Any]) -> bool:
    """Whether the user set a variable: to something else than null and the role's default."""
    value = variables.get(name)
    return value is not None and not (name == DESIRED and value == DESIRED_DEFAULT)


def names_users(variables: Mapping[str, Any]) -> bool:
    return is_set(SRC, variables) or any(
        is_set(name, variables) for name in variables if _DESIRED_LIST.fullmatch(name)
    )


def misspelt(variables: Mapping[str, Any], ignored: str | None = None) -> dict[str, str]:
    """The nearest known name of each variable that is probably misspelt, by the variable's name."""
    found = {}
    for name in sorted(filter(_MAYBE_OWN.match, variables)):
        if name in KNOWN or name == ignored or "__" in name or _DESIRED_LIST.fullmatch(name):
            continue
        value = variables[name]
        if isinstance(value, Mapping) and ("changed" in value or "failed" in value):
            continue  # A registered result is no variable that a user set.
        near = _nearest(name, 0.0 if _OWN.match(name) else _NEAR)
        if near is not None:
            found[name] = near
    return found


def _nearest(name: str, cutoff: float) -> str | None:
    for cut in (at for at, character in enumerate(name[:-1]) if character == "_"):
        if difflib.SequenceMatcher(None, name[:cut], DESIRED).ratio() >= _NEAR:
            return f"{DESIRED}{name[cut:]}"
    near = difflib.get_close_matches(name, sorted(KNOWN), n=1, cutoff=cutoff)
    return near[0] if near else None


def unknown_variable(name: str, near: str) -> str:
    return (
        f"{name} is not a variable of this collection, so it has no effect. Did you mean {near}? "
        "If the variable is your own, give it a name that does not begin with publica_."
    )


def no_users(misspelt_names: Mapping[str, str]) -> str:
    hints = [f"{name} is unknown; did you mean {near}?" for name, near in misspelt_names.items()]
    return " ".join([
        "No list and no file of desired users is set for this host.",
        *hints,
        f"Set {DESIRED}, a list whose name begins with {DESIRED}_, or {SRC}. To provision no user, "
        f"set {DESIRED}: []. {NO_REQUEST}",
    ])  # fmt: skip


LOOP = (
    f"The role runs in a loop, and {REPORT_DIR} is the same for each item, so the report would "
    "hold the last item only. Make each store a host of the inventory, give each item its own "
    f"directory, or leave {REPORT_DIR} out. {NO_REQUEST}"
)


def loop_variable(task: Any, variables: Mapping[str, Any]) -> str | None:
    """The variable of the loop that a task is in."""
    if "ansible_loop_var" in variables:
        return str(variables["ansible_loop_var"])
    if "_ansible_item_label" not in variables:
        return None
    # In a file or role that ansible-core 2.16 includes in a loop, only the label shows the loop.
    while task is not None and getattr(task, "loop", None) is None:
        task = getattr(task, "_parent", None)
    return getattr(getattr(task, "loop_control", None), "loop_var", None) or "item"


def lost_words(names: Sequence[str]) -> str:
    """The error for words that Ansible dropped from the ``-e`` of these variables.

    The words may be a part of a secret.
    """
    return (
        f"Ansible dropped words of {' '.join(['-e', *names])}, since a value ends at the first "
        f"blank. {NO_REQUEST} Separate several values by commas without blanks, or use JSON, such "
        """as -e '{"publica_offboard_emails": ["ana@example.org", "bruno@example.org"]}'."""
    )


def not_evaluated(error: Exception, undefined: type[Exception]) -> str:
    """What is wrong with a variable whose template fails.

    :param undefined: the errors that name an undefined variable. The message of another error can
        quote a value, which may be a secret.
    """
    reason = type(error).__name__
    if isinstance(error, undefined):
        # Without the place and the cause, which Ansible adds to the text.
        reason = escape_control(str(getattr(error, "message", error)))
    return f"cannot be evaluated: {reason}"


def wrong_value(name: str, value: Any) -> str | None:
    if value is None or (str(value).lower() in _BOOLEAN_WORDS and name in BOOLEANS):
        return None
    if name == LANGUAGE and value in LANGUAGES:
        return None
    use = "true or false" if name in BOOLEANS else f"one of {', '.join(LANGUAGES)}"
    return f"{name}: '{escape_control(str(value))}' is not valid; use {use}. {NO_REQUEST}"


def unmatched(
    parts: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    host: str,
    hosts_of: Callable[[Sequence[str]], Sequence[str]],
) -> str | None:
    """The error for a pattern of hosts of which a part matches nothing.

    :param hosts_of: evaluates a pattern by its parts, in time that grows with the inventory.
    """
    names = [part.lstrip("!&") for part in parts]
    hosts = frozenset(groups.get("all", ()))
    unknown = [
        name for name in names if name not in groups and name not in hosts and not hosts_of([name])
    ]
    if unknown:
        what = f"no host or group of the inventory matches {', '.join(unknown)}"
    else:
        only_adds = names == [*parts]
        if only_adds and any(host == name or host in groups.get(name, ()) for name in names):
            return None
        matched = hosts_of(parts)
        if host in matched:
            return None
        what = f"it does not match {host}" if matched else "no host matches it"
    return (
        f"The play runs on the hosts '{','.join(parts)}', but {what}. Correct the inventory, or "
        f"give {HOSTS} with -e; its default is the group publica_stores. {NO_REQUEST}"
    )


def foreign_record(path: str, host: str, hosts: Collection[str]) -> str | None:
    """What is wrong with a record whose file is named after another host."""
    # With and without suffixes. The longest name counts, since a host's name can have dots.
    names = [PurePath(path).name]
    while "." in names[-1]:
        names.append(names[-1].rpartition(".")[0])
    other = next((name for name in names if name in hosts), host)
    if other == host:
        return None
    return (
        f"'{path}' is named after the host {other}, but this host is {host}; each store needs its "
        "own record, so use {{ inventory_hostname }} in the path"
    )


def lost_record(path: str) -> str:
    return (
        f"'{path}' is in the directory of this collection's playbooks, which an upgrade replaces; "
        "begin the path with {{ inventory_dir }}"
    )


def is_own_record(template: str) -> bool:
    return re.search(r"\binventory_hostname\b", template) is not None


def shared_record(paths: Mapping[str, str], host: str) -> str | None:
    """The error for a host whose record is that of other hosts as well."""
    path = PurePath(paths[host])
    hosts = [name for name, other in paths.items() if PurePath(other) == path]
    if hosts == [host]:
        return None
    return (
        f"{RECORD}: '{escape_control(str(path))}' is the record of {listed(hosts, 5)}, but each "
        f"store needs its own. Use {{{{ inventory_hostname }}}} in the path. {NO_REQUEST}"
    )


def normalised_url(url: str) -> str:
    """The address of a store for comparison; empty if it has no host."""
    try:
        return store_name(url) if urlsplit(url.strip()).hostname else ""
    except ValueError:
        return ""


def shared_stores(urls: Mapping[str, str], from_environment: Container[str] = ()) -> list[str]:
    """A warning for each store that several hosts have the address of."""
    hosts_by_url: dict[str, list[str]] = {}
    for host, url in urls.items():
        hosts_by_url.setdefault(normalised_url(url), []).append(host)
    warnings = []
    for url, hosts in hosts_by_url.items():
        if not url or len(hosts) == 1:
            continue
        inherited = [host for host in hosts if host in from_environment]
        source = f" ({listed(inherited, 5)}: from PUBLICA_BASE_URL)" if inherited else ""
        warnings.append(
            f"{listed(hosts, 5)} are the same store, {url}{source}. One host is one store: what "
            f"one of them changes, the other can undo. Correct {BASE_URL}, or remove a host."
        )
    return warnings
