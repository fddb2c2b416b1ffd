# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is in the result, the invocation, the warnings or the system log of a module."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.publica.la.tests.unit.support.builders import BASE_URL, TOKEN
from ansible_collections.publica.la.tests.unit.support.modules import (
    ANA,
    ARGUMENTS,
    EXPORT,
    PACKAGE,
    SECRET,
    ModuleRunner,
    Ran,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    FakeStore,
    Held,
    Reply,
    StoredUser,
)

# The functions that build the results, after all changes.
RESULT_FUNCTIONS = {
    "publica_user": "single_result",
    "publica_user_bulk": "bulk_result",
    "publica_user_logout": "logout_result",
}


LINK = "53114"  # the number in the impersonation link


def store() -> FakeStore:
    return FakeStore(StoredUser(1, "ana@example.org", "A", admin=True))


def assert_no_secret(text: str, *more: str) -> None:
    for secret in (SECRET, TOKEN, LINK, *more):
        assert secret not in text


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "password": ("publica_user", ARGUMENTS["publica_user"]),
    "alias": ("publica_user", {**ANA, "new_password": SECRET}),
    "alias, error of Ansible": ("publica_user", {**ANA, "new_password": SECRET, "state": "gone"}),
    "alias, error of the input": ("publica_user", {**ANA, "new_password": SECRET, "email": "no"}),
    "misspelled": ("publica_user", {**ANA, "pasword": SECRET}),
    "no key": ("publica_user", {"password": SECRET}),
    "row": ("publica_user_bulk", {"users": [{**ANA, "password": SECRET}]}),
    "row, alias": ("publica_user_bulk", {"users": [{**ANA, "new_password": SECRET}]}),
    "row, misspelled": ("publica_user_bulk", {"users": [{**ANA, "pasword": SECRET}]}),
    "row, as a list": ("publica_user_bulk", {"users": [{**ANA, "password": [SECRET]}]}),
    "row, error of Ansible": (
        "publica_user_bulk",
        {"users": [{**ANA, "password": SECRET}], "lookup": "no"},
    ),
    "row as text": ("publica_user_bulk", {"users": [f"ana@example.org {SECRET}"]}),
    "rows as text": ("publica_user_bulk", {"users": f"ana@example.org, {SECRET}"}),
    "rows, misspelled": ("publica_user_bulk", {"user": [{**ANA, "password": SECRET}]}),
    "defaults": ("publica_user_bulk", {"users": [ANA], "defaults": {"password": SECRET}}),
    "defaults, misspelled": (
        "publica_user_bulk",
        {"users": [ANA], "defaults": {"pasword": SECRET}},
    ),
    "defaults as text": ("publica_user_bulk", {"users": [ANA], "defaults": f"password {SECRET}"}),
    "export": ("publica_export", EXPORT),
    "info": ("publica_user_info", {"email": "ana@example.org"}),
    "logout": ("publica_user_logout", {"id": 1}),
}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
@pytest.mark.parametrize("call", CALLS)
def test_no_password_token_or_link_is_returned(run: ModuleRunner, call: str, check: bool) -> None:
    name, arguments = CALLS[call]
    ran = run(name, store(), check=check, **arguments)
    assert_no_secret(ran.everything, "impersonate")


@pytest.mark.parametrize("call", list(CALLS)[:-3])
def test_no_secret_that_the_store_echoes_is_returned(run: ModuleRunner, call: str) -> None:
    name, arguments = CALLS[call]
    echoing = store()
    text = f"You sent {SECRET} with {TOKEN}, see https://store.example/impersonate/take/53114"
    for method in ("POST", "PUT"):
        answers = [Reply(422, {"message": text, "errors": {"new_password": [text]}})] * 3
        echoing.answer_instead(method, *answers)
    ran = run(name, echoing, **arguments)
    assert_no_secret(ran.everything)


def test_the_invocation_has_the_other_options_and_is_logged_once(run: ModuleRunner) -> None:
    ran = run("publica_user", store(), **ANA, password=SECRET)
    invocation = ran.result["invocation"]["module_args"]
    assert invocation["email"] == "ana@example.org"
    assert (
        invocation["password"] == invocation["api_token"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    )
    assert invocation["plan_id"] is None
    assert len([line for line in ran.logged if "Invoked with" in line]) == 1


def test_the_invocation_has_only_the_number_of_users(run: ModuleRunner) -> None:
    ran = run("publica_user_bulk", store(), users=[ANA], defaults={"admin": True})
    invocation = ran.result["invocation"]["module_args"]
    assert invocation["users"] == "(1 items)"
    assert invocation["defaults"] == {"admin": True}
    [line] = [line for line in ran.logged if "Invoked with" in line]
    assert "users=(1 items)" in line
    assert "ana@example.org" not in line


def test_a_key_of_the_defaults_that_may_be_a_password_is_not_shown(run: ModuleRunner) -> None:
    defaults = {f"new_password={SECRET}": None, "passwort": SECRET, "admin": True}
    ran = run("publica_user_bulk", store(), users=[ANA], defaults=defaults)
    assert ran.result["failure"]["code"] == "invalid_input"
    assert ran.result["invocation"]["module_args"]["defaults"] == {
        "(key not shown)": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "passwort": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "admin": True,
    }
    assert any("Invoked with" in line for line in ran.logged)
    assert SECRET not in ran.everything


@pytest.mark.parametrize(
    "address",
    [
        f"https://ana:{SECRET}@store.example",
        f"https://ana:sl/ash{SECRET}@store.example",
        f"ana:{SECRET}@store.example",
        f"https://store.example/?token={SECRET}",
        f"https://store.example/#{SECRET}",
    ],
)
def test_a_base_url_with_a_password_is_refused_and_not_returned(
    run: ModuleRunner, address: str
) -> None:
    ran = run("publica_user", store(), **ANA, base_url=address)
    assert ran.result["failure"]["code"] == "invalid_input"
    assert SECRET not in ran.everything
    plain = run("publica_user", store(), **ANA).result["invocation"]["module_args"]
    assert plain["base_url"] == BASE_URL


def test_the_token_is_masked_in_the_form_that_is_sent(run: ModuleRunner) -> None:
    plans = [Held(4, name=f"Plan of {TOKEN}")]
    echoing = FakeStore(StoredUser(1, "ana@example.org", "A", plans=plans))
    ran = run("publica_user_info", echoing, api_token=f"  {TOKEN}\n", email="ana@example.org")
    assert ran.result["count"] == 1
    assert TOKEN not in ran.everything


class TestCrash:
    """An internal error with secrets in its text."""

    TEXT = f"bad value {SECRET} sent with {TOKEN}, see https://store.example/impersonate/53114"

    @pytest.mark.parametrize("module", ARGUMENTS)
    def test_while_the_store_is_read(self, run: ModuleRunner, module: str) -> None:
        broken = store()
        broken.answer_instead("GET", *[ZeroDivisionError(self.TEXT)] * 9)
        ran = run(module, broken, **ARGUMENTS[module])
        self.assert_reported(ran)
        assert ran.result["changed"] is False
        assert "Nothing was changed" in ran.result["msg"]
        assert broken.writes == []

    @pytest.mark.parametrize("module", RESULT_FUNCTIONS)
    def test_while_a_user_is_written(self, run: ModuleRunner, module: str) -> None:
        broken = store()
        for method in ("POST", "PUT"):
            broken.answer_instead(method, *[ZeroDivisionError(self.TEXT)] * 9)
        ran = run(module, broken, **ARGUMENTS[module])
        assert_no_secret(ran.everything)
        assert ran.result["failed"] is True

    @pytest.mark.parametrize("module", RESULT_FUNCTIONS)
    def test_after_the_store_was_changed(
        self, run: ModuleRunner, module: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_arguments: Any, **_options: Any) -> None:
            raise ZeroDivisionError(self.TEXT)

        name = RESULT_FUNCTIONS[module]
        code = importlib.import_module(f"{PACKAGE}{module}")
        monkeypatch.setattr(code, name, fail)
        written = store()
        ran = run(module, written, **ARGUMENTS[module])
        self.assert_reported(ran)
        assert ran.result["changed"] is True
        assert "Changes were sent" in ran.result["msg"]
        assert len(written.writes) == 1

    @staticmethod
    def assert_reported(ran: Ran) -> None:
        assert_no_secret(ran.everything, "Traceback")
        assert ran.result["failed"] is True
        failure = ran.result["failure"]
        assert (failure["code"], failure["message"]) == ("internal", ran.result["msg"])
        assert "ZeroDivisionError" in ran.result["msg"]
        assert re.search(r"at (\w+\.py:\d+ > )*\w+\.py:\d+\. ", ran.result["msg"])


def test_the_system_log_has_no_secret(run: ModuleRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda _priority, text: lines.append(text))
    log = basic.AnsibleModule.log
    users = [{**ANA, "password": SECRET, "pasword": SECRET}]

    ran = run("publica_user_bulk", store(), log=log, users=users, defaults={"password": SECRET})

    assert ran.result["failed"] is True
    assert any("Invoked with" in line for line in lines)
    assert_no_secret("\n".join(lines))
