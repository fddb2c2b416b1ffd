# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, the ``requests`` session of a run, and the total time of a request.

The timeout of a socket starts again with each byte, so a server that sends single bytes could hold
a run for any time. A thread closes the connection of a request that takes too long in total.
"""

from __future__ import annotations

import http.cookiejar
import ipaddress
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import env_fallback

from ..concurrency import start_without_signals
from ..errors import InvalidInputError, ValidationError
from ..version import VERSION

try:
    import requests
    import requests.adapters
    import urllib3
except ImportError as error:
    requests = urllib3 = None  # type: ignore[assignment]  # module.run reports it, with the remedy
    IMPORT_ERROR: ImportError | None = error
else:
    IMPORT_ERROR = None

__all__ = ["requests", "urllib3"]  # imported from here, where they may be missing

USER_AGENT = f"publica.la/{VERSION} (Ansible collection)"

MAX_RETRIES_CEILING = 100
LONGEST_SECONDS = 86_400  # a day; a longer time is most likely a typo

# The most characters of a host name in the DNS, and between two dots of it.
LONGEST_LABEL = 63
LONGEST_HOST = 253

# Seconds between two looks for requests that take too long.
LONGEST_INTERVAL = 1.0

PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

# ``requests`` takes certificates from the first one that is set, and from no other variable.
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    """Documented in the fragment ``publica.la.connection``."""
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
    validate_certs: bool
    ca_path: str | None
    timeout: float
    max_retries: int
    rate_limit_share: int
    max_rate_limit_wait: float
    rate_limit_dir: str | None

    def __repr__(self) -> str:
        # The generated one would contain the token.
        return f"Connection({self.base_url})"

    @property
    def verify(self) -> bool | str:
        """The ``verify`` setting of ``requests``: a path of certificates, or whether to verify."""
        return self.validate_certs and (self.ca_path or True)


def connection_from_params(params: Mapping[str, Any]) -> Connection:
    """The connection of a module's options.

    :raises InvalidInputError: with every validation error.
    """
    errors: dict[str, str] = {}
    given: dict[str, Any] = {name: params.get(name) for name in Connection.__dataclass_fields__}
    base_url = given["base_url"] = (params["base_url"] or "").strip().rstrip("/")
    token = given["api_token"] = (params["api_token"] or "").strip()
    ca_path, timeout, retries = given["ca_path"], given["timeout"], given["max_retries"]
    share, wait = given["rate_limit_share"], given["max_rate_limit_wait"]
    if url_error := _base_url_error(base_url, given["validate_certs"]):
        errors["base_url"] = url_error
    if not token:
        errors["api_token"] = "is empty; give the token from Dashboard > Settings > Integrations"
    elif not re.fullmatch(r"[\x21-\x7e]+", token):
        errors["api_token"] = "contains white space or characters that an HTTP header can't hold"
    if ca_path and not os.path.exists(ca_path):
        errors["ca_path"] = f"there is no file or directory {ca_path}; correct the path"
    if not 0 < timeout <= LONGEST_SECONDS:
        errors["timeout"] = (
            f"must be more than 0 and at most {LONGEST_SECONDS} seconds, not {timeout:g}"
        )
    if not 0 <= retries <= MAX_RETRIES_CEILING:
        errors["max_retries"] = f"must be 0 to {MAX_RETRIES_CEILING}, not {retries}"
    if not 1 <= share <= 100:
        errors["rate_limit_share"] = f"must be 1 to 100 percent, not {share}"
    if not 0 <= wait <= LONGEST_SECONDS:
        errors["max_rate_limit_wait"] = f"must be 0 to {LONGEST_SECONDS} seconds, not {wait:g}"
    if errors:
        raise _invalid(errors)
    return Connection(**given)


def _invalid(errors: Mapping[str, str]) -> InvalidInputError:
    return InvalidInputError([ValidationError("", name, text) for name, text in errors.items()])


def _base_url_error(base_url: str, validate_certs: bool) -> str | None:
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _port = parts.port  # raises ValueError if it is not a number
    except ValueError:
        return "is not a valid URL; give the store's URL, such as https://example.publica.la"
    # A URL may contain a password, so no text quotes it.
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with https:// and a host, such as https://example.publica.la"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or a password; give the token in api_token"
    if parts.query or parts.fragment:
        return "must end with the host (or the path before /integration-api), without ? and #"
    if "/integration-api" in parts.path:
        return "must stop before /integration-api; give only the store's URL"
    host_error = _host_error(base_url, host)
    if host_error is not None:
        return host_error
    if parts.scheme == "http" and validate_certs and not _is_loopback(host):
        return (
            f"uses http, which would send the token to {host} without encryption; use https "
            "(only for a test store, you can set validate_certs to false instead)"
        )
    return None


def _host_error(base_url: str, host: str) -> str | None:
    try:
        # As it is sent: ``requests`` encodes a host that is not ASCII.
        sent = urlsplit(str(requests.Request("GET", base_url).prepare().url)).hostname or ""
    except (requests.exceptions.RequestException, ValueError):
        sent = " "
    if _has_space(host + sent):
        return "has a host that is not a valid name; correct it"
    if _is_host(sent):
        return None
    return (
        f"has a host with nothing between two dots, more than {LONGEST_LABEL} characters there, or "
        f"more than {LONGEST_HOST} in all; correct it"
    )


def _has_space(text: str) -> bool:
    return " " in text or not text.isprintable()


def _is_host(name: str) -> bool:
    """Whether a name can be an IPv6 address or a name in the DNS, by the lengths of its parts."""
    labels = name.removesuffix(".").split(".")
    fits = len(".".join(labels)) <= LONGEST_HOST
    return ":" in name or (fits and all(0 < len(label) <= LONGEST_LABEL for label in labels))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class Exchange:
    """One request and its answer.

    :ivar ends_at: when it must be complete, by the monotonic clock.
    :ivar socket: that of the connection, which loses it to an answer with ``Connection: close``.
    :ivar was_sent: the request was sent, at least in part.
    :ivar expired: the time was over before the answer was complete.
    """

    ends_at: float
    connection: Any = None
    socket: Any = None
    was_sent: bool = False
    expired: bool = False


class TimeLimit:
    """The limit for the total time of each request of a run and its answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._exchanges: dict[int, Exchange] = {}
        self._is_watched = False
        self._lock = threading.Lock()

    @contextmanager
    def limiting(self) -> Iterator[Exchange]:
        """Limit the exchange that the calling thread makes in the block."""
        exchange = Exchange(time.monotonic() + self.seconds)
        with self._lock:
            self._exchanges[threading.get_ident()] = exchange
            if not self._is_watched:
                self._is_watched = True
                start_without_signals(threading.Thread(target=self._watch, daemon=True))
        try:
            yield exchange
        finally:
            del self._exchanges[threading.get_ident()]

    def pool_classes(self, classes: Mapping[str, Any]) -> dict[str, Any]:
        """The classes of ``urllib3`` for connection pools by scheme, with watched connections."""
        return {
            scheme: type(
                pool.__name__, (pool,), {"ConnectionCls": self._watched(pool.ConnectionCls)}
            )
            for scheme, pool in classes.items()
        }

    def _watched(self, base: Any) -> Any:
        exchanges = self._exchanges

        def watch(connection: Any, *, sends: bool) -> None:
            exchange = exchanges.get(threading.get_ident())
            if exchange is not None:
                exchange.connection = connection
                exchange.socket = connection.sock
                exchange.was_sent = exchange.was_sent or sends

        class WatchedConnection(base):
            def connect(self) -> None:
                watch(self, sends=False)
                super().connect()
                watch(self, sends=False)

            def request(self, *args: Any, **options: Any) -> None:
                watch(self, sends=True)
                super().request(*args, **options)

        return WatchedConnection

    def _watch(self) -> None:
        """Close connections until no exchange is under way."""
        while True:
            time.sleep(min(LONGEST_INTERVAL, self.seconds / 4))
            with self._lock:
                exchanges = list(self._exchanges.values())
                self._is_watched = bool(exchanges)
            if not exchanges:
                return
            now = time.monotonic()
            for exchange in exchanges:
                if exchange.ends_at <= now:
                    exchange.expired = True
                    _shut_down(getattr(exchange.connection, "sock", None) or exchange.socket)


def _shut_down(connected: Any) -> None:
    """Wake the thread that waits for the socket."""
    if isinstance(connected, socket.socket):
        # Not the method of a TLS socket, which would change the state that the other thread uses.
        with suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)


def open_session(connection: Connection, pool_size: int, time_limit: TimeLimit) -> Any:
    """A ``requests.Session`` for one store.

    - An auth object adds the token to each request. So the token is in no default header that a
      library could log, and ``requests`` doesn't read ``.netrc``.
    - No cookie is kept and no redirect followed.
    - Retries are left to :mod:`.http`, which knows which repetition is safe.
    """

    def authorize(request: Any) -> Any:
        request.headers["X-User-Token"] = connection.api_token
        return request

    session: Any = requests.Session()
    session.auth = authorize
    json_only = {"Accept": "application/json", "Content-Type": "application/json"}
    session.headers.update({**json_only, "User-Agent": USER_AGENT})
    # Without this, requests fails on the malformed target of a redirect.
    session.get_redirect_target = lambda _response: None
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    classes = time_limit.pool_classes(urllib3.poolmanager.pool_classes_by_scheme)

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = classes

        def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
            manager = super().proxy_manager_for(*args, **options)
            manager.pool_classes_by_scheme = classes
            return manager

    adapter = Adapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if not connection.validate_certs:
        # The module warns once, instead of urllib3 once a request.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


@dataclass(frozen=True)
class Environment:
    """What the environment variables of the process set for the requests of a run.

    :ivar settings: the arguments of ``session.send`` for proxies and certificates.
    :ivar proxy_variable: the name of the one with the proxy that is used, if any.
    :ivar ca_variable: the name of the one with the certificates that are used, if any.
    """

    settings: Mapping[str, Any]
    proxy_variable: str | None = None
    ca_variable: str | None = None


NO_ENVIRONMENT = Environment({})


def read_environment(session: Any, connection: Connection) -> Environment:
    """The settings of the environment for the requests to one store, read once for all of them.

    Given here, the connection's ``verify`` takes precedence over REQUESTS_CA_BUNDLE; as a setting
    of the session it would not. Bodies are streamed, so that their size can be limited.

    :raises InvalidInputError: a variable names certificates that do not exist, or a proxy with an
        invalid address.
    """
    url = urlsplit(connection.base_url)
    settings: dict[str, Any] = session.merge_environment_settings(
        connection.base_url, {}, True, connection.verify, None
    )
    if url.scheme == "http" and _is_loopback(url.hostname or ""):
        # A proxy on another machine would get the token without encryption.
        settings["proxies"] = {}
    errors: dict[str, str] = {}
    proxy_variable = ca_variable = None
    proxy = requests.utils.select_proxy(connection.base_url, settings["proxies"])
    if proxy is not None:
        proxy_variable = _proxy_variable(url.scheme)
        if not _is_proxy(proxy):
            # It may contain a password, so it is not quoted.
            errors[proxy_variable] = (
                "is not the address of a proxy, such as http://proxy.example:3128; correct or "
                "remove this environment variable, or add the store's host to no_proxy"
            )
    if url.scheme == "https" and connection.verify is True:
        ca_variable = next((name for name in CA_VARIABLES if os.environ.get(name)), None)
    if ca_variable is not None and not os.path.exists(settings["verify"]):
        errors[ca_variable] = (
            f"there is no file or directory {settings['verify']}; correct or remove this "
            "environment variable, or give ca_path"
        )
    if errors:
        raise _invalid(errors)
    return Environment(settings, proxy_variable, ca_variable)


def _is_proxy(proxy: str) -> bool:
    try:
        # As ``requests`` reads it: "proxy:3128" is a scheme without a host. The function has no
        # annotations.
        complete = requests.utils.prepend_scheme_if_needed(proxy, "http")  # type: ignore[no-untyped-call]
        parts = urllib3.util.parse_url(complete)
    except ValueError:
        return False
    host = (parts.host or "").strip("[]")
    # In "http//proxy.example" and "http:/proxy.example", the scheme would be the host.
    is_host = _is_host(host) and not _has_space(host) and host not in PROXY_SCHEMES
    return is_host and parts.scheme in PROXY_SCHEMES


def _proxy_variable(scheme: str) -> str:
    """The environment variable with the proxy for a scheme; a name in lower case comes first."""
    names = (f"{scheme}_proxy", "all_proxy")
    forms = (form for name in names for form in (name, name.upper()))
    return next((form for form in forms if os.environ.get(form)), names[0])
