# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module tells no secret: not in its result, its invocation, its warnings or the system's log."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.publica.la.tests.unit.support.builders import BASE_URL, TOKEN
from ansible_collections.publica.la.tests.unit.support.modules import PACKAGE, ModuleRunner, Ran
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

SECRET = "Zebra-Crossing-77"
ANA: dict[str, Any] = {"email": "ana@example.org", "external_id": "A"}

EXPORT: dict[str, Any] = {"dir": "$PUBLICA_TEST_EXPORTS", "name": "press"}
MODULES: dict[str, dict[str, Any]] = {
    "publica_export": EXPORT,
    "publica_user": {**ANA, "password": SECRET, "update_password": "always"},
    "publica_user_bulk": {"users": [{**ANA, "password": SECRET, "update_password": "always"}]},
    "publica_user_info": {"email": "ana@example.org"},
    "publica_user_logout": {"email": "ana@example.org"},
}
# What makes a module's result, after all was done.
MODULES_RESULTS = {
    "publica_user": "single_result",
    "publica_user_bulk": "bulk_result",
    "publica_user_logout": "logout_result",
}


def store() -> FakeStore:
    return FakeStore(StoredUser(1, "ana@example.org", "A", admin=True))


CALLS: list[Any] = [
    pytest.param("publica_user", {**ANA, "password": SECRET, "update_password": "always"},
                 id="password"),
    pytest.param("publica_user", {**ANA, "new_password": SECRET}, id="alias"),
    pytest.param("publica_user", {**ANA, "new_password": SECRET, "state": "gone"},
                 id="alias beside a fault that Ansible finds"),
    pytest.param("publica_user", {**ANA, "new_password": SECRET, "email": "no"},
                 id="alias beside a fault that the collection finds"),
    pytest.param("publica_user", {**ANA, "pasword": SECRET}, id="misspelt"),
    pytest.param("publica_user", {"password": SECRET}, id="nobody named"),
    pytest.param("publica_user_bulk", {"users": [{**ANA, "password": SECRET}]}, id="in a row"),
    pytest.param("publica_user_bulk", {"users": [{**ANA, "new_password": SECRET}]},
                 id="in a row, by its alias"),
    pytest.param("publica_user_bulk", {"users": [{**ANA, "pasword": SECRET}]},
                 id="in a row, misspelt"),
    pytest.param("publica_user_bulk", {"users": [{**ANA, "password": [SECRET]}]},
                 id="in a row, as a list"),
    pytest.param("publica_user_bulk", {"users": [ANA], "defaults": {"password": SECRET}},
                 id="in the defaults"),
    pytest.param("publica_user_bulk", {"users": [ANA], "defaults": {"pasword": SECRET}},
                 id="in the defaults, misspelt"),
    pytest.param("publica_user_bulk", {"users": [ANA], "defaults": f"password {SECRET}"},
                 id="in defaults that are no mapping"),
    pytest.param("publica_user_bulk", {"users": [{**ANA, "password": SECRET}], "lookup": "no"},
                 id="in a row beside a fault that Ansible finds"),
    pytest.param("publica_user_bulk", {"users": [f"ana@example.org {SECRET}"]},
                 id="in a row that is no mapping"),
    pytest.param("publica_user_bulk", {"users": f"ana@example.org, {SECRET}"},
                 id="in rows that are no list"),
    pytest.param("publica_user_bulk", {"user": [{**ANA, "password": SECRET}]},
                 id="in a list with a misspelt name"),
    pytest.param("publica_export", EXPORT, id="export"),
    pytest.param("publica_user_info", {"email": "ana@example.org"}, id="info"),
    pytest.param("publica_user_logout", {"id": 1}, id="logout"),
]  # fmt: skip


@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_neither_password_token_nor_link_is_told(
    run: ModuleRunner, name: str, arguments: dict[str, Any], check: bool
) -> None:
    ran = run(name, store(), check=check, **arguments)
    for secret in (SECRET, TOKEN, "impersonate", "53114"):
        assert secret not in ran.everything


@pytest.mark.parametrize(("name", "arguments"), CALLS[:-3])
def test_an_echoing_store_changes_nothing_of_that(
    run: ModuleRunner, name: str, arguments: dict[str, Any]
) -> None:
    echoing = store()
    said = f"You sent {SECRET} with {TOKEN}, see https://store.example/impersonate/take/53114"
    for method in ("POST", "PUT"):
        answers = [Reply(422, {"message": said, "errors": {"new_password": [said]}})] * 3
        echoing.answer_instead(method, *answers)
    ran = run(name, echoing, **arguments)
    for secret in (SECRET, TOKEN, "53114"):
        assert secret not in ran.everything


def test_what_is_no_secret_is_told_in_the_invocation(run: ModuleRunner) -> None:
    ran = run("publica_user", store(), **ANA, password=SECRET)
    told = ran.result["invocation"]["module_args"]
    assert told["email"] == "ana@example.org"
    assert told["password"] == told["api_token"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    # What was not given hides nothing.
    assert told["plan_id"] is None


def test_of_many_users_only_their_number_is_told(run: ModuleRunner) -> None:
    ran = run("publica_user_bulk", store(), users=[ANA], defaults={"admin": True})
    told = ran.result["invocation"]["module_args"]
    assert told["users"] == "(1 items)"
    assert told["defaults"] == {"admin": True}
    [line] = [line for line in ran.logged if "Invoked with" in line]
    assert "users=(1 items)" in line
    assert "ana@example.org" not in line


@pytest.mark.parametrize("name", ["publica_user", "publica_user_bulk"])
def test_every_call_is_logged_once(run: ModuleRunner, name: str) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "publica_user": ANA,
        "publica_user_bulk": {"users": [ANA]},
    }
    ran = run(name, store(), **arguments[name])
    assert len([line for line in ran.logged if "Invoked with" in line]) == 1


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
def test_an_address_with_a_password_is_refused_and_not_told(
    run: ModuleRunner, address: str
) -> None:
    ran = run("publica_user", store(), **ANA, base_url=address)
    assert ran.result["failure"]["code"] == "invalid_input"
    assert SECRET not in ran.everything
    plain = run("publica_user", store(), **ANA).result["invocation"]["module_args"]
    assert plain["base_url"] == BASE_URL


class TestCrash:
    """An error in the collection itself, whose text holds the worst that it could."""

    TEXT = f"bad value {SECRET} sent with {TOKEN}, see https://store.example/impersonate/53114"

    @pytest.mark.parametrize("module", MODULES)
    def test_while_the_store_is_read(self, run: ModuleRunner, module: str) -> None:
        broken = store()
        broken.answer_instead("GET", *[ZeroDivisionError(self.TEXT)] * 9)
        ran = run(module, broken, **MODULES[module])
        self.assert_told(ran, "Nothing had been changed")
        assert ran.result["changed"] is False
        assert broken.writes == []

    @pytest.mark.parametrize("module", MODULES_RESULTS)
    def test_while_a_user_is_written(self, run: ModuleRunner, module: str) -> None:
        broken = store()
        for method in ("POST", "PUT"):
            broken.answer_instead(method, *[ZeroDivisionError(self.TEXT)] * 9)
        ran = run(module, broken, **MODULES[module])
        for secret in (SECRET, TOKEN, "53114"):
            assert secret not in ran.everything
        assert ran.result["failed"] is True

    @pytest.mark.parametrize("module", MODULES_RESULTS)
    def test_after_the_store_was_changed(
        self, run: ModuleRunner, module: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_arguments: Any, **_options: Any) -> None:
            raise ZeroDivisionError(self.TEXT)

        name = MODULES_RESULTS[module]
        code = importlib.import_module(f"{PACKAGE}{module}")
        monkeypatch.setattr(code, name, fail)
        written = store()
        ran = run(module, written, **MODULES[module])
        self.assert_told(ran, "Changes had been sent")
        assert ran.result["changed"] is True
        assert len(written.writes) == 1

    @staticmethod
    def assert_told(ran: Ran, after: str) -> None:
        for secret in (SECRET, TOKEN, "53114", "Traceback"):
            assert secret not in ran.everything
        assert ran.result["failed"] is True
        failure = ran.result["failure"]
        assert (failure["code"], failure["message"]) == ("internal", ran.result["msg"])
        assert "ZeroDivisionError" in ran.result["msg"]
        assert re.search(r"at (\w+\.py:\d+ > )*\w+\.py:\d+\. ", ran.result["msg"])
        assert after in ran.result["msg"]


def test_the_systems_log_gets_no_secret(run: ModuleRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda _priority, text: told.append(text))
    log = basic.AnsibleModule.log
    users = [{**ANA, "password": SECRET, "pasword": SECRET}]

    ran = run("publica_user_bulk", store(), log=log, users=users, defaults={"password": SECRET})

    assert ran.result["failed"] is True
    assert any("Invoked with" in line for line in told)
    for secret in (SECRET, TOKEN):
        assert not any(secret in line for line in told)
