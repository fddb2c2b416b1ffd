# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, and where the session sends the token."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.connection import (
    USER_AGENT,
    connection_argument_spec,
    connection_from_params,
)
from ansible_collections.publica.la.plugins.module_utils.errors import (
    FatalError,
    InvalidInputError,
    LostAnswerError,
    PublicaError,
)
from ansible_collections.publica.la.plugins.module_utils.version import VERSION
from ansible_collections.publica.la.tests.unit.support.builders import TOKEN
from ansible_collections.publica.la.tests.unit.support.server import PAGE, api_at, raw, serving

GALAXY = Path(__file__).resolve().parents[3] / "galaxy.yml"
BODY = {"email": "new@example.org", "external_id": "N"}
DEFAULTS = {name: spec.get("default") for name, spec in connection_argument_spec().items()}


def params(**given: Any) -> dict[str, Any]:
    return {**DEFAULTS, "base_url": "https://example.publica.la", "api_token": TOKEN, **given}


def fields(**given: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidInputError) as error:
        connection_from_params(params(**given))
    assert TOKEN not in error.value.message
    return error.value.fields


def test_defaults() -> None:
    connection = connection_from_params(params())
    assert (connection.base_url, connection.api_token) == ("https://example.publica.la", TOKEN)
    assert (connection.validate_certs, connection.ca_path) == (True, None)
    assert connection.rate_limit_dir is None
    assert (connection.timeout, connection.max_retries) == (30.0, 5)
    assert (connection.rate_limit_share, connection.max_rate_limit_wait) == (100, 3600.0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://example.publica.la/", "https://example.publica.la"),
        ("  https://example.publica.la//  ", "https://example.publica.la"),
        ("https://example.org:8443/store/", "https://example.org:8443/store"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.9", "http://127.0.0.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://example.publica.la.", "https://example.publica.la."),
        ("https://my_store.example", "https://my_store.example"),
        ("https://librer\u00eda.example", "https://librer\u00eda.example"),
        (f"https://{'a' * 63}.example", f"https://{'a' * 63}.example"),
        (f"https://{'.'.join(['a' * 62] * 4)}.", f"https://{'.'.join(['a' * 62] * 4)}."),
    ],
)
def test_valid_base_url(given: str, expected: str) -> None:
    assert connection_from_params(params(base_url=given)).base_url == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "example.publica.la",
        "ftp://example.publica.la",
        "https://",
        "https://user:secret@example.publica.la",
        "https://example.publica.la?token=secret",
        "https://example.publica.la#secret",
        "https://example.publica.la/integration-api/v1",
        "https://example.publica.la:port",
        "https://[::1",
        "http://example.publica.la",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "https://example..la",
        "https://example.la..",
        "https://.example.la",
        "https://*.example.la",
        "https://exa mple.la",
        "https://exa\u200bmple.la",
        f"https://{'a' * 64}.la",
        f"https://{chr(0xE1) * 64}.la",
        f"https://{'.'.join(['a' * 62] * 4)}.la",
    ],
)
def test_invalid_base_url(given: str) -> None:
    found = fields(base_url=given)
    assert list(found) == ["base_url"]
    assert "secret" not in str(found)


def test_http_is_allowed_without_validation_of_certificates() -> None:
    url = "http://store.test"
    assert connection_from_params(params(base_url=url, validate_certs=False)).base_url == url


@pytest.mark.parametrize("token", ["", "   ", "two words", "line\nbreak", "ñandú"])
def test_invalid_token(token: str) -> None:
    assert list(fields(api_token=token)) == ["api_token"]


def test_white_space_around_the_token_is_removed() -> None:
    # A file with a token usually ends with a line break.
    assert connection_from_params(params(api_token=f" {TOKEN}\n")).api_token == TOKEN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 0.0),
        ("timeout", -1.0),
        ("timeout", 1e10),
        ("max_rate_limit_wait", 1e10),
        ("timeout", float("nan")),
        ("max_retries", -1),
        ("max_retries", 101),
        ("rate_limit_share", 0),
        ("rate_limit_share", 101),
        ("max_rate_limit_wait", -0.5),
        ("max_rate_limit_wait", float("nan")),
        ("ca_path", "/no/such/file"),
    ],
)
def test_invalid_option(name: str, value: Any) -> None:
    assert list(fields(**{name: value})) == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 86_400.0),
        ("max_retries", 0),
        ("max_retries", 100),
        ("rate_limit_share", 1),
        ("rate_limit_share", 100),
        ("max_rate_limit_wait", 0.0),
        ("max_rate_limit_wait", 86_400.0),
    ],
)
def test_bounds_are_valid(name: str, value: float) -> None:
    assert getattr(connection_from_params(params(**{name: value})), name) == value


def test_all_errors_are_reported_at_once() -> None:
    found = fields(base_url="x", api_token="", timeout=0.0, rate_limit_share=500)
    assert set(found) == {"base_url", "api_token", "timeout", "rate_limit_share"}


def test_representation_hides_the_token() -> None:
    assert TOKEN not in repr(connection_from_params(params()))


@pytest.mark.parametrize(
    ("given", "verify"),
    [({}, True), ({"validate_certs": False}, False), ({"ca_path": "."}, "."),
     ({"ca_path": __file__}, __file__)],
    ids=str,
)  # fmt: skip
def test_verify_setting(given: dict[str, Any], verify: Any) -> None:
    assert connection_from_params(params(**given)).verify == verify


@pytest.mark.parametrize("library", ["requests", "urllib3"])
def test_a_missing_library_is_no_error_of_the_import(library: str) -> None:
    # The module reports it later, with the remedy.
    module = "ansible_collections.publica.la.plugins.modules.publica_user"
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        f"import {module} as module; assert module.run.__globals__['IMPORT_ERROR']"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_only_the_token_is_secret() -> None:
    spec = connection_argument_spec()
    assert [name for name, entry in spec.items() if entry.get("no_log")] == ["api_token"]
    assert spec["base_url"]["fallback"][1] == ["PUBLICA_BASE_URL"]
    assert spec["api_token"]["fallback"][1] == ["PUBLICA_API_TOKEN"]


def test_the_user_agent_has_the_version_of_the_collection() -> None:
    assert yaml.safe_load(GALAXY.read_text(encoding="utf-8"))["version"] == VERSION
    assert USER_AGENT.startswith(f"publica.la/{VERSION} ")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda api: api.list_page(1), id="GET"),
        pytest.param(lambda api: api.create(BODY), id="POST"),
        pytest.param(lambda api: api.update(1, BODY), id="PUT"),
    ],
)
def test_redirect_is_not_followed(status: str, request_of: Callable[[UsersApi], Any]) -> None:
    with serving(raw(PAGE)) as other:
        moved = raw("", status, f"Location: {other.url}/integration-api/v1/dashboard/users")
        with serving(moved) as store, pytest.raises(FatalError) as error:
            request_of(api_at(store.url))
    assert error.value.code == "redirected"
    assert len(store.requests) == 1
    assert other.requests == []


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(raw(PAGE)) as store:
        api_at(store.url).list_page(1)
    assert "authorization" not in store.requests[0].lower()
    assert f"x-user-token: {TOKEN}" in store.requests[0].lower()


def test_cookies_are_not_kept() -> None:
    with serving(raw(PAGE, "200 OK", "Set-Cookie: session=abc; Path=/"), raw(PAGE)) as store:
        api = api_at(store.url)
        api.list_page(1)
        api.list_page(2)
    assert "cookie" not in store.requests[1].lower()


class TestProxies:
    def test_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(raw(PAGE)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            api_at("http://store.invalid", validate_certs=False).list_page(1)
        [request] = proxy.requests
        assert request.startswith("GET http://store.invalid/integration-api/")

    def test_exceptions_of_the_environment_are_respected(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serving() as proxy, serving(raw(PAGE)) as store:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            api_at(store.url).list_page(1)
        assert proxy.requests == []

    @pytest.mark.parametrize("url", ["http://127.0.0.1:{}", "http://localhost:{}"])
    @pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
    def test_store_on_this_machine_is_reached_without_a_proxy(
        self, monkeypatch: pytest.MonkeyPatch, url: str, variable: str
    ) -> None:
        with serving() as proxy, serving(raw(PAGE)) as store:
            monkeypatch.setenv(variable, proxy.url)
            api_at(url.format(store.url.rpartition(":")[2])).list_page(1)
        assert (proxy.requests, len(store.requests)) == ([], 1)

    @pytest.mark.parametrize(
        "given",
        [
            {"http_proxy": "http://127.0.0.1:9"},
            {"HTTP_PROXY": "127.0.0.1:9"},
            {"all_proxy": "http://127.0.0.1:9"},
            {"ALL_PROXY": "http://ana:Correct-Horse-9@127.0.0.1:9"},
            {"http_proxy": "http://proxy.invalid:3128"},
        ],
        ids=str,
    )
    def test_unreachable_proxy_is_named_and_loses_no_write(
        self, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
    ) -> None:
        [(variable, value)] = given.items()
        monkeypatch.setenv(variable, value)
        with pytest.raises(FatalError, match=f"variable {variable}, or add") as error:
            api_at("http://store.invalid", validate_certs=False, max_retries=0).create(BODY)
        assert not isinstance(error.value, LostAnswerError)
        assert error.value.code == "unreachable"
        assert "base_url" not in error.value.message
        assert "Horse" not in error.value.message

    @pytest.mark.parametrize(
        "value",
        [
            "http://",
            "proxy:3128",
            "ftp://proxy.example",
            "http://proxy:port",
            "proxy host",
            "http://[::1",
            "http//proxy.example",
            "http:/proxy.example",
            "http://ana:Correct-Horse-9@proxy..example:3128",
            f"http://ana:Correct-Horse-9@{'a' * 64}.example",
        ],
    )
    def test_invalid_proxy_is_named(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("https_proxy", value)
        with pytest.raises(InvalidInputError) as error:
            api_at("https://store.invalid")
        assert list(error.value.fields) == ["https_proxy"]
        assert "base_url" not in error.value.message
        assert "Horse" not in error.value.message
        # Where it is not used, it does not matter.
        monkeypatch.setenv("no_proxy", "store.invalid")
        api_at("https://store.invalid")

    def test_password_that_a_proxy_cannot_get_is_not_shown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", "http://ana:Correct-Horse-9\u20ac@127.0.0.1:9")
        with pytest.raises(FatalError, match="variable https_proxy") as error:
            api_at("https://store.invalid").list_page(1)
        assert error.value.code == "request_impossible"
        assert "base_url" not in error.value.message
        assert "Horse" not in error.value.message

    @pytest.mark.parametrize(
        "value",
        ["http://proxy.example:3128/", "proxy", "127.0.0.1:3128", "http://[::1]:3128",
         "http://ana:p%40ss@proxy.example", "https://proxy_1.example.", "socks5h://proxy:1080"],
    )  # fmt: skip
    def test_valid_proxy(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("https_proxy", value)
        api_at("https://store.invalid")

    def test_failure_behind_a_proxy_names_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(silent=True) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            api = api_at("http://store.invalid", validate_certs=False, max_retries=0, timeout=0.05)
            with pytest.raises(PublicaError, match=r"timeout.*variable http_proxy"):
                api.list_page(1)


class RecordedError(Exception):
    """Replaces an answer after the options were recorded."""


def options_of_a_request(api: UsersApi, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options that ``requests`` receives in addition to the request."""
    options: dict[str, Any] = {}

    def record(_request: Any, **given: Any) -> Any:
        options.update(given)
        raise RecordedError

    monkeypatch.setattr(api.transport._session, "send", record)
    with pytest.raises(RecordedError):
        api.list_page(1)
    return options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, __file__, id="default"),
        pytest.param({"ca_path": "/task/ca.pem"}, "/task/ca.pem", id="ca_path"),
        pytest.param({"validate_certs": False}, False, id="validate_certs"),
        pytest.param({"validate_certs": False, "ca_path": "/task/ca.pem"}, False, id="both"),
    ],
)
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificate_options_precede_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, options: dict[str, Any], expected: str | bool
) -> None:
    monkeypatch.setenv(variable, __file__)
    # These are not read.
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    monkeypatch.setenv("SSL_CERT_DIR", "/no/such/directory")
    api = api_at("https://store.invalid", **options)
    assert options_of_a_request(api, monkeypatch)["verify"] == expected


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_must_exist(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/no/such/file.pem")
    with pytest.raises(InvalidInputError, match=f"{variable}: .*/no/such/file.pem") as error:
        api_at("https://store.invalid")
    assert list(error.value.fields) == [variable]
    # Where they are not used, they don't matter.
    for url, options in (
        ("https://store.invalid", {"ca_path": __file__}),
        ("https://store.invalid", {"validate_certs": False}),
        ("http://127.0.0.1", {}),
    ):
        api_at(url, **options)


def test_failed_verification_names_the_variable_with_the_certificates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", __file__)  # no certificate
    with serving() as store, pytest.raises(FatalError, match="REQUESTS_CA_BUNDLE") as error:
        api_at(store.url.replace("http:", "https:")).list_page(1)
    assert error.value.code == "tls"


def test_every_request_has_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of_a_request(api_at("https://store.invalid", timeout=7.5), monkeypatch)
    assert options["timeout"] == 7.5
    assert options["allow_redirects"] is False
