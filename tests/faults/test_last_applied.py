# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs with a record: killed, disturbed, two at once, with a damaged record, or after a drift.

After any of them, the next runs with the same list, another one or the one before converge, the
record is complete, and no user is removed who should not be. The oracle reads the database.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.accounts import accounts_of
from support.declared import content
from support.failure_modes import (
    ANSWERED_BY_A_PAGE,
    ANY,
    ENDPOINTS,
    LOST_ANSWER,
    NEVER_ARRIVED,
    FailureMode,
    FaultyClient,
)
from support.in_process import COMPLETE_RUN, bulk
from support.oracle import UNKNOWN_PLAN
from support.recorded import (
    AFTER,
    ALL,
    BEFORE,
    FINGERPRINT,
    IGNORE,
    LATER,
    NEXT_LISTS,
    RECORD_VARIANTS,
    USERS,
    RecordedRuns,
    Row,
    Saved,
    person,
    without,
)
from support.selection import FULL, combinations

# At least as many as the requests of a run that applies AFTER, in the order of the small set.
MOST_REQUESTS = 30
REQUESTS = sorted(range(1, MOST_REQUESTS + 1), key=lambda number: number * 11 % 31)
# The record is written ahead of the writes and at the end; killed before or behind either.
RENAMES = [(1, False), (1, True), (2, False), (2, True)]
LOST = (LOST_ANSWER, NEVER_ARRIVED)
MODES = (*LOST, FailureMode("502", applied=True), ANSWERED_BY_A_PAGE)
SHORT: dict[str, Any] = {"max_retries": 1, "max_rate_limit_wait": 0.5}

EVENTS, VARIANTS = list(NEXT_LISTS), list(RECORD_VARIANTS)


def in_variants(*small: str) -> list[Any]:
    """All variants; those that are not in the small set are marked ``full``."""
    return [
        pytest.param(name, marks=[] if name in small else [pytest.mark.full])
        for name in VARIANTS
        if FULL or name in small
    ]


def sample(cases: list[Any], every: int) -> list[Any]:
    """The cases; of those of the small set, only each n-th remains in it."""
    small = [case for case in cases if not case.marks][::every]
    return [
        pytest.param(*case.values, marks=[] if case in small else [pytest.mark.full], id=case.id)
        for case in cases
        if FULL or case in small
    ]


Prepare = Callable[..., RecordedRuns]
_SAVED: dict[str, Saved] = {}


@pytest.fixture
def prepare(store: SandboxStore, client: FaultyClient, tmp_path: Path) -> Prepare:
    """Runs in a variant whose first list is applied and recorded.

    With one worker the first run is always the same, so it is done once for each variant.
    """

    def begin(variant: str = "one-page", *, workers: int = 1) -> RecordedRuns:
        values, more = RECORD_VARIANTS[variant]
        runs = RecordedRuns(store, client, tmp_path, values)
        if workers == 1 and variant in _SAVED:
            runs.restore(_SAVED[variant])
            return runs
        runs.fill(more=more)
        expected = runs.expected(BEFORE, gone=())
        first = runs.run(BEFORE, workers=workers)
        assert first.failures == {}
        runs.compare(expected)
        runs.check_complete(BEFORE)
        if workers == 1:
            _SAVED[variant] = runs.saved()
        return runs

    return begin


@pytest.mark.parametrize(
    ("workers", "variant"), combinations([1, 4], turns=[VARIANTS[1:] + VARIANTS[:1]])
)
def test_undisturbed(prepare: Prepare, variant: str, workers: int) -> None:
    runs = prepare(variant, workers=workers)
    runs.check_repetition(BEFORE)
    for rows in (AFTER, LATER, BEFORE, AFTER):
        runs.check_converges(rows, workers=workers)


# Killed


@pytest.mark.parametrize(
    ("request_number", "variant", "event"),
    sample(combinations(REQUESTS, turns=[VARIANTS, EVENTS], together=2), 3),
)
def test_killed_before_a_request(
    prepare: Prepare, variant: str, event: str, request_number: int
) -> None:
    runs = prepare(variant)
    runs.store.clear_journal()

    killed = runs.is_killed(AFTER, lambda: runs.kill_before_request(request_number))

    sent = len(runs.store.journal())
    assert sent == request_number - 1 if killed else sent < request_number <= MOST_REQUESTS
    runs.check_written_ahead()
    runs.check_converges(NEXT_LISTS[event])


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden"))
def test_every_request_is_killed(prepare: Prepare, variant: str) -> None:
    runs = prepare(variant)
    assert not runs.is_killed(AFTER, lambda: runs.kill_before_request(MOST_REQUESTS))


@pytest.mark.parametrize(
    ("rename", "event", "variant"), combinations(RENAMES, turns=[EVENTS, VARIANTS])
)
def test_killed_as_the_record_is_written(
    prepare: Prepare, variant: str, event: str, rename: tuple[int, bool]
) -> None:
    runs = prepare(variant)
    number, done = rename

    assert runs.is_killed(AFTER, lambda: runs.kill_at_rename(number, done=done))

    assert bool(runs.store.journal(writes=True)) == (number == 2)
    runs.check_written_ahead()
    runs.check_converges(NEXT_LISTS[event])


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden"))
@pytest.mark.parametrize("request_number", REQUESTS if FULL else REQUESTS[-1:])
def test_killed_again_and_again(prepare: Prepare, variant: str, request_number: int) -> None:
    """Each run gets a little further, although the list changes every time."""
    runs = prepare(variant)
    for rows in (AFTER, BEFORE, LATER, AFTER):
        runs.is_killed(rows, lambda: runs.kill_before_request(request_number))
        runs.check_written_ahead()
    runs.check_converges(LATER)


@pytest.mark.parametrize("variant", in_variants("many-pages"))
@pytest.mark.parametrize("request_number", REQUESTS if FULL else [17])
def test_killed_in_the_first_run(
    store: SandboxStore, client: FaultyClient, tmp_path: Path, variant: str, request_number: int
) -> None:
    """The users that a killed first run has created are known, and leave with the next list."""
    values, more = RECORD_VARIANTS[variant]
    runs = RecordedRuns(store, client, tmp_path, values)
    runs.fill(USERS[:4], more=more)

    runs.is_killed(AFTER, lambda: runs.kill_before_request(request_number))

    runs.check_written_ahead()
    # Of those who are not in the next list, the run knows only those that it changed.
    recorded = set(runs.entries()) if runs.file() else set()
    rows = without(AFTER, "J1", "U1", "K2")
    gone = {"J1", "U1", "K2"} & recorded
    expected, failing = runs.expected(rows, gone=gone), runs.failing(rows)
    runs.run(rows)
    runs.compare(expected, rows)
    runs.check_repetition(rows, failing)


# Written ahead


@pytest.mark.parametrize(("workers", "variant"), combinations([1, 4], turns=[VARIANTS]))
def test_the_record_is_written_before_the_store(
    prepare: Prepare, variant: str, workers: int
) -> None:
    runs = prepare(variant)
    seen: list[Mapping[str, Any]] = []

    def before(endpoint: str, _number: int) -> None:
        if endpoint not in (ANY, "list") and not seen:
            seen.append(runs.entries())

    runs.client.before = before
    runs.run(AFTER, workers=workers)

    entries = seen[0]
    for name in ("J1", "J2", "U1", "U2", "U3", "A1", "G1", "L1", "L2"):
        assert FINGERPRINT not in entries[name], name
    for name in ("K1", "K2"):
        assert entries[name][FINGERPRINT], name
    runs.client.begin()
    runs.check_converges(AFTER)


def test_a_record_that_cannot_be_written(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the entries no write is sent; at the end, only the entries stay without a print."""
    runs = prepare()
    before, record = content(runs.store), runs.file()

    with monkeypatch.context() as patch, _failing_renames(patch, first=1):
        refused = runs.run(AFTER)

    assert refused.codes == {COMPLETE_RUN: "record_not_written"}
    assert content(runs.store) == before
    assert runs.file() == record

    with monkeypatch.context() as patch, _failing_renames(patch, first=2):
        done = runs.run(AFTER)

    assert done.failures == {}
    assert any("record" in text for text in done.results[0]["warnings"])
    runs.check_converges(BEFORE)


def _failing_renames(patch: pytest.MonkeyPatch, first: int) -> Any:
    """Let the n-th file that is moved into place, and all later ones, fail as on a full disk."""
    rename, count = os.rename, 0

    def failing(*paths: Any, **options: Any) -> None:
        nonlocal count
        if str(paths[1]).endswith("last-applied.json"):
            count += 1
            if count >= first:
                raise OSError(28, "No space left on device")
        rename(*paths, **options)

    @contextmanager
    def patched() -> Iterator[None]:
        patch.setattr(os, "rename", failing)
        yield

    return patched()


# Rows that fail


@pytest.mark.parametrize(
    ("endpoint", "event", "variant", "mode"),
    sample(
        combinations(
            [one for one in ENDPOINTS if one != "list"], EVENTS[1:], turns=[VARIANTS, MODES]
        ),
        2,
    ),
)
def test_an_endpoint_that_never_answers(
    prepare: Prepare, variant: str, endpoint: str, mode: FailureMode, event: str
) -> None:
    """What was written without an answer is compared again, with any list."""
    runs = prepare(variant)
    runs.client.fail(mode, endpoint, 1, times=None)

    runs.run(AFTER, workers=mode.workers, **SHORT)

    assert runs.client.end() >= 1
    runs.check_written_ahead()
    runs.check_converges(NEXT_LISTS[event])


@pytest.mark.parametrize(
    ("event", "mode", "variant", "request_number"),
    sample(combinations(EVENTS, LOST, turns=[VARIANTS, REQUESTS[::6]]), 2),
)
def test_a_store_that_stops_answering(
    prepare: Prepare, variant: str, mode: FailureMode, event: str, request_number: int
) -> None:
    runs = prepare(variant)
    runs.client.fail(mode, ANY, request_number, times=None)

    runs.run(AFTER, workers=mode.workers, **SHORT)

    runs.client.end()
    runs.check_written_ahead()
    runs.check_converges(NEXT_LISTS[event])


@pytest.mark.parametrize(
    ("mode", "variant"), combinations(LOST, turns=[VARIANTS[3:] + VARIANTS[:3]])
)
def test_lost_answers(prepare: Prepare, variant: str, mode: FailureMode) -> None:
    """A run that clears an answer up by itself records the row as applied."""
    runs = prepare(variant)
    for endpoint in ENDPOINTS:
        runs.client.fail(mode, endpoint, 1)
    expected = runs.expected(AFTER)

    first = runs.run(AFTER, workers=4)

    assert runs.client.end() >= 1
    assert first.failures == {}
    runs.compare(expected)
    runs.check_complete(AFTER)
    runs.check_repetition(AFTER)


@pytest.mark.parametrize(
    ("back", "variant"), combinations([True, False], turns=[VARIANTS[2:] + VARIANTS[:2]])
)
def test_a_refused_row_is_compared_again(prepare: Prepare, variant: str, back: bool) -> None:
    runs = prepare(variant)
    refused = person(AFTER, "U1", plan_id=UNKNOWN_PLAN)
    failing = runs.failing(refused)
    assert failing == {"U1"}

    first = runs.run(refused)

    assert first.codes == {"U1": "validation"}
    runs.check_complete(refused, failing)
    # Only a run that reads the row sees this.
    runs.change("U1", sessions_limit=9)
    runs.check_converges(BEFORE if back else refused)


@pytest.mark.parametrize(
    ("endpoint", "variant", "event"),
    combinations(["update", "deactivate", "reactivate"], turns=[VARIANTS, EVENTS]),
)
def test_a_forbidden_row_is_compared_again(
    prepare: Prepare, endpoint: str, variant: str, event: str
) -> None:
    runs = prepare(variant)
    runs.store.fault("403", endpoint=endpoint, nth=1)

    first = runs.run(AFTER)

    assert runs.client.end() == 1
    removals = [item["error"]["code"] for item in first.removals if item["error"]]
    codes = [*first.codes.values(), *removals]
    assert codes.count("forbidden") == 1
    runs.check_converges(NEXT_LISTS[event])


# Two runs at once


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden"))
@pytest.mark.parametrize("request_number", [1, 8, 14] if FULL else [1, 14])
def test_two_runs_at_once(prepare: Prepare, variant: str, request_number: int) -> None:
    """The second run fails at once and sends nothing; a dry run only reads."""
    runs = prepare(variant)
    expected = runs.expected(AFTER)
    met: list[str] = []

    def before(endpoint: str, number: int) -> None:
        if (endpoint, number) == (ANY, request_number):
            met.append(endpoint)
            runs.client.before = lambda _endpoint, _number: None
            sent, record = len(runs.store.journal()), runs.file()
            second = runs.run(LATER)
            assert second.codes == {COMPLETE_RUN: "record_locked"}
            assert not second.results[0]["changed"]
            assert len(runs.store.journal()) == sent
            assert runs.file() == record
            dry = runs.run(LATER, check=True)
            assert COMPLETE_RUN not in dry.failures

    runs.client.before = before
    first = runs.run(AFTER)

    assert met
    assert first.failures == {}
    runs.persons -= {"J3"}
    runs.compare(expected)
    runs.check_complete(AFTER)
    runs.check_converges(LATER)


# Damaged records


def _cut(text: bytes) -> Iterator[tuple[str, bytes]]:
    step = 1 if FULL else max(1, len(text) // 40)
    for length in range(0, len(text.rstrip()) - 1, step):
        yield f"cut after {length} bytes", text[:length]


def _damages(text: bytes) -> Iterator[tuple[str, bytes]]:
    record = json.loads(text)
    users = record["users"]

    def changed(**values: Any) -> bytes:
        return json.dumps({**record, **values}).encode()

    yield from _cut(text)
    yield "another store", changed(store="https://other.publica.la")
    yield "a store that is a number", changed(store=7)
    yield "a newer format", changed(format=2)
    yield "no format", changed(format=None)
    yield "no users", json.dumps({key: record[key] for key in record if key != "users"}).encode()
    yield "users that are a mapping", changed(users={})
    yield "a user that is text", changed(users=["k1@example.org"])
    yield "an id that is text", changed(users=[{**users[0], "id": "seven"}])
    yield "an address that is a number", changed(users=[{**users[0], "email": 7}])
    yield "a list", b"[]"
    yield "two documents", text + text
    yield "other bytes", b"\xff\xfe" + text
    yield "a page", b"<html></html>"


@pytest.mark.parametrize("check", [False, True])
def test_a_damaged_record(prepare: Prepare, check: bool) -> None:
    """A clear error before the first request, and the file stays as it is."""
    runs = prepare()
    text = runs.path.read_bytes()
    before = content(runs.store)
    for how, damaged in _damages(text):
        runs.path.write_bytes(damaged)
        runs.store.clear_journal()
        for leavers in ("deactivate", "ignore"):
            outcome = _run_unchecked(runs, check=check, leavers=leavers)
            assert outcome.get("failure", {}).get("code") == "unusable_record", how
            assert runs.path.name in outcome["msg"], how
        assert runs.store.journal() == [], how
        assert runs.path.read_bytes() == damaged, how
    assert content(runs.store) == before
    runs.path.write_bytes(text)
    runs.check_converges(AFTER)


def _run_unchecked(runs: RecordedRuns, **options: Any) -> Mapping[str, Any]:
    return bulk(runs.store, AFTER, **{**runs.options, **options})


def test_an_empty_list(prepare: Prepare) -> None:
    runs = prepare()
    for options in ({}, {"leavers": IGNORE}, {"leavers": None}, {"verify": ALL}):
        runs.store.clear_journal()
        record = runs.file()
        outcome = runs.run([], **options)
        assert outcome.codes == {COMPLETE_RUN: "empty_list"}
        assert runs.store.journal() == []
        assert runs.file() == record


# Addresses that change hands


@pytest.mark.parametrize(
    ("verify", "variant"), combinations(["changed", "all"], turns=[VARIANTS[1:]])
)
def test_an_address_that_another_person_has_now(
    prepare: Prepare, variant: str, verify: str
) -> None:
    """A leaver's address belongs to a person that no list names: that account is not touched."""
    runs = prepare(variant)
    runs.change("L1", email="l1.elsewhere@example.org")
    other = runs.store.add_user("l1@example.org", external_id="STRANGER", sessions_limit=3)
    plans = content(runs.store)["user_plans"]

    outcome = runs.run(AFTER, verify=verify)

    assert outcome.failures == {}
    assert runs.store.user(id=other["id"]) == other
    assert plans == content(runs.store)["user_plans"][: len(plans)]
    if verify == "changed":
        assert runs.store.user(external_id="L1")["active"]
        warnings = outcome.results[0]["warnings"]
        assert any("l1@example.org" in text for text in warnings), warnings
    for options in ({}, {"verify": ALL}, {}):
        runs.run(AFTER, **options)
        assert runs.store.user(id=other["id"]) == other
    runs.persons.discard("L1")
    runs.check_converges(AFTER)


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden"))
def test_a_leaver_whose_address_a_joiner_has_now(prepare: Prepare, variant: str) -> None:
    """The person of the list with the leaver's former address is not removed."""
    runs = prepare(variant)
    runs.change("L1", email="l1.elsewhere@example.org")
    rows = [*AFTER, {"email": "l1@example.org", "external_id": "J9"}]

    assert runs.run(rows).failures == {}

    assert runs.store.user(external_id="J9")["active"]
    runs.run(rows, verify=ALL)
    assert runs.store.user(external_id="J9")["active"]
    runs.persons.discard("L1")
    runs.check_converges(rows)


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden", "deactivated-found"))
def test_a_renamed_user(prepare: Prepare, variant: str) -> None:
    """A user with another address is the same one, and costs few requests."""
    runs = prepare(variant)
    user = runs.store.user(external_id="U2")
    rows = person(BEFORE, "U2", email="ulrich@example.org")
    runs.store.clear_journal()

    outcome = runs.run(rows)

    assert outcome.actions == {"U2": ["update"]}
    assert outcome.removals == []
    assert len(runs.store.journal()) <= 6
    assert runs.store.user(id=user["id"])["email"] == "ulrich@example.org"
    runs.check_converges(rows)


@pytest.mark.parametrize("variant", in_variants("many-pages", "external-ids-hidden"))
def test_a_renamed_user_whose_former_address_another_person_has(
    prepare: Prepare, variant: str
) -> None:
    runs = prepare(variant)
    user = runs.store.user(external_id="U2")
    runs.change("U2", email="u2.elsewhere@example.org")
    other = runs.store.add_user("u2@example.org", external_id="STRANGER")
    rows = person(BEFORE, "U2", email="ulrich@example.org")

    assert runs.run(rows).failures == {}

    assert runs.store.user(id=user["id"])["email"] == "ulrich@example.org"
    assert runs.store.user(id=other["id"]) == other
    runs.check_converges(rows)


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden", "full-paginator"))
def test_a_new_address_that_another_person_has(prepare: Prepare, variant: str) -> None:
    """The row fails; neither account is changed, and the person is no leaver."""
    runs = prepare(variant)
    other = runs.store.add_user("ulrich@example.org", external_id="STRANGER")
    before = content(runs.store)
    rows = person(BEFORE, "U2", email="ulrich@example.org", sessions_limit=8)

    outcome = runs.run(rows)

    assert set(outcome.failures) == {"U2"}
    assert content(runs.store) == before
    runs.check_converges(rows)
    assert runs.store.user(id=other["id"]) == other
    assert runs.store.user(external_id="U2")["active"]


@pytest.mark.parametrize("variant", in_variants("many-pages", "external-ids-hidden"))
def test_a_person_with_another_external_id(prepare: Prepare, variant: str) -> None:
    """One key that stays is enough: the person is no leaver."""
    runs = prepare(variant)
    rows = [
        {**row, "external_id": "U2-NEW"} if row["external_id"] == "U2" else row for row in BEFORE
    ]
    user = runs.store.user(external_id="U2")

    outcome = runs.run(rows)

    assert outcome.removals == []
    assert runs.store.user(id=user["id"])["active"]
    runs.run(rows, verify=ALL)
    assert runs.store.user(id=user["id"])["active"]
    runs.persons.discard("U2")
    runs.check_repetition(rows)


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden", "full-paginator"))
def test_addresses_that_move_on(prepare: Prepare, variant: str) -> None:
    """A renamed user's address goes to a joiner, whose own goes to another joiner later."""
    runs = prepare(variant)
    runs.check_converges(AFTER)
    rows = person(AFTER, "J2", email="j2@example.org")
    rows += [{"email": "u2@example.org", "external_id": "J4"}]
    runs.check_converges(rows)
    assert runs.store.user(external_id="J4")["email"] == "u2@example.org"


# A row of the list before, and one that comes for the same account.
ONE_ACCOUNT: Mapping[str, tuple[Row, Row]] = {
    "by its address": ({"external_id": "K2"}, {"email": "k2@example.org", "external_id": "J9"}),
    "by its external id": (
        {"email": "k2@example.org"},
        {"email": "j9@example.org", "external_id": "K2"},
    ),
}


@pytest.mark.parametrize(
    ("how", "variant"),
    combinations(
        list(ONE_ACCOUNT), turns=[[name for name in VARIANTS if name != "external-ids-hidden"]]
    ),
)
def test_a_new_row_for_the_account_of_a_row_that_is_not_read(
    prepare: Prepare, variant: str, how: str
) -> None:
    """Two rows are one user: what happens is the same as if all rows were compared."""
    runs = prepare(variant)
    kept, new = ONE_ACCOUNT[how]
    rows = [*without(BEFORE, "K2"), kept]
    assert runs.run(rows).failures == {}
    rows.append(new)
    predicted = runs.oracle.predict(accounts_of(runs.store), rows)

    outcome = runs.run(rows)

    assert set(outcome.codes.values()) == {one.failure for one in predicted.outcomes} - {None}
    runs.compare(predicted.accounts)
    runs.run(rows, verify=ALL)
    runs.compare(predicted.accounts)


# Changes by others between two runs


def _cancel_plan(runs: RecordedRuns) -> None:
    runs.sql(
        "UPDATE user_plans SET cancelled_at = 1700000000 WHERE user_id = ?",
        runs.store.user(external_id="K1")["id"],
    )


def _delete(runs: RecordedRuns, name: str) -> None:
    user_id = runs.store.user(external_id=name)["id"]
    runs.sql("DELETE FROM user_plans WHERE user_id = ?", user_id)
    runs.sql("DELETE FROM users WHERE id = ?", user_id)


DRIFTS: Mapping[str, Callable[[RecordedRuns], None]] = {
    "another limit": lambda runs: runs.change("K1", sessions_limit=8),
    "deactivated": lambda runs: runs.change("K1", active=False),
    "plan cancelled": _cancel_plan,
    "address changed": lambda runs: runs.change("K1", email="k1.elsewhere@example.org"),
    "account deleted": lambda runs: _delete(runs, "K1"),
    "external id changed": lambda runs: runs.change("K1", external_id="K1-OTHER"),
    "changed row deactivated": lambda runs: runs.change("U1", active=False),
    "changed row reactivated": lambda runs: runs.change("A1", active=True),
    "changed row renamed": lambda runs: runs.change("U1", email="u1.elsewhere@example.org"),
    "changed row has the limit": lambda runs: runs.change("U1", sessions_limit=5),
    "changed row deleted": lambda runs: _delete(runs, "U1"),
    "joiner exists": lambda runs: runs.store.add_user("j1@example.org", external_id="J1"),
    "joiner exists elsewhere": lambda runs: runs.store.add_user(
        "jana@example.org", external_id="J1", active=False
    ),
    "joiner's address exists": lambda runs: runs.store.add_user(
        "j1@example.org", external_id="STRANGER"
    ),
    "leaver deactivated": lambda runs: runs.change("L1", active=False),
    "leaver deleted": lambda runs: _delete(runs, "L1"),
    "leaver renamed": lambda runs: runs.change("L1", email="l1.elsewhere@example.org"),
    "leaver is an admin": lambda runs: runs.change("L1", admin=True),
    "absent user reactivated": lambda runs: runs.change("G1", plan_admin=True),
}


@pytest.mark.parametrize(
    ("drift", "variant"), sample(combinations(list(DRIFTS), turns=[VARIANTS]), 2)
)
def test_drift(prepare: Prepare, drift: str, variant: str) -> None:
    """Changed rows are right after the next run, and all rows after one that reads everything."""
    runs = prepare(variant)
    DRIFTS[drift](runs)
    stays = {"L1"} if drift in ("leaver renamed", "leaver is an admin") else set()
    leaves = {"L1", "L2"} - stays
    drifted = [row for row in accounts_of(runs.store) if row.external_id in ("K1", "K1-OTHER")]
    # A look-up does not find a renamed leaver, and a list does.
    unread = {"K1", "K1-OTHER", *(["L1"] if drift == "leaver renamed" else [])}
    failing = runs.failing(AFTER)
    expected = {user.external_id: user.likeness() for user in runs.expected(AFTER, gone=leaves)}

    first = runs.run(AFTER)

    assert set(first.failures) == failing
    found = {user.external_id: user for user in accounts_of(runs.store)}
    for name, likeness in expected.items():
        if name not in unread:
            assert found[name].likeness() == likeness, name
    now = [row for row in accounts_of(runs.store) if row.external_id in ("K1", "K1-OTHER")]
    assert now == drifted, "an unchanged row was changed"

    gone = {"L1", "L2"} - ({"L1"} if drift == "leaver is an admin" else set())
    everything = runs.expected(AFTER, gone=gone)
    outcome = runs.run(AFTER, verify=ALL)
    assert set(outcome.failures) == failing
    runs.compare(everything)
    runs.persons -= stays
    runs.check_complete(AFTER, failing)
    runs.check_repetition(AFTER, failing)


# Leavers who stay, and guards


@pytest.mark.parametrize("variant", in_variants("many-pages"))
def test_leavers_who_stay(prepare: Prepare, variant: str) -> None:
    """Each stays with its reason until the reason ends; only what a run may see ends it."""
    runs = prepare(variant)
    reasons = {
        "U1": ("admin", {"admin": True}, {"admin": False}),
        "U2": ("plan_admin", {"plan_admin": True}, {"plan_admin": False}),
        "U3": ("institution", {"ip_ranges": ["192.0.2.0/24"]}, {"ip_ranges": []}),
        "L1": ("not_editable", {"can_be_edited": False}, {"can_be_edited": True}),
        "L2": ("protected", {}, {}),
    }
    for name, (_reason, values, _end) in reasons.items():
        runs.change(name, **values)
    rows = without(BEFORE, *reasons)
    before = content(runs.store)

    for verify in ("changed", "changed", "all"):
        outcome = runs.run(rows, protected=["L2@example.org"], verify=verify)

        assert outcome.failures == {}
        assert outcome.removals == []
        assert content(runs.store) == before
        result = outcome.results[0]
        assert result["summary"]["protected"] == len(reasons)
        kept = {
            runs.store.user(external_id=name)["email"]: reason
            for name, (reason, _values, _end) in reasons.items()
        }
        for email, reason in kept.items():
            assert result["kept"][reason] == {"count": 1, "users": [email]}, result["kept"]
        assert set(reasons) <= set(runs.entries())

    for name, (_reason, _values, end) in reasons.items():
        runs.change(name, **end)
    # The pattern is judged without a request, the others only in a run that reads everything.
    runs.run(rows)
    active = {user["external_id"] for user in runs.store.users(active=True)}
    assert active & set(reasons) == set(reasons) - {"L2"}
    runs.run(rows, verify=ALL)
    active = {user["external_id"] for user in runs.store.users(active=True)}
    assert active & set(reasons) == set()
    runs.check_converges(rows)


@pytest.mark.parametrize("variant", in_variants("full-paginator"))
@pytest.mark.parametrize("on_guard", ["fail", "skip"])
def test_too_many_leavers(prepare: Prepare, variant: str, on_guard: str) -> None:
    runs = prepare(variant)
    before, record = content(runs.store), runs.file()
    expected = runs.expected(AFTER, gone=() if on_guard == "skip" else None)

    refused = runs.run(AFTER, max_deactivations="20%", on_guard=on_guard)

    result = refused.results[0]
    guard = result["guard"]
    assert guard["code"] == "too_many_deactivations"
    assert (guard["deactivations"], guard["limit"], guard["active"]) == (2, 1, len(BEFORE))
    if on_guard == "fail":
        assert content(runs.store) == before
        assert runs.file() == record
        assert runs.store.journal(writes=True)[len(before) :] == [] or not result["changed"]
    else:
        runs.compare(expected)
        assert {"L1", "L2"} <= set(runs.entries())
    # They are as many as before, so the guard must refuse them again.
    again = runs.run(AFTER, max_deactivations="1", on_guard=on_guard)
    assert again.results[0]["guard"]["code"] == "too_many_deactivations"
    runs.check_converges(AFTER)


@pytest.mark.parametrize("variant", in_variants("external-ids-hidden"))
def test_an_approved_plan(prepare: Prepare, variant: str) -> None:
    """Exactly the plan of the dry run passes the guard, and each plan has its own hash."""
    runs = prepare(variant)
    runs.store.clear_journal()
    options: dict[str, Any] = {"max_deactivations": "0"}
    planned = runs.run(AFTER, check=True, **options)
    assert runs.store.journal(writes=True) == []
    approved = planned.results[0]["plan"]["hash"]
    assert runs.run(AFTER, check=True).results[0]["plan"]["hash"] == approved

    before, record = content(runs.store), runs.file()
    wrong = runs.run(LATER, approve=approved, **options)
    assert wrong.results[0]["failure"]["code"] == "not_approved"
    assert content(runs.store) == before
    assert runs.file() == record

    runs.persons -= {"J3"}
    expected = runs.expected(AFTER)
    done = runs.run(AFTER, approve=approved, **options)
    assert done.failures == {}
    assert done.results[0]["plan"] == planned.results[0]["plan"]
    assert done.actions == planned.actions
    runs.compare(expected)
    runs.check_repetition(AFTER)


@pytest.mark.parametrize("variant", in_variants("deactivated-found"))
@pytest.mark.parametrize("leavers", [IGNORE, None])
def test_leavers_who_are_ignored(prepare: Prepare, variant: str, leavers: str | None) -> None:
    """They are named once, and then no longer known."""
    runs = prepare(variant)
    expected = runs.expected(AFTER, gone=())

    first = runs.run(AFTER, leavers=leavers)

    assert first.failures == {}
    runs.compare(expected)
    (text,) = (text for text in first.results[0]["warnings"] if "l1@example.org" in text)
    assert "l2@example.org" in text
    assert not {"L1", "L2"} & set(runs.entries())
    again = runs.run(AFTER)
    assert again.removals == []
    assert again.results[0]["warnings"] == []
    runs.compare(expected)
