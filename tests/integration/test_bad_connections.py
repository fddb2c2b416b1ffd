# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store that cannot be reached, or should not be: clear texts, and every option that helps."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from publica_sandbox.testing import SandboxStore
from support.failures import BadCase, assert_clear
from support.playbook_runner import PlaybookRunner

ANA = {"email": "ana@example.org", "external_id": "staff-1"}


def _case(name: str, options: dict[str, Any], *says: str, code: str) -> BadCase:
    return BadCase(name, "publica_user", {**ANA, "max_retries": 0, **options}, says, code)


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Authority:
    """An authority of the test's own, with certificates in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.path = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.path))

    def issue(self, host: str, *, days: tuple[int, int] = (-1, 1)) -> dict[str, Any]:
        """The options of a store with a certificate for a host.

        Args:
            host: A name or an address.
            days: From when to when it is valid, counted from now.
        """
        now = datetime.datetime.now(tz=datetime.timezone.utc)
        begin, end = (now + datetime.timedelta(days=number) for number in days)
        issued = self._authority.issue_cert(host, not_before=begin, not_after=end)
        name = f"{host}{days}"
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
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


def test_addresses_and_tokens_that_lead_nowhere(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    port = _closed_port()
    unsent = [
        _case("no address", {"base_url": "example"}, "https://", code="invalid_input"),
        _case(
            "in the clear", {"base_url": "http://store.example"}, "https", "in the clear",
            code="invalid_input",
        ),
        _case(
            "with a password", {"base_url": "https://ana:secret@store.example"}, "api_token",
            code="invalid_input",
        ),
        _case(
            "too long an address", {"base_url": f"{store.base_url}/integration-api/v1"},
            "stop before /integration-api", code="invalid_input",
        ),
        _case(
            "unreachable", {"base_url": f"http://127.0.0.1:{port}"}, f"127.0.0.1:{port}",
            "Check base_url", code="unreachable",
        ),
        _case("empty token", {"api_token": " "}, "api_token", "Dashboard", code="invalid_input"),
    ]  # fmt: skip
    refused = [
        _case(
            "wrong token", {"api_token": "not-the-token-of-this-store"}, "api_token", "Dashboard",
            code="unauthenticated",
        ),
    ]  # fmt: skip
    cases = [*unsent, *refused]

    run = runner.tasks([case.task() for case in cases], store, arguments=["-vvv"]).succeeded()

    assert_clear(run, cases)
    assert "ana:secret" not in run.named("with a password").result["msg"]
    # One request found out that the token is wrong; no second one was made of it.
    assert [row["status"] for row in store.journal()] == [401]


@pytest.mark.parametrize("endpoint", ["list", "create"])
def test_a_redirect_is_not_followed(
    store: SandboxStore, runner: PlaybookRunner, endpoint: str
) -> None:
    with SandboxStore() as elsewhere:
        store.fault("redirect", location=elsewhere.base_url, endpoint=endpoint, times=None)
        case = _case(
            "redirected", {"lookup": "search"}, "redirect",
            elsewhere.base_url.rpartition(":")[0], "base_url", code="redirected",
        )  # fmt: skip

        run = runner.tasks([case.task()], store, arguments=["-vvv"]).succeeded()

        assert_clear(run, [case])
        # Neither token nor user has been shown to anybody else.
        assert elsewhere.journal() == []
    assert [row["endpoint"] for row in store.journal()].count(endpoint) == 1
    assert store.users() == []


def test_a_store_that_forbids_fails_or_hangs(store: SandboxStore, runner: PlaybookRunner) -> None:
    cases: dict[str, tuple[str, dict[str, Any], list[str], str]] = {
        "forbidden": ("403", {}, ["admin user"], "forbidden"),
        "in maintenance": ("503", {}, ["503", "Try again later"], "store_error"),
        "a website": ("html_200", {}, ["HTML page", "Check base_url"], "unexpected_answer"),
        "hanging": ("hang", {"timeout": 0.2}, ["0.2 s", "Raise timeout"], "timeout"),
        "limited": ("429", {"max_rate_limit_wait": 0}, ["rate limit"], "rate_limited"),
    }
    store.fault(403, nth=1)
    for place, (kind, _, _, _) in enumerate(list(cases.values())[1:], start=2):
        store.fault(kind, nth=place)
    bad = [
        _case(name, options, *says, code=code) for name, (_, options, says, code) in cases.items()
    ]

    run = runner.tasks([case.task() for case in bad], store, arguments=["-vvv"]).succeeded()

    assert_clear(run, bad)
    assert len(store.journal()) == len(cases)


def test_certificates(
    authority: Authority, secure_store: SandboxStore, runner: PlaybookRunner
) -> None:
    trusting = {"ca_path": str(authority.path)}
    no_authority = runner.write("no-authority.pem", "no certificate")
    with (
        SandboxStore(**authority.issue("store.example")) as stranger,
        SandboxStore(**authority.issue("127.0.0.1", days=(-9, -2))) as late,
        SandboxStore(**authority.issue("127.0.0.1", days=(2, 9))) as early,
    ):
        others = {"another host's": stranger, "expired": late, "not valid yet": early}
        cases = [
            _case("untrusted", {}, "secure connection", "ca_path", code="tls"),
            _case(
                "no authority", {"ca_path": str(no_authority)}, "secure connection", "ca_path",
                code="tls",
            ),
            *(
                _case(
                    name, {"base_url": other.base_url, **trusting}, "secure connection",
                    "Check base_url", code="tls",
                )
                for name, other in others.items()
            ),
        ]  # fmt: skip

        run = runner.tasks([case.task() for case in cases], secure_store).succeeded()

        assert_clear(run, cases)
        assert "expired" in run.named("expired").result["msg"]
        # Not one request came so far as to show the token.
        for refused in (secure_store, *others.values()):
            assert refused.journal() == []


def test_every_option_of_the_connection_in_every_module(
    authority: Authority, secure_store: SandboxStore, runner: PlaybookRunner
) -> None:
    connection = {
        "ca_path": str(authority.path),
        "validate_certs": True,
        "timeout": 20.5,
        "max_retries": 3,
        "rate_limit_share": 50,
        "max_rate_limit_wait": 90.5,
    }
    modules: dict[str, dict[str, Any]] = {
        "publica_export": {"dir": str(runner.folder / "exported"), "name": "press"},
        "publica_user": ANA,
        "publica_user_bulk": {"users": [ANA]},
        "publica_user_info": {"email": ANA["email"]},
        "publica_user_logout": {"email": ANA["email"]},
    }
    tasks = [
        {"name": module, f"publica.la.{module}": {**args, **connection}}
        for module, args in modules.items()
    ]
    # The first request of all fails once in a way that passes.
    secure_store.fault(503)

    run = runner.tasks(tasks, secure_store).succeeded()

    assert run.named("publica_export").result["api"]["retries"] == 1
    assert run.named("publica_user_info").result["count"] == 1
    assert secure_store.user(email=ANA["email"])["forced_logouts"] == 1


def test_unchecked_certificates_give_a_warning(
    secure_store: SandboxStore, runner: PlaybookRunner
) -> None:
    task = {"name": "unchecked", "publica.la.publica_user": {**ANA, "validate_certs": False}}

    run = runner.tasks([task], secure_store).succeeded()

    (warning,) = run.named("unchecked").result["warnings"]
    assert "validate_certs" in warning
    assert secure_store.user(email=ANA["email"])["active"]
