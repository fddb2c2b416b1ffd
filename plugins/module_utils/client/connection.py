# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ``requests`` session for a run: a pool, the token, and nothing that could carry it away."""

from __future__ import annotations

import http.cookiejar
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import env_fallback

from ..errors import InvalidInputError, ValidationError
from ..version import VERSION

MAX_RETRIES_CEILING = 100
LONGEST_SECONDS = 86_400  # a day: what is longer is a slip


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    """The argument spec behind the documentation fragment ``publica.la.connection``."""
    return {
        "base_url": {
            "type": "str",
            "required": True,
            "fallback": (env_fallback, ["PUBLICA_BASE_URL"]),
        },
        "api_token": {
            "type": "str",
            "required": True,
            "no_log": True,
            "fallback": (env_fallback, ["PUBLICA_API_TOKEN"]),
        },
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 30.0},
        "max_retries": {"type": "int", "default": 5},
        "rate_limit_share": {"type": "int", "default": 100},
        "max_rate_limit_wait": {"type": "float", "default": 3600.0},
        "rate_limit_dir": {"type": "path", "fallback": (env_fallback, ["PUBLICA_RATE_LIMIT_DIR"])},
    }


@dataclass(frozen=True)
class Connection:
    """A validated connection to one store. Times are in seconds."""

    base_url: str
    api_token: str
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 30.0
    max_retries: int = 5
    rate_limit_share: int = 100
    max_rate_limit_wait: float = 3600.0
    rate_limit_dir: str | None = None

    def __repr__(self) -> str:
        # The generated one would show the token in every traceback with locals.
        return f"Connection({self.base_url})"

    @property
    def verify(self) -> bool | str:
        """What ``requests`` calls ``verify``: whether, and against which certificates."""
        if not self.validate_certs:
            return False
        return self.ca_path or True


def connection_from_params(params: Mapping[str, Any]) -> Connection:
    """Check the connection options of a module.

    :raises InvalidInputError: with every fault.
    """
    errors: list[ValidationError] = []

    def wrong(option: str, text: str) -> None:
        errors.append(ValidationError("", option, text))

    base_url = (params["base_url"] or "").strip().rstrip("/")
    url_error = _base_url_error(base_url, params["validate_certs"])
    if url_error:
        wrong("base_url", url_error)

    token = (params["api_token"] or "").strip()
    if not token:
        wrong("api_token", "is empty; give the token from Dashboard > Settings > Integrations")
    elif not re.fullmatch(r"[\x21-\x7e]+", token):
        wrong("api_token", "holds white space or characters that no HTTP header can carry")

    ca_path = params.get("ca_path")
    if ca_path and not os.path.exists(ca_path):
        wrong("ca_path", f"there is no file or directory {ca_path}")
    if not 0 < params["timeout"] <= LONGEST_SECONDS:
        wrong(
            "timeout",
            f"must be more than 0 and at most {LONGEST_SECONDS} seconds, not {params['timeout']:g}",
        )
    if not 0 <= params["max_retries"] <= MAX_RETRIES_CEILING:
        wrong("max_retries", f"must be 0 to {MAX_RETRIES_CEILING}, not {params['max_retries']}")
    if not 1 <= params["rate_limit_share"] <= 100:
        wrong("rate_limit_share", f"must be 1 to 100 percent, not {params['rate_limit_share']}")
    if not 0 <= params["max_rate_limit_wait"] <= LONGEST_SECONDS:
        wrong(
            "max_rate_limit_wait",
            f"must be 0 to {LONGEST_SECONDS} seconds, not {params['max_rate_limit_wait']:g}",
        )

    if errors:
        raise InvalidInputError(errors)
    return Connection(
        base_url=base_url,
        api_token=token,
        validate_certs=params["validate_certs"],
        ca_path=ca_path,
        timeout=params["timeout"],
        max_retries=params["max_retries"],
        rate_limit_share=params["rate_limit_share"],
        max_rate_limit_wait=params["max_rate_limit_wait"],
        rate_limit_dir=params.get("rate_limit_dir"),
    )


def _base_url_error(base_url: str, validate_certs: bool) -> str | None:
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _port = parts.port  # a port that is no number shows only when it is asked for
    except ValueError:
        return "is no address; give the store's own, such as https://example.publica.la"
    # An address may hold a password, so none of these texts quotes it whole.
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with https:// and name a host, such as https://example.publica.la"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password; the token goes into api_token"
    if parts.query or parts.fragment:
        return "must end with the host (or the path before /integration-api), without ? and #"
    if "/integration-api" in parts.path:
        return "must stop before /integration-api; give the store's address alone"
    if parts.scheme == "http" and validate_certs and not _is_loopback(host):
        return (
            f"uses http, which would send the token to {host} in the clear; use https "
            "(or, for a test store only, set validate_certs to false)"
        )
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


try:
    import requests
    import requests.adapters
    import urllib3
except ImportError as error:
    requests = None  # type: ignore[assignment]  # module.run reports it, with the remedy
    IMPORT_ERROR: ImportError | None = error
else:
    IMPORT_ERROR = None

__all__ = [
    "IMPORT_ERROR",
    "USER_AGENT",
    "open_session",
    "requests",
    "settings_of_environment",
]

USER_AGENT = f"publica.la/{VERSION} (Ansible collection)"


def open_session(connection: Connection, pool_size: int) -> Any:
    """A ``requests.Session`` for one store.

    - The token travels by an auth object: it is on each request, in no default header that a
      library could log, and its presence keeps ``requests`` from reading ``.netrc``.
    - Proxies and their exceptions come from the environment, as everywhere in Ansible.
    - No cookie is kept: the API is authenticated by the token alone.
    - Retries belong to the layer above, which knows which repetition is safe.
    """
    session: Any = requests.Session()
    session.auth = _token_auth(connection.api_token)
    session.headers.update(
        {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
    )
    # No redirect is followed, nor is one's target worked out, which fails on a malformed one.
    session.get_redirect_target = _no_redirect
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    adapter = requests.adapters.HTTPAdapter(
        pool_connections=1, pool_maxsize=pool_size, max_retries=0
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if not connection.validate_certs:
        # One warning of the module's own says it once, instead of one a request on stderr.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


def settings_of_environment(session: Any, connection: Connection) -> dict[str, Any]:
    """What ``session.send`` takes beside a request: proxies, and the certificates to trust.

    ``requests`` reads both from the environment for every request again. All requests of a run go
    to one host, so once is enough. The connection's ``verify`` wins over REQUESTS_CA_BUNDLE, which
    a setting of the session would not.
    """
    settings: dict[str, Any] = session.merge_environment_settings(
        connection.base_url, {}, None, connection.verify, None
    )
    return settings


def _no_redirect(_response: Any) -> None:
    return None


def _token_auth(token: str) -> Any:
    def authorize(request: Any) -> Any:
        request.headers["X-User-Token"] = token
        return request

    return authorize
