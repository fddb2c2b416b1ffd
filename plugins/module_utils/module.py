# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge to Ansible: arguments in, one result out, errors caught once.

The only place that reads check mode, and the only one that knows ``AnsibleModule``.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .client.api import UsersApi
from .client.connection import IMPORT_ERROR, connection_argument_spec, connection_from_params
from .client.http import HttpTransport
from .concurrency import StopRequest
from .errors import PublicaError, internal_error
from .input.options import PUBLIC_NAMES
from .result.result import escaped_result

NO_LOG = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
NO_USAGE = {"requests": 0, "retries": 0, "waited_seconds": 0.0}

# An address of nothing but host and path. Before an "@" or behind a "?" may be a password: then the
# address is refused, and not told.
_PLAIN_ADDRESS = re.compile(r"[^@?#]*")


class PublicaModule(AnsibleModule):
    """A module of this collection.

    Lists of users hold passwords that Ansible does not know as secrets, since a row is read (and
    every bad row reported) by ``desired``. So the two places where Ansible would tell a module's
    arguments, the result's ``invocation`` and the system's log, get them without secrets here. As
    a consequence Ansible has only the token to look for in a result, which keeps the time for
    that in proportion to the result's size.
    """

    def __init__(self, argument_spec: Mapping[str, Any], **options: Any) -> None:
        super().__init__(
            argument_spec={**connection_argument_spec(), **argument_spec},
            supports_check_mode=True,
            **options,
        )

    def exit_json(self, **result: Any) -> NoReturn:
        super().exit_json(**{"invocation": self._public_invocation(), **result})
        raise AssertionError  # exit_json ends the process

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        super().fail_json(msg, **{"invocation": self._public_invocation(), **result})
        raise AssertionError  # fail_json ends the process

    def _log_invocation(self) -> None:
        told = (f"{name}={value}" for name, value in self._public_params().items())
        self.log(f"Invoked with {' '.join(told)}")

    def _public_invocation(self) -> dict[str, Any]:
        return {"module_args": self._public_params()}

    def _public_params(self) -> dict[str, Any]:
        return {
            name: value if value is None else self._public(name, value)
            for name, value in self.params.items()
        }

    def _public(self, name: str, value: Any) -> Any:
        """An argument as it may be told: of many users their number, of a mapping no secret."""
        # A name that is misspelt is in no spec, and its value may be anything.
        spec = self.argument_spec.get(getattr(self, "aliases", {}).get(name, name))
        if spec is None or spec.get("no_log"):
            return NO_LOG
        if name == "base_url" and not _PLAIN_ADDRESS.fullmatch(str(value)):
            return NO_LOG
        if "dict" not in (spec["type"], spec.get("elements")):
            return value
        if isinstance(value, Mapping):
            return {key: inner if key in PUBLIC_NAMES else NO_LOG for key, inner in value.items()}
        return f"({len(value)} items)" if isinstance(value, (list, tuple)) else NO_LOG


Work = Callable[[UsersApi, Mapping[str, Any]], dict[str, Any]]


def run(module: PublicaModule, work: Work) -> NoReturn:
    """Do a module's work against its store, and end with its result.

    :param work: gets the API and the module's parameters, and returns the result; one with
        ``failed`` ends the task as failed, with its ``msg`` and everything else in place.
    """
    if IMPORT_ERROR is not None:
        module.fail_json(
            missing_required_lib("requests"),
            exception="".join(traceback.format_exception_only(type(IMPORT_ERROR), IMPORT_ERROR)),
        )
    stop_request = StopRequest()
    # To the end, so that a second signal for the same wish does not lose the result.
    with stop_request.handling_signals():
        result = escaped_result(_result(module, work, stop_request))
        # Not while an exception is handled, of which Ansible would show a traceback.
        for warning in result.pop("warnings", ()):
            module.warn(warning)
        if result.pop("failed", False):
            module.fail_json(result.pop("msg"), **result)
        module.exit_json(**result)


def _result(module: PublicaModule, work: Work, stop_request: StopRequest) -> dict[str, Any]:
    """The result of the work, or of the error that ended it."""
    transport: HttpTransport | None = None
    try:
        connection = connection_from_params(module.params)
        if not connection.validate_certs:
            module.warn("validate_certs is false: anybody on the way could read the api_token.")
        transport = HttpTransport(
            connection,
            read_only=module.check_mode,
            workers=module.params.get("concurrency") or 1,
            stop_request=stop_request,
        )
        if connection.rate_limit_dir and transport.budget_error:
            module.warn(
                f"rate_limit_dir {connection.rate_limit_dir} cannot be used "
                f"({transport.budget_error}), so this run does not share the store's rate limit "
                "with other runs of this machine."
            )
        result = work(UsersApi(transport), module.params)
    except PublicaError as error:
        result = {
            "failed": True,
            "msg": error.message,
            "failure": error.as_failure(),
            "changed": False,
        }
    except Exception as bug:
        result = _internal_error_result(bug, wrote=transport is not None and transport.wrote)
    finally:
        if transport is not None:
            transport.close()
    return {**result, "api": transport.usage() if transport else NO_USAGE}


def _internal_error_result(bug: Exception, *, wrote: bool) -> dict[str, Any]:
    """The result of an error in the collection itself.

    :param wrote: the run had sent changes, of which nothing more is known.
    """
    after = (
        "Changes had been sent; run again to compare with the store as it is now."
        if wrote
        else "Nothing had been changed."
    )
    error = internal_error(bug, f"{after} Please report it.")
    return {
        "failed": True,
        "msg": error.message,
        "failure": error.as_failure(),
        "changed": wrote,
    }
