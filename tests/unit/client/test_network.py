# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a real socket shows: redirects, proxies, .netrc, certificates, bodies cut short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport
from ansible_collections.publica.la.plugins.module_utils.errors import (
    FatalError,
    LostAnswerError,
    PublicaError,
)
from ansible_collections.publica.la.tests.unit.support.builders import TOKEN, connection
from ansible_collections.publica.la.tests.unit.support.server import CLOSE, raw, serving

BODY = {"email": "new@example.org", "external_id": "N"}
PAGE = json.dumps({"CODE": "success", "data": {"paginator": {"data": [{"id": 1}]}}})
CREATED = json.dumps({"CODE": "success", "data": {"id": 5, "email": "new@example.org"}})


def api_at(url: str, **changes: Any) -> UsersApi:
    return UsersApi(HttpTransport(connection(base_url=url, **changes), read_only=False))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed_and_the_token_reaches_no_other_host(status: str) -> None:
    with serving(raw(PAGE)) as other:
        moved = raw("", status, f"Location: {other.url}/integration-api/v1/dashboard/users")
        with serving(moved) as store, pytest.raises(FatalError) as told:
            api_at(store.url).list_page(1)
    assert told.value.code == "redirected"
    assert len(store.requests) == 1
    assert other.requests == []


def test_a_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password elses-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(raw(PAGE)) as store:
        api_at(store.url).list_page(1)
    assert "authorization" not in store.requests[0].lower()
    assert f"x-user-token: {TOKEN}" in store.requests[0].lower()


def test_no_cookie_is_kept() -> None:
    with serving(raw(PAGE, "200 OK", "Set-Cookie: session=abc; Path=/"), raw(PAGE)) as store:
        api = api_at(store.url)
        api.list_page(1)
        api.list_page(2)
    assert "cookie" not in store.requests[1].lower()


class TestProxies:
    def test_one_in_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(raw(PAGE)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            api_at("http://store.invalid", validate_certs=False).list_page(1)
        [request] = proxy.requests
        assert request.startswith("GET http://store.invalid/integration-api/")

    def test_exceptions_in_the_environment_are_heeded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serving() as proxy, serving(raw(PAGE)) as store:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            api_at(store.url).list_page(1)
        assert proxy.requests == []

    def test_one_that_is_down_was_sent_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        with pytest.raises(FatalError, match="http_proxy") as told:
            api_at("http://store.invalid", validate_certs=False, max_retries=0).create(BODY)
        assert not isinstance(told.value, LostAnswerError)


class TestBodiesCutShort:
    def test_a_read_is_repeated(self) -> None:
        with serving(raw(PAGE[:40], length=len(PAGE)), raw(PAGE)) as store:
            assert api_at(store.url).list_page(1).records == [{"id": 1}]

    def test_a_write_is_not(self) -> None:
        cut = raw(CREATED[:40], length=len(CREATED))
        with serving(cut, raw(CREATED)) as store, pytest.raises(LostAnswerError):
            api_at(store.url).create(BODY)
        assert len(store.requests) == 1


class TestBrokenConnections:
    def test_a_write_that_was_read_and_not_answered_is_lost(self) -> None:
        with serving(CLOSE, raw(CREATED)) as store, pytest.raises(LostAnswerError):
            api_at(store.url).create(BODY)
        assert len(store.requests) == 1

    def test_a_write_that_nobody_listened_to_is_not(self) -> None:
        with serving() as gone:
            url = gone.url
        with pytest.raises(PublicaError, match="Could not connect") as told:
            api_at(url, max_retries=1).create(BODY)
        assert not isinstance(told.value, LostAnswerError)

    def test_a_store_that_keeps_silent_is_left_after_the_timeout(self) -> None:
        with serving(silent=True) as store, pytest.raises(LostAnswerError) as told:
            api_at(store.url, timeout=0.05).create(BODY)
        assert told.value.code == "timeout"
        assert "0.05 s" in told.value.message


def test_what_is_sent_to_a_socket_is_what_the_api_documents() -> None:
    with serving(raw(CREATED)) as store:
        api_at(store.url).create(BODY)
    head, _, body = store.requests[0].partition("\r\n\r\n")
    assert head.startswith("POST /integration-api/v1/dashboard/users/ HTTP/1.1\r\n")
    assert json.loads(body) == BODY


class NotedError(Exception):
    """Stands in the place of an answer, once the request was noted."""


def options_of_a_request(api: UsersApi, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``requests`` is told beside the request itself."""
    options: dict[str, Any] = {}

    def note(_request: Any, **given: Any) -> Any:
        options.update(given)
        raise NotedError

    monkeypatch.setattr(api.transport._session, "send", note)
    with pytest.raises(NotedError):
        api.list_page(1)
    return options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, "/env/bundle.pem", id="nothing said"),
        pytest.param({"ca_path": "/task/ca.pem"}, "/task/ca.pem", id="ca_path"),
        pytest.param({"validate_certs": False}, False, id="validate_certs"),
        pytest.param({"validate_certs": False, "ca_path": "/task/ca.pem"}, False, id="both"),
    ],
)
def test_what_the_task_says_of_certificates_comes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], expected: str | bool
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/env/bundle.pem")
    api = api_at("https://store.invalid", **options)
    assert options_of_a_request(api, monkeypatch)["verify"] == expected


def test_the_timeout_goes_along_with_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of_a_request(api_at("https://store.invalid", timeout=7.5), monkeypatch)
    # To connect, and to read.
    assert options["timeout"] == (7.5, 7.5)
    assert options["allow_redirects"] is False
