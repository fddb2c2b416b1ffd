# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ansible edge of every module: arguments in, one result out, errors caught once."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .client.api import UsersApi
from .client.connection import IMPORT_ERROR, connection_argument_spec, connection_from_params
from .client.http import HttpTransport
from .concurrency import StopRequest
from .errors import InvalidInputError, PublicaError, ValidationError, internal_error
from .input.options import PUBLIC_NAMES
from .input.values import kind_of, safe_key_name
from .result.result import escaped_result

NO_LOG = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
NO_USAGE = {"requests": 0, "retries": 0, "waited_seconds": 0.0}

# A base_url with "@", "?" or "#" may hold a password. It is refused, and not shown.
_PLAIN_ADDRESS = re.compile(r"[^@?#]*")


class PublicaModule(AnsibleModule):
    """A module of this collection.

    Ansible does not know the passwords in lists of users as secrets, since ``input`` validates the
    rows, all bad ones at once. So the arguments that Ansible shows, in ``invocation`` and in the
    system log, are built here without secrets. Ansible then searches a result only for the token,
    in time that is linear in the size of the result.

    Null is "left out" for every option.

    :param as_given: names of options whose values Ansible must not convert: a conversion changes
        numbers that are meant as text, and an error of it may quote a password. Each is in the
        parameters as the task gives it, for ``input`` to read.
    """

    def __init__(
        self, argument_spec: Mapping[str, Any], as_given: Iterable[str] = (), **options: Any
    ) -> None:
        spec = {**connection_argument_spec(), **argument_spec}
        names = {alias: name for name in as_given for alias in spec[name].get("aliases", ())}
        self._as_given = {**{name: name for name in as_given}, **names}
        self._given: dict[str, Any] = {}
        self._errors: list[ValidationError] = []
        super().__init__(argument_spec=spec, supports_check_mode=True, **options)
        # The values of aliases are under their own names only, so that two names are an error.
        self.params.update({self._as_given[name]: None for name in self._given})
        self.params.update(self._given)
        self.no_log_values.update(
            value
            for name, value in self._given.items()
            if isinstance(value, str) and spec[self._as_given[name]].get("no_log")
        )

        if self._errors:
            error = InvalidInputError(self._errors)
            self.fail_json(error.message, failure=error.as_failure(), changed=False)

    def _load_params(self) -> None:
        """Read the parameters, and keep values that Ansible must not convert from its validation.

        Those are the values to take as given, and structures in the place of a single value, which
        an error of Ansible would quote.
        """
        super()._load_params()
        for name, value in list(self.params.items()):
            if value is None and not name.startswith("_ansible_"):
                del self.params[name]
                continue
            spec = self.argument_spec.get(self._as_given.get(name, name))
            if spec is None:
                continue
            is_list = spec["type"] == "list"
            if name in self._as_given and (isinstance(value, list) or not is_list):
                self._given[name] = value
            elif spec["type"] not in ("dict", "list", "raw") and not _is_scalar(value):
                text = f"must be a single value, not {kind_of(value)}"
                self._errors.append(ValidationError("", name, text))
            else:
                continue
            self.params[name] = _valid_value(spec)

    def exit_json(self, **result: Any) -> NoReturn:
        super().exit_json(**{"invocation": {"module_args": self._public_params()}, **result})
        raise AssertionError  # unreachable

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        own = {"invocation": {"module_args": self._public_params()}, "api": NO_USAGE}
        if result.keys().isdisjoint(("failure", "exception")):
            # Ansible has refused an argument.
            own.update(changed=False, failure=PublicaError("invalid_input", msg).as_failure())
        super().fail_json(msg, **{**own, **result})
        raise AssertionError  # unreachable

    def _log_invocation(self) -> None:
        params = (f"{name}={value}" for name, value in self._public_params().items())
        self.log(f"Invoked with {' '.join(params)}")

    def _public_params(self) -> dict[str, Any]:
        return {
            name: value if value is None else self._public(name, value)
            for name, value in {**self.params, **self._given}.items()
        }

    def _public(self, name: str, value: Any) -> Any:
        """An argument without secrets: a list of users as its length, a mapping by known keys."""
        # A misspelled name is not in the spec, and its value may be a secret.
        spec = self.argument_spec.get(getattr(self, "aliases", {}).get(name, name))
        if spec is None or spec.get("no_log"):
            return NO_LOG
        if name == "base_url" and not _PLAIN_ADDRESS.fullmatch(str(value)):
            return NO_LOG
        if "dict" not in (spec["type"], spec.get("elements")):
            inner = value if isinstance(value, list) and spec["type"] == "list" else [value]
            return value if all(map(_is_scalar, inner)) else NO_LOG
        if isinstance(value, Mapping):
            return {
                safe_key_name(key): inner if key in PUBLIC_NAMES and _is_scalar(inner) else NO_LOG
                for key, inner in value.items()
            }
        return f"({len(value)} items)" if isinstance(value, (list, tuple)) else NO_LOG


def _is_scalar(value: Any) -> bool:
    """Whether a value is no structure, in which a password could be."""
    return not isinstance(value, (Mapping, list, tuple))


def _valid_value(spec: Mapping[str, Any]) -> Any:
    """A value that an option accepts, and that is no secret."""
    values = {"int": 0, "float": 0.0, "bool": False, "list": []}
    return spec["choices"][0] if "choices" in spec else values.get(spec["type"], "")


Work = Callable[[UsersApi, Mapping[str, Any]], dict[str, Any]]


def run(module: PublicaModule, work: Work) -> NoReturn:
    """Run a module and exit with its result.

    :param work: returns the result, which fails the task with its ``msg`` if it has ``failed``.
    """
    if IMPORT_ERROR is not None:
        module.fail_json(
            missing_required_lib("requests"),
            exception=f"{type(IMPORT_ERROR).__name__}: {IMPORT_ERROR}",
        )
    # Nearly all objects of 100,000 users stay until the end: look less often for cycles in them.
    gc.set_threshold(100_000)
    stop_request = StopRequest()
    # Up to the exit, so that a second signal of the same stop request does not lose the result.
    with stop_request.handling_signals():
        result = escaped_result(_result(module, work, stop_request))
        # Not in an exception handler, since Ansible would add its traceback.
        for warning in result.pop("warnings", ()):
            module.warn(warning)
        if result.pop("failed", False):
            module.fail_json(result.pop("msg"), **result)
        module.exit_json(**result)


def _result(module: PublicaModule, work: Work, stop_request: StopRequest) -> dict[str, Any]:
    """The result of the work, or of the error that ended it, with ``api``."""
    transport: HttpTransport | None = None
    try:
        connection = connection_from_params(module.params)
        # The form that is sent, which a store can return, is without the white space around it.
        module.no_log_values.add(connection.api_token)
        if not connection.validate_certs:
            module.warn(
                "validate_certs is false, so the store's certificate is not verified and the "
                "api_token could be intercepted. Set validate_certs: true, or give ca_path."
            )
        transport = HttpTransport(
            connection,
            read_only=module.check_mode,
            workers=module.params.get("concurrency") or 1,
            stop_request=stop_request,
        )
        if connection.rate_limit_dir and transport.budget_error:
            module.warn(
                f"rate_limit_dir {connection.rate_limit_dir} can't be used "
                f"({transport.budget_error}), so this run does not share the store's rate limit "
                "with other runs on this host. Correct the path or its permissions."
            )
        result = work(UsersApi(transport), module.params)
    except PublicaError as error:
        result = {**error.as_result(), "changed": False}
    except Exception as bug:
        wrote = transport is not None and transport.wrote
        state = (
            "Changes were sent before; run again to compare with the store as it is now."
            if wrote
            else "Nothing was changed."
        )
        result = {**internal_error(bug, f"{state} Please report it.").as_result(), "changed": wrote}
    finally:
        if transport is not None:
            transport.close()
    return {**result, "api": transport.usage() if transport else NO_USAGE}
