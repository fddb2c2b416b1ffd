# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each endpoint on the wire: method, path, headers, query and body."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import responses
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport
from ansible_collections.publica.la.plugins.module_utils.errors import (
    FatalError,
    LostAnswerError,
    NotFoundError,
    PublicaError,
)
from ansible_collections.publica.la.plugins.module_utils.version import VERSION
from ansible_collections.publica.la.tests.unit.support.builders import (
    BASE_URL,
    TOKEN,
    api_on,
    connection,
)
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore
from responses import matchers
from responses.registries import OrderedRegistry

USERS = f"{BASE_URL}/integration-api/v1/dashboard/users"
SESSIONS = f"{BASE_URL}/integration-api/v1/auth-sessions/users"
BODY = {"email": "ana@example.org", "external_id": "A", "admin": True, "sessions_limit": None}
SUCCESS = {"CODE": "success", "data": []}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The answers, which must be requested in exactly the order in which a test adds them."""
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


@pytest.fixture
def api() -> UsersApi:
    return UsersApi(HttpTransport(connection(), read_only=False))


def sent(wire: responses.RequestsMock) -> list[requests.PreparedRequest]:
    return [call.request for call in wire.calls]


def test_every_request_has_the_documented_headers(
    wire: responses.RequestsMock, api: UsersApi
) -> None:
    wire.get(USERS, json={"data": {"paginator": {"data": []}}})
    wire.post(f"{USERS}/", json={"CODE": "success", "data": {"id": 5, "email": "a@b.example"}})
    wire.put(f"{USERS}/5", status=204)
    wire.delete(f"{USERS}/5", json=SUCCESS)
    api.list_page(1)
    api.create(BODY)
    api.update(5, BODY)
    api.deactivate(5)
    for request in sent(wire):
        assert request.headers["X-User-Token"] == TOKEN
        assert request.headers["Accept"] == "application/json"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["User-Agent"] == f"publica.la/{VERSION} (Ansible collection)"
        assert "Authorization" not in request.headers
        assert "Cookie" not in request.headers


def test_page_is_read_without_a_trailing_slash(wire: responses.RequestsMock, api: UsersApi) -> None:
    query = {"page": "2", "per_page": "100", "query": "Ana+x@example.org"}
    answer = {"CODE": "success", "data": {"paginator": {"current_page": 2, "data": [{"id": 5}]}}}
    # A trailing slash or another parameter would not match.
    wire.get(USERS, json=answer, match=[matchers.query_param_matcher(query)])
    assert api.list_page(2, "Ana+x@example.org").records == [{"id": 5}]
    [request] = sent(wire)
    assert request.path_url.startswith("/integration-api/v1/dashboard/users?")
    assert "query=Ana%2Bx%40example.org" in request.path_url
    assert request.body is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"CODE": "success", "data": {"user": {"id": 5}}}, id="nested"),
        pytest.param({"data": {"id": "5"}}, id="id as text"),
    ],
)
def test_created_record_in_other_forms(
    wire: responses.RequestsMock, api: UsersApi, answer: dict[str, Any]
) -> None:
    wire.post(f"{USERS}/", json=answer)
    assert int(api.create(BODY)["id"]) == 5


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": 204}, id="204"),
        pytest.param({"status": 200, "json": SUCCESS}, id="success"),
        pytest.param({"status": 200, "json": {"CODE": "SUCCESS", "data": 1}}, id="another case"),
        pytest.param({"status": 200, "body": "\n"}, id="white space"),
    ],
)
@pytest.mark.parametrize(
    ("method", "call", "path"),
    [
        pytest.param("PUT", lambda api: api.update(5, BODY), "/5", id="update"),
        pytest.param("PUT", lambda api: api.reactivate(5), "/5/re-activate", id="reactivate"),
        pytest.param("DELETE", lambda api: api.deactivate(5), "/5", id="deactivate"),
    ],
)
def test_other_writes(
    wire: responses.RequestsMock,
    api: UsersApi,
    method: str,
    call: Any,
    path: str,
    answer: dict[str, Any],
) -> None:
    wire.add(method, USERS + path, **answer)
    call(api)
    [request] = sent(wire)
    assert request.path_url == f"/integration-api/v1/dashboard/users{path}"
    body = json.loads(request.body) if request.body else None
    assert body == (BODY if path == "/5" and method == "PUT" else None)


class TestForceLogout:
    TABLE = f"{BASE_URL}/integration-api/v1/users"

    def test_path_of_the_example_is_used_after_a_404(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        wire.post(f"{self.TABLE}/5/force-logout", status=404, json={"message": ""})
        wire.post(f"{USERS}/5/force-logout", json=SUCCESS)
        wire.post(f"{USERS}/6/force-logout", json=SUCCESS)
        api.force_logout(5)
        api.force_logout(6)

    @pytest.mark.parametrize(
        "message",
        [
            "No query results for model [App\\Models\\User] 5",
            "User not found.",
            "Usuario no encontrado",
        ],
    )
    def test_404_that_names_the_user_is_about_the_user(
        self, wire: responses.RequestsMock, api: UsersApi, message: str
    ) -> None:
        wire.post(f"{self.TABLE}/5/force-logout", status=404, json={"message": message})
        wire.post(f"{self.TABLE}/6/force-logout", status=404, json={"message": ""})
        with pytest.raises(NotFoundError, match=message.split()[0]):
            api.force_logout(5)
        # The store has this path, so no other one is tried.
        with pytest.raises(NotFoundError):
            api.force_logout(6)

    @pytest.mark.parametrize(
        "message",
        ["", "Not Found", "The route integration-api/v1/users/5/force-logout could not be found."],
    )
    def test_auth_sessions_are_ended_where_both_paths_are_missing(
        self, wire: responses.RequestsMock, api: UsersApi, message: str
    ) -> None:
        wire.post(f"{self.TABLE}/5/force-logout", status=404, json={"message": message})
        wire.post(f"{USERS}/5/force-logout", status=404, json={"message": message})
        wire.delete(f"{SESSIONS}/5", status=204)
        wire.delete(f"{SESSIONS}/6", json=SUCCESS)
        api.force_logout(5)
        api.force_logout(6)

    def test_auth_sessions_take_no_external_id(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        for path in (self.TABLE, USERS):
            wire.post(f"{path}/A/force-logout", status=404, json={"message": ""})
        for path in (self.TABLE, USERS):
            wire.post(f"{path}/A/force-logout/", status=404, json={"message": ""})
        wire.delete(f"{SESSIONS}/5", json=SUCCESS)
        with pytest.raises(NotFoundError) as error:
            api.force_logout("A")
        assert error.value.path == "/integration-api/v1/users/A/force-logout"
        assert f"POST {error.value.path}/ (404)" in error.value.message
        # With an id, only what was not tried yet.
        api.force_logout(5)

    def test_store_without_any_of_the_paths_takes_few_requests(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        def all_missing(user_id: int, *ends: str) -> None:
            for end in ends:
                for path in (self.TABLE, USERS):
                    url = f"{path}/{user_id}/force-logout{end}"
                    wire.post(url, status=404, json={"message": ""})
                if not end:
                    wire.delete(f"{SESSIONS}/{user_id}", status=404, json={"message": ""})

        all_missing(5, "", "/")
        all_missing(6, "")
        for user_id in (5, 6):
            with pytest.raises(NotFoundError):
                api.force_logout(user_id)

    def test_slash_is_added_after_a_redirect(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        path = f"{self.TABLE}/a%40b/force-logout"
        location = f"{self.TABLE}/a@b/force-logout/"  # a server may unescape it
        wire.post(path, status=301, headers={"Location": location})
        wire.post(f"{path}/", json=SUCCESS)
        wire.post(f"{self.TABLE}/6/force-logout/", json=SUCCESS)
        api.force_logout("a@b")
        api.force_logout(6)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param({"status": 204}, id="204"),
            pytest.param({"body": " \n"}, id="white space"),
            pytest.param({"json": {"CODE": "success", "data": 1}}, id="like other writes"),
            pytest.param({"json": {"CODE": "success"}}, id="only the code"),
            pytest.param({"json": {}}, id="empty object"),
            pytest.param({"json": []}, id="empty list"),
            pytest.param({"body": "null"}, id="null"),
        ],
    )
    def test_confirming_answer(
        self, wire: responses.RequestsMock, api: UsersApi, answer: dict[str, Any]
    ) -> None:
        wire.post(f"{self.TABLE}/5/force-logout", **answer)
        api.force_logout(5)
        assert len(sent(wire)) == 1

    @pytest.mark.parametrize(
        ("answers", "accepted"),
        [
            pytest.param([{"json": {"message": f"{name} is out"}} for name in "AABCD"], True,
                         id="an object with other values"),
            pytest.param([{"json": {"status": "ok", "result": None}}] * 5, True, id="an object"),
            pytest.param([{"json": [{"id": 5}]}] * 5, True, id="a list"),
            pytest.param([{"json": "OK"}] * 5, True, id="a text in JSON"),
            pytest.param([{"body": "OK"}] * 5, True, id="a text"),
            pytest.param([{"json": {"error": "Maintenance"}}] * 5, False, id="an error"),
            pytest.param([{"json": False}] * 5, False, id="false"),
            pytest.param([{"json": 0}] * 5, False, id="zero"),
            pytest.param([{"body": "<html>Sign in</html>"}] * 5, False, id="a page"),
            pytest.param([{"body": '{"CODE": "succ'}] * 5, False, id="truncated"),
        ],
    )  # fmt: skip
    def test_answer_that_may_be_a_proxys_is_lost_until_its_form_returns_always(
        self,
        wire: responses.RequestsMock,
        api: UsersApi,
        answers: list[dict[str, Any]],
        accepted: bool,
    ) -> None:
        for number, answer in enumerate(answers, 1):
            wire.post(f"{self.TABLE}/5/force-logout", **answer)
            if accepted and number >= 3:
                api.force_logout(5)
                continue
            with pytest.raises(LostAnswerError) as error:
                api.force_logout(5)
            assert (error.value.code, error.value.status) == ("unexpected_answer", 200)

    @pytest.mark.parametrize(
        ("external_id", "quoted"),
        [
            ("staff-7", "staff-7"),
            ("a/b c?d#e%", "a%2Fb%20c%3Fd%23e%25"),
            ("ñ", "%C3%B1"),
        ],
        ids=["plain", "characters of a path", "not ASCII"],
    )
    def test_external_id_is_quoted_completely(
        self, wire: responses.RequestsMock, api: UsersApi, external_id: str, quoted: str
    ) -> None:
        wire.post(f"{self.TABLE}/{quoted}/force-logout", status=204)
        api.force_logout(external_id)
        assert sent(wire)[0].path_url == f"/integration-api/v1/users/{quoted}/force-logout"


RECORD = {"CODE": "success", "data": {"id": 5, "email": "ana@example.org"}}
OTHER_ORIGINS = (
    "https://evil.example/integration-api/v1/dashboard/users",
    "http://store.example/integration-api/v1/dashboard/users",
    "https://store.example:8443/integration-api/v1/dashboard/users",
    "https://ana@store.example/integration-api/v1/dashboard/users",
    "//evil.example/integration-api/v1/dashboard/users",
)
OTHER_PATHS = (
    "/login", "/integration-api/v1/dashboard/users/", "/integration-api/v2/dashboard/users",
    "/integration-api/v1/dashboard/users?next=1", "", "https://[::1",
)  # fmt: skip


class TestSlashOfACreation:
    """Variant 17: the documentation has a slash, and other clients send none."""

    @pytest.mark.parametrize(
        "refusal",
        [
            pytest.param({"status": 404, "json": {"message": ""}}, id="404"),
            pytest.param({"status": 404, "body": "<html>Not Found</html>"}, id="page"),
            pytest.param({"status": 405, "json": {"message": "Supported: GET"}}, id="405"),
            *(
                pytest.param({"status": status, "headers": {"Location": location}}, id=f"{status}")
                for status in (301, 302, 307, 308)
                for location in (USERS, "/integration-api/v1/dashboard/users")
            ),
            pytest.param(
                {"status": 301, "headers": {"Location": USERS.replace("example/", "EXAMPLE:443/")}},
                id="the same origin in another form",
            ),
        ],
    )
    def test_the_other_form_is_used_for_the_rest_of_the_run(
        self, wire: responses.RequestsMock, api: UsersApi, refusal: dict[str, Any]
    ) -> None:
        wire.post(f"{USERS}/", **refusal)
        for _user in range(2):
            wire.post(USERS, json=RECORD)
        assert api.create(BODY) == api.create(BODY) == RECORD["data"]
        assert [json.loads(request.body or "") for request in sent(wire)] == [BODY] * 3

    @pytest.mark.parametrize("location", [*OTHER_ORIGINS, *OTHER_PATHS])
    def test_another_redirect_is_not_followed(
        self, wire: responses.RequestsMock, api: UsersApi, location: str
    ) -> None:
        wire.post(f"{USERS}/", status=301, headers={"Location": location})
        with pytest.raises(FatalError) as error:
            api.create(BODY)
        assert error.value.code == "redirected"

    def test_answer_of_another_page_after_a_post_is_not_the_other_form(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        # After a 303, the first request was carried out.
        wire.post(f"{USERS}/", status=303, headers={"Location": USERS})
        with pytest.raises(FatalError) as error:
            api.create(BODY)
        assert error.value.code == "redirected"

    @pytest.mark.parametrize(
        ("statuses", "code"),
        [((404, 404), "not_found"), ((404, 405), "not_found"), ((405, 404), "unexpected_status"),
         ((405, 405), "unexpected_status")],
    )  # fmt: skip
    def test_two_missing_forms_are_the_first_error(
        self,
        wire: responses.RequestsMock,
        api: UsersApi,
        statuses: tuple[int, int],
        code: str,
    ) -> None:
        for url, status in zip((f"{USERS}/", USERS), statuses):
            wire.post(url, status=status, json={"message": ""})
        with pytest.raises(PublicaError) as error:
            api.create(BODY)
        assert (error.value.code, error.value.status) == (code, statuses[0])
        assert error.value.path == "/integration-api/v1/dashboard/users/"
        assert f"/dashboard/users ({statuses[1]})" in error.value.message

    def test_404_about_a_record_is_no_missing_route(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        wire.post(f"{USERS}/", status=404, json={"message": "No query results for model [Plan] 9"})
        with pytest.raises(NotFoundError, match="Plan"):
            api.create(BODY)

    def test_lost_answer_of_the_other_form_leaves_the_first_one_out(
        self, wire: responses.RequestsMock, api: UsersApi
    ) -> None:
        wire.post(f"{USERS}/", status=404, json={"message": ""})
        wire.post(USERS, status=502)
        wire.post(USERS, json=RECORD)
        with pytest.raises(LostAnswerError):
            api.create(BODY)
        assert api.create(BODY, repeats=True) == RECORD["data"]

    def test_several_workers_find_the_other_form(self) -> None:
        store = FakeStore(slash_of_posts="without")
        # The first requests arrive before any worker knows the other form.
        together = threading.Barrier(4, timeout=5)

        def wait(call: Call) -> None:
            if call.path.endswith("/"):
                together.wait()

        store.before_answer = wait
        api = api_on(store, workers=4)

        def create(number: int) -> None:
            for part in range(3):
                body = {
                    "email": f"user{number}-{part}@example.org",
                    "external_id": f"{number}-{part}",
                }
                api.create(body)

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(create, range(4)))
        assert len(store.users) == 12
        assert sum(call.path.endswith("/") for call in store.calls) == 4


def test_empty_list_is_a_page_or_a_404(wire: responses.RequestsMock, api: UsersApi) -> None:
    wire.get(USERS, json={"data": {"paginator": {"current_page": 1, "data": []}}})
    wire.get(USERS, status=404, json={"message": "No query results for model [App\\User]."})
    wire.get(USERS, status=404)
    assert [api.list_page(1).records for _ in range(3)] == [[], [], []]


def test_base_url_may_have_a_path(wire: responses.RequestsMock) -> None:
    api = UsersApi(HttpTransport(connection(base_url=f"{BASE_URL}/store"), read_only=False))
    wire.delete(f"{BASE_URL}/store/integration-api/v1/dashboard/users/5", json=SUCCESS)
    api.deactivate(5)
    assert sent(wire)[0].path_url.startswith("/store/")
