# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ``requests`` session for a run: a pool, the token, and nothing that could carry it away."""

from __future__ import annotations

import http.cookiejar
from typing import Any

from ..version import VERSION
from .connection import Connection

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
