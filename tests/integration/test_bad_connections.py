# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores that cannot be reached, or should not be: the failure, and the options that help."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from publica_sandbox.testing import SandboxStore

from support.documentation import FEWEST_ARGUMENTS
from support.failures import BadCase, check_failures
from support.in_process import ModuleRunner
from support.playbooks import PlaybookRunner

ANA = {"email": "ana@example.org", "external_id": "staff-1"}


def _case(name: str, code: str, *mentions: str, **options: Any) -> BadCase:
    arguments = {**ANA, "max_retries": 0, **options}
    return BadCase(name, "publica_user", arguments, code, mentions=mentions)


class Authority:
    """A certificate authority with its files in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._authority = trustme.CA()
        self.path = directory / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.path))

    def issue(self, host: str, *, days: tuple[int, int] = (-1, 1)) -> dict[str, Any]:
        """The options of a store whose certificate is for a host, and valid in these days."""
        now = datetime.datetime.now(tz=datetime.timezone.utc)
        begin, end = (now + datetime.timedelta(days=number) for number in days)
        issued = self._authority.issue_cert(host, not_before=begin, not_after=end)
        name = f"{host}{days}"
        certificate, key = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(str(certificate), append=number > 0)
        issued.private_key_pem.write_to_path(str(key))
        return {"tls_cert": certificate, "tls_key": key}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure_store(authority: Authority) -> Iterator[SandboxStore]:
    with SandboxStore(**authority.issue("127.0.0.1")) as store:
        yield store


def test_bad_addresses_and_tokens(store: SandboxStore, modules: ModuleRunner) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        bad = "invalid_input"
        cases = [
            _case("no address", bad, "base_url", "https://", base_url="example"),
            _case("no encryption", bad, "base_url", "https", base_url="http://store.example"),
            _case("a password", bad, "base_url", base_url="https://ana:secret@store.example"),
            _case("a path", bad, "base_url", base_url=f"{store.base_url}/integration-api/v1"),
            _case("an empty part", bad, "base_url", base_url="https://store..example"),
            _case("a long part", bad, "base_url", base_url=f"https://{'a' * 64}.example"),
            _case("empty token", bad, "api_token", api_token=" "),
            _case(
                "unreachable", "unreachable", f"127.0.0.1:{port}",
                base_url=f"http://127.0.0.1:{port}",
            ),
            _case("wrong token", "unauthenticated", "api_token", api_token="not-of-this-store"),
        ]  # fmt: skip

        run = modules.tasks([case.task() for case in cases], store)

    check_failures(run, cases)
    assert "ana:secret" not in run.output
    # The wrong token took one request, which was not repeated.
    assert [row["status"] for row in store.journal()] == [401]


@pytest.mark.full
@pytest.mark.oldest_core
def test_errors_of_the_environment_name_the_variable(
    authority: Authority, secure_store: SandboxStore, runner: PlaybookRunner
) -> None:
    closed, missing = "http://ana:Correct-Horse-9@127.0.0.1:9", "/no/such/authority.pem"
    trusting = {"ca_path": str(authority.path)}
    environments: dict[str, tuple[BadCase, dict[str, str]]] = {}

    def add(code: str, environment: dict[str, str], **options: Any) -> None:
        variable = list(environment)[-1]
        case = _case(variable, code, variable, **options)
        environments[variable] = (case, environment)

    add("invalid_input", {"REQUESTS_CA_BUNDLE": missing})
    add("invalid_input", {"CURL_CA_BUNDLE": missing})
    add("unreachable", {"https_proxy": closed}, **trusting)
    add("invalid_input", {"HTTPS_PROXY": "http//ana:Correct-Horse-9@proxy"}, **trusting)
    add("unreachable", {"all_proxy": "http://proxy.invalid:3128"}, **trusting)
    add("invalid_input", {"ALL_PROXY": "ftp://ana:Correct-Horse-9@proxy"}, **trusting)
    cases = [case for case, _environment in environments.values()]
    tasks = [case.task(environment=given) for case, given in environments.values()]
    # None of them matters here.
    good = {
        "ca_path over REQUESTS_CA_BUNDLE": ({"REQUESTS_CA_BUNDLE": missing}, trusting),
        "SSL_CERT_FILE": ({"SSL_CERT_FILE": missing, "SSL_CERT_DIR": missing}, trusting),
        "no_proxy": ({"https_proxy": closed, "no_proxy": "127.0.0.1"}, trusting),
        "CURL_CA_BUNDLE": ({"CURL_CA_BUNDLE": str(authority.path)}, {}),
    }
    tasks += [
        {
            "name": f"good {name}",
            "publica.la.publica_user": {**ANA, **options},
            "environment": given,
        }
        for name, (given, options) in good.items()
    ]

    run = runner.tasks(tasks, secure_store).succeeded()

    check_failures(run, cases)
    for case in cases:
        result = run.named(case.name).result
        assert "base_url" not in result["msg"]
        # Ansible itself shows the lines of the playbook, which is no result.
        assert "Correct-Horse" not in str(result)
    assert secure_store.user(email=ANA["email"])


def test_a_store_on_this_machine_needs_no_proxy(
    store: SandboxStore, modules: ModuleRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")

    modules.tasks([{"name": "run", "publica.la.publica_user": ANA}], store).succeeded()

    assert store.user(email=ANA["email"])


@pytest.mark.parametrize("endpoint", ["list", "create"])
def test_a_redirect_is_not_followed(
    store: SandboxStore, modules: ModuleRunner, endpoint: str
) -> None:
    with SandboxStore() as elsewhere:
        store.fault("redirect", location=elsewhere.base_url, endpoint=endpoint, times=None)
        host = elsewhere.base_url.rpartition(":")[0]
        case = _case("redirected", "redirected", host, "base_url", lookup="search")

        run = modules.tasks([case.task()], store)

        check_failures(run, [case])
        # The other host has seen neither the token nor the user.
        assert elsewhere.journal() == []
    assert [row["endpoint"] for row in store.journal()].count(endpoint) == 1
    assert store.users() == []


def test_a_store_that_refuses_or_does_not_answer(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    # The fault of the sandbox store, and the failure; the first one is of one request only.
    cases = {
        "403": _case("forbidden", "forbidden", "api_token"),
        "503": _case("in maintenance", "store_error", "503"),
        "html_200": _case("a website", "unexpected_answer", "base_url"),
        "hang": _case("hanging", "timeout", "timeout", timeout=0.2),
        "429": _case("limited", "rate_limited", max_rate_limit_wait=0),
    }
    for place, kind in enumerate(cases, start=1):
        store.fault(kind, nth=place)

    run = modules.tasks([case.task() for case in cases.values()], store)

    check_failures(run, list(cases.values()))
    assert len(store.journal()) == len(cases)


def test_certificates(
    authority: Authority, secure_store: SandboxStore, modules: ModuleRunner
) -> None:
    trusting = {"ca_path": str(authority.path)}
    no_authority = modules.write("no-authority.pem", "no certificate")
    with (
        SandboxStore(**authority.issue("store.example")) as stranger,
        SandboxStore(**authority.issue("127.0.0.1", days=(-9, -2))) as late,
        SandboxStore(**authority.issue("127.0.0.1", days=(2, 9))) as early,
    ):
        others = {"another host": stranger, "expired": late, "not valid yet": early}
        cases = [
            _case("untrusted", "tls", "ca_path"),
            _case("no authority", "tls", "ca_path", ca_path=str(no_authority)),
            *(
                _case(name, "tls", "base_url", base_url=other.base_url, **trusting)
                for name, other in others.items()
            ),
        ]

        run = modules.tasks([case.task() for case in cases], secure_store)

        check_failures(run, cases)
        assert "expired" in run.named("expired").result["msg"]
        # No request reached a store, so none has seen the token.
        for refused in (secure_store, *others.values()):
            assert refused.journal() == []


def test_every_option_of_the_connection_in_every_module(
    authority: Authority, secure_store: SandboxStore, modules: ModuleRunner
) -> None:
    connection = {
        "ca_path": str(authority.path),
        "validate_certs": True,
        "timeout": 20.5,
        "max_retries": 3,
        "rate_limit_share": 50,
        "max_rate_limit_wait": 90.5,
    }
    tasks = [
        {"name": module, f"publica.la.{module}": {**args, **connection}}
        for module, args in FEWEST_ARGUMENTS.items()
    ]
    unchecked = {"name": "unchecked", "publica.la.publica_user": {**ANA, "validate_certs": False}}
    # The first request fails once, and is retried.
    secure_store.fault(503)

    run = modules.tasks([*tasks, unchecked], secure_store).succeeded()

    assert run.named("publica_export").result["api"]["retries"] == 1
    assert run.named("publica_user_info").result["count"] == 1
    assert secure_store.user(email=ANA["email"])["forced_logouts"] == 1
    (warning,) = run.named("unchecked").result["warnings"]
    assert "validate_certs" in warning
