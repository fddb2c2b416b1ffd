# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: what is accepted, what is refused, and what no error quotes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.connection import (
    Connection,
    connection_argument_spec,
    connection_from_params,
)
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.tests.unit.support.builders import TOKEN

DEFAULTS = {name: spec.get("default") for name, spec in connection_argument_spec().items()}


def params(**given: Any) -> dict[str, Any]:
    return {**DEFAULTS, "base_url": "https://example.publica.la", "api_token": TOKEN, **given}


def fields(**given: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidInputError) as told:
        connection_from_params(params(**given))
    assert TOKEN not in told.value.message
    return told.value.fields


def test_the_defaults_are_the_documented_ones() -> None:
    connection = connection_from_params(params())
    assert connection == Connection("https://example.publica.la", TOKEN)
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
    ],
)
def test_a_good_address(given: str, expected: str) -> None:
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
    ],
)
def test_a_bad_address(given: str) -> None:
    found = fields(base_url=given)
    assert list(found) == ["base_url"]
    assert "secret" not in str(found)


def test_http_is_possible_where_certificates_are_not_looked_at() -> None:
    url = "http://store.test"
    assert connection_from_params(params(base_url=url, validate_certs=False)).base_url == url


@pytest.mark.parametrize("token", ["", "   ", "two words", "line\nbreak", "ñandú"])
def test_a_token_that_no_header_can_carry(token: str) -> None:
    assert list(fields(api_token=token)) == ["api_token"]


def test_a_token_is_taken_without_the_white_space_around_it() -> None:
    # A file that holds a token ends with a line break more often than not.
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
def test_bounds(name: str, value: Any) -> None:
    assert list(fields(**{name: value})) == [name]


def test_every_fault_is_told_at_once() -> None:
    found = fields(base_url="x", api_token="", timeout=0.0, rate_limit_share=500)
    assert set(found) == {"base_url", "api_token", "timeout", "rate_limit_share"}


def test_the_token_is_in_no_representation() -> None:
    assert TOKEN not in repr(connection_from_params(params()))


@pytest.mark.parametrize(
    ("given", "verify"),
    [({}, True), ({"validate_certs": False}, False), ({"ca_path": "."}, ".")],
    ids=str,
)
def test_what_requests_is_told_of_certificates(given: dict[str, Any], verify: Any) -> None:
    assert connection_from_params(params(**given)).verify == verify


def test_the_token_is_the_one_secret_and_comes_from_the_environment_too(tmp_path: Path) -> None:
    spec = connection_argument_spec()
    assert [name for name, entry in spec.items() if entry.get("no_log")] == ["api_token"]
    assert spec["base_url"]["fallback"][1] == ["PUBLICA_BASE_URL"]
    assert spec["api_token"]["fallback"][1] == ["PUBLICA_API_TOKEN"]
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert connection_from_params(params(ca_path=str(bundle))).ca_path == str(bundle)
