# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from api_client import USERS

from publica_sandbox.rate_limit import RateLimiter
from publica_sandbox.switches import Switches


def test_a_window_begins_with_its_first_request_and_is_fixed():
    limiter, switches = RateLimiter(), Switches(rate_limit=2, rate_limit_window=60)

    def take(now, token="some-token"):
        verdict = limiter.take(token, switches, now)
        return verdict.allowed, verdict.remaining, verdict.wait

    assert take(1000) == (True, 1, 60)
    assert take(1059) == (True, 0, 1)
    assert take(1059.5) == (False, 0, 1)
    assert take(1059.5, token="another") == (True, 1, 60)
    assert take(1060) == (True, 1, 60)


def test_a_refused_request_costs_nothing_and_does_nothing(api, store):
    store.configure(rate_limit=1)
    api.list()
    for _ in range(3):
        answer = api.create()
        assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Attempts."})
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert store.users() == []
    store.clear_rate_limit()
    assert api.create().status_code == 200


def test_every_answer_tells_the_limit(api, store):
    store.configure(rate_limit=10)
    answers = [
        api.list(),
        api.http.get("/nowhere"),
        api.deactivate(5),
        api.create(external_id=None),
        api.http.get(USERS, headers={"X-User-Token": "wrong"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 422, 401]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"10"}
    left = [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert left == ["9", "8", "7", "6", "9"]
    assert not any("Retry-After" in answer.headers for answer in answers)


def test_without_a_limit_nothing_is_told(api):
    assert not any(name.startswith("x-ratelimit") for name in api.list().headers)
