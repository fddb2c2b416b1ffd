# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every failure mode at every endpoint: nothing is lost, nothing is done twice, no user is missed.

Each case is a run with faults and one or two runs without. After each of them the database is
compared with the declared list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from support.accounts import accounts_of, likenesses
from support.declared import DeclaredList, secrets_in
from support.failure_modes import (
    ANSWERED_BY_A_PAGE,
    ANY,
    DISTINCT_MODES,
    ENDPOINTS,
    FAILURE_MODES,
    LOST_ANSWER,
    NEVER_ARRIVED,
    POSITIONS,
    WORKERS,
    FailureMode,
    FaultyClient,
    number_at,
)
from support.in_process import BULK, MODULES, Outcome, run
from support.oracle import UNKNOWN_PLAN, oracle_for
from support.selection import combinations
from support.variants import FAULT_VARIANTS, returns_plans

DOCUMENTED = "documented"
OTHER_VARIANTS = [name for name in FAULT_VARIANTS if name != DOCUMENTED]
RETRIES = 5
# All workers of a run share the retries: architecture.md, "Retries".
BUDGET = 4 * RETRIES
SHORT_WAITS: dict[str, Any] = {"max_rate_limit_wait": 0.5}
# The codes that end a run where the store does not answer.
UNANSWERED = {
    "store_unavailable", "unreachable", "rate_limited", "unexpected_answer", "store_error",
    "connection_broken", "timeout",
}  # fmt: skip
# The requests whose answer is lost, by endpoint and number, where the run reads the store before it
# goes on. The second update assigns a plan.
LOSSES = [
    *(("create", 1, mode) for mode in (LOST_ANSWER, NEVER_ARRIVED, ANSWERED_BY_A_PAGE)),
    *(("update", 2, mode) for mode in (LOST_ANSWER, NEVER_ARRIVED, ANSWERED_BY_A_PAGE)),
    ("update", 1, ANSWERED_BY_A_PAGE),
    *((endpoint, 1, LOST_ANSWER) for endpoint in ("deactivate", "reactivate")),
    *((endpoint, 1, ANSWERED_BY_A_PAGE) for endpoint in ("deactivate", "reactivate")),
]

_COUNTS: dict[tuple[str, str], Mapping[str, int]] = {}


class Case:
    """A store to which the declared list is applied while requests fail."""

    def __init__(self, store: SandboxStore, client: FaultyClient) -> None:
        self.store, self.client = store, client

    def begin(self, variant_name: str = DOCUMENTED, module: str = BULK) -> None:
        """Fill the store, in a variant and for a module."""
        self.variant, self.module = FAULT_VARIANTS[variant_name], module
        self.declared = DeclaredList(self.store, self.variant)
        self.client.switches = Switches(**self.variant)
        self.client.begin()

    def counts(self, variant_name: str = DOCUMENTED, module: str = BULK) -> Mapping[str, int]:
        """How many requests each endpoint gets in a run without faults; measured once."""
        if (variant_name, module) not in _COUNTS:
            self.begin(variant_name, module)
            assert self.run(faults=False).failures == {}
            self.check()
            journal = self.store.journal()
            for endpoint, count in self.client.counts.items():
                met = [row for row in journal if endpoint in (ANY, row["endpoint"] or "none")]
                assert len(met) == count, f"client and store count {endpoint} differently"
            _COUNTS[variant_name, module] = self.client.counts
        return _COUNTS[variant_name, module]

    def run(self, *, workers: int = WORKERS, faults: bool = True, **options: Any) -> Outcome:
        """Apply the list; faults must be met, and no secret reported."""
        outcome = run(self.store, self.declared.rows, self.module, workers=workers, **options)
        self.sent = self.client.counts.get(ANY, 0)
        if faults:
            assert self.client.end() >= 1, "no request met the fault"
        assert secrets_in(outcome, self.store) == []
        return outcome

    def check(self, *, logged_out: bool = True) -> None:
        """The database is as declared."""
        assert self.declared.differences(logged_out=logged_out) == []

    def check_repetition(self, *, logged_out: bool = True) -> None:
        """A repetition has nothing to do."""
        assert self.declared.faults_of_repetition(self.module) == []
        self.check(logged_out=logged_out)

    def check_next_run(self) -> None:
        """The next run does what is left; only sessions are not ended without a change."""
        assert self.run(faults=False).failures == {}
        self.check(logged_out=False)
        self.check_repetition(logged_out=False)


@pytest.fixture
def case(store: SandboxStore, client: FaultyClient) -> Case:
    return Case(store, client)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("variant", FAULT_VARIANTS)
def test_the_positions_are_different_requests(case: Case, variant: str, module: str) -> None:
    counts = case.counts(variant, module)
    for endpoint in ENDPOINTS:
        numbers = {number_at(position, counts[endpoint]) for position in POSITIONS}
        assert len(numbers) == len(POSITIONS), f"{endpoint}: {counts[endpoint]} requests"


def _check_fault(
    case: Case,
    mode: FailureMode,
    endpoint: str,
    position: str,
    *,
    module: str = BULK,
    variant: str = DOCUMENTED,
    times: int = 1,
) -> None:
    number = number_at(position, case.counts(variant, module)[endpoint])
    case.begin(variant, module)
    case.client.fail(mode, endpoint, number, times)

    # With more workers, another request could come between the two.
    first = case.run(workers=mode.workers if times == 1 else 1)

    allowed = {}
    if endpoint == "update" and mode.applied and not returns_plans(case.variant):
        # Whether the lost update has assigned the plan is unknown, and it must not be repeated.
        allowed = {"U1": "lost_answer", "A1": "lost_answer"}
    assert first.codes.items() <= allowed.items(), first.failures
    # After a run that failed behind a change, the next one sees no change that ends sessions.
    case.check(logged_out=not first.failures)
    case.check_repetition(logged_out=not first.failures)


@pytest.mark.parametrize(
    ("mode", "position", "endpoint", "module"),
    combinations(FAILURE_MODES, POSITIONS, turns=[ENDPOINTS, MODULES]),
)
def test_one_fault(
    case: Case, mode: FailureMode, endpoint: str, position: str, module: str
) -> None:
    _check_fault(case, mode, endpoint, position, module=module)


@pytest.mark.parametrize(
    ("mode", "endpoint", "position"),
    combinations(FAILURE_MODES, turns=[ENDPOINTS, POSITIONS], together=2),
)
def test_two_faults_in_a_row(case: Case, mode: FailureMode, endpoint: str, position: str) -> None:
    _check_fault(case, mode, endpoint, position, times=2)


@pytest.mark.parametrize(
    ("variant", "endpoint", "mode", "position"),
    combinations(OTHER_VARIANTS, ENDPOINTS, turns=[DISTINCT_MODES, POSITIONS], together=2),
)
def test_one_fault_in_another_variant(
    case: Case, variant: str, mode: FailureMode, endpoint: str, position: str
) -> None:
    _check_fault(case, mode, endpoint, position, variant=variant)


@pytest.mark.parametrize(("mode", "loss"), combinations(DISTINCT_MODES, turns=[LOSSES]))
@pytest.mark.parametrize("ends", [True, False])
def test_a_fault_while_a_lost_answer_is_checked(
    case: Case, loss: tuple[str, int, FailureMode], mode: FailureMode, ends: bool
) -> None:
    """Nothing is sent again that could be done twice; the next run does what is left."""
    endpoint, number, lost = loss
    first_read = case.counts()["list"] + 1
    case.begin()
    case.client.fail(lost, endpoint, number)
    case.client.fail(mode, "list", first_read, 1 if ends else None)

    options = {} if ends else {"max_retries": 1, **SHORT_WAITS}
    outcome = case.run(workers=1, **options)

    met = {row["endpoint"] for row in case.store.journal() if row["fault"]}
    assert endpoint in met
    assert "list" in met or mode.kind == "refused"
    if ends:
        assert outcome.failures == {}
        case.check()
        case.check_repetition()
    else:
        assert outcome.failures != {}
        case.check_next_run()


@pytest.mark.parametrize(("mode", "position"), combinations(FAILURE_MODES, turns=[POSITIONS]))
def test_a_store_that_stops_answering(case: Case, mode: FailureMode, position: str) -> None:
    number = number_at(position, case.counts()[ANY])
    case.begin()
    case.client.fail(mode, ANY, number, times=None)

    first = case.run(workers=mode.workers, max_retries=RETRIES, **SHORT_WAITS)

    # Each worker may be in one request when the budget ends; none begins another user. An answer to
    # another worker's request from before the first failure can still come, and returns a retry.
    late_answers = mode.workers - 1
    assert case.sent < number + BUDGET + late_answers + 2 * mode.workers, first.text
    codes = set(first.codes.values())
    assert codes & UNANSWERED
    assert codes <= {*UNANSWERED, "not_tried"}, first.codes
    case.check_next_run()


@pytest.mark.parametrize(("mode", "endpoint"), combinations(DISTINCT_MODES, turns=[ENDPOINTS]))
def test_an_endpoint_that_never_answers(case: Case, mode: FailureMode, endpoint: str) -> None:
    case.begin()
    case.client.fail(mode, endpoint, 1, times=None)

    case.run(workers=mode.workers, max_retries=1, **SHORT_WAITS)

    case.check_next_run()


@pytest.mark.parametrize(
    ("refusal", "endpoint", "position"),
    [
        *combinations([("401", "unauthenticated")], ENDPOINTS, turns=[POSITIONS]),
        *combinations([("403", "forbidden")], ["list", "create"], turns=[POSITIONS]),
    ],
)
def test_a_refusal_ends_the_run(
    case: Case, refusal: tuple[str, str], endpoint: str, position: str
) -> None:
    kind, code = refusal
    number = number_at(position, case.counts()[endpoint])
    case.begin()
    case.store.fault(kind, endpoint=endpoint, nth=number)

    first = case.run(workers=1)

    last = case.store.journal()[-1]
    assert (last["status"], last["endpoint"]) == (int(kind), endpoint), "a request followed"
    codes = list(first.codes.values())
    assert codes.count(code) == 1, first.codes
    assert set(codes) <= {code, "not_tried"}
    case.check_next_run()


@pytest.mark.parametrize(
    ("endpoint", "position"),
    combinations([one for one in ENDPOINTS if one not in ("list", "create")], turns=[POSITIONS]),
)
def test_a_forbidden_write_is_an_error_of_its_user(
    case: Case, endpoint: str, position: str
) -> None:
    number = number_at(position, case.counts()[endpoint])
    case.begin()
    case.store.fault("403", endpoint=endpoint, nth=number)

    first = case.run()

    codes = list(first.codes.values())
    assert codes.count("forbidden") == 1
    # At most one user is to get an address that the other one then keeps.
    assert codes.count("not_tried") == len(codes) - 1 <= 1
    assert case.sent >= sum(case.counts()[one] for one in ENDPOINTS) - len(codes)
    case.check_next_run()


def test_refused_values_are_errors_of_their_users(case: Case) -> None:
    case.begin()
    rows = [dict(row) for row in case.declared.rows]
    refused = [row for row in rows if row["external_id"] in ("N2", "U1", "A1")]
    for row in refused:
        row["plan_id"] = UNKNOWN_PLAN
    predicted = oracle_for({}).predict(accounts_of(case.store), rows)

    first = run(case.store, rows, workers=4)

    assert first.codes == {row["external_id"]: "validation" for row in refused}
    for failure in first.failures.values():
        assert set(failure["fields"]) == {"assign_new_plan"}
    assert likenesses(accounts_of(case.store)) == likenesses(predicted.accounts)
    case.check_next_run()
