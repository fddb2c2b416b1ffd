# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and ends of validity in every form that the API leaves open (choices 7 and 11)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.store.user import end_days, is_set, time_of


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param("2021-05-18T13:28:53.000000Z", "2021-05-18T13:28:53Z", id="ISO, microseconds"),
        pytest.param("2021-05-18T13:28:53Z", "2021-05-18T13:28:53Z", id="ISO"),
        pytest.param("2021-05-18T10:28:53-03:00", "2021-05-18T13:28:53Z", id="another zone"),
        pytest.param("2021-05-18 13:28:53", "2021-05-18T13:28:53Z", id="as a database writes it"),
        pytest.param("2021-05-18", "2021-05-18", id="a date stays one"),
        pytest.param(
            {"timestamp": 1621344533, "date": "2021-05-18 13:28:53", "timezone": "UTC"},
            "2021-05-18T13:28:53Z",
            id="mapping",
        ),
        pytest.param({"timestamp": "1621344533"}, "2021-05-18T13:28:53Z", id="timestamp as text"),
        pytest.param({"date": "2021-05-18 13:28:53.000000"}, "2021-05-18T13:28:53Z",
                     id="mapping without a timestamp"),
        pytest.param(1621344533, "2021-05-18T13:28:53Z", id="number"),
        pytest.param(None, None, id="null"),
        pytest.param("", None, id="empty"),
        pytest.param({}, None, id="empty mapping"),
        pytest.param(True, None, id="no time at all"),
        pytest.param("soon", "soon", id="a text that is no time is told as it is"),
        pytest.param("2021-02-30T00:00:00Z", "2021-02-30T00:00:00Z", id="no such day"),
    ],
)  # fmt: skip
def test_times_in_every_form(sent: Any, expected: str | None) -> None:
    assert time_of(sent) == expected


@pytest.mark.parametrize(
    "sent",
    [
        # What the framework makes of a database's zero date.
        {"timestamp": -62169984000, "date": "-0001-11-30 00:00:00.000000", "timezone": "UTC"},
        {"timestamp": 10**17},
        -62169984000,
        10**17,
        float("inf"),
    ],
    ids=["zero date", "far future", "zero date as a number", "far future as a number", "infinity"],
)
def test_a_time_out_of_range_ends_no_run(sent: Any) -> None:
    assert time_of(sent) is None or isinstance(time_of(sent), str)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((value, False) for value in (None, "", "0", 0, False, {}, {"date": None})),
        *((value, False) for value in ("0000-00-00 00:00:00", "-0001-11-30T00:00:00.000000Z")),
        ({"timestamp": -62169984000, "date": "-0001-11-30 00:00:00"}, False),
        *((value, True) for value in ("2021-05-18", "2021-05-18 13:28:53", 1621344533)),
        ({"timestamp": 1621344533, "date": "2021-05-18 13:28:53"}, True),
    ],
    ids=repr,
)
def test_whether_a_time_is_there_at_all(sent: Any, expected: bool) -> None:
    assert is_set(sent) is expected


LAST, NEXT = "2026-12-31", "2027-01-01"


@pytest.mark.parametrize(
    ("valid_to", "days"),
    [
        pytest.param(None, set(), id="none"),
        pytest.param("", set(), id="empty"),
        pytest.param("soon", set(), id="no date"),
        pytest.param("0000-00-00", set(), id="a database's zero date"),
        pytest.param("0000-00-00 00:00:00", set(), id="a database's zero time"),
        pytest.param("2026-02-30", set(), id="a day that there is not"),
        pytest.param("2026-12-31", {LAST}, id="date"),
        pytest.param("2026-12-31T23:59:59Z", {LAST}, id="end of the day in UTC"),
        pytest.param("2026-12-31T00:00:00.000000Z", {LAST}, id="start of the day in UTC"),
        pytest.param("2026-12-31T23:59:59-03:00", {LAST, NEXT}, id="a zone told"),
        pytest.param("2027-01-01T02:59:59Z", {LAST, NEXT}, id="an evening in Buenos Aires"),
        pytest.param("2027-01-01T03:29:59Z", {LAST, NEXT}, id="an evening in Newfoundland"),
        pytest.param("2026-12-31T23:00:00Z", {LAST, NEXT}, id="midnight in Madrid"),
        pytest.param("2026-12-31T18:30:00Z", {LAST, NEXT}, id="midnight in Delhi"),
        pytest.param("2027-01-01T02:59:58Z", {NEXT}, id="any other second"),
        pytest.param("2026-12-31T12:34:56Z", {LAST}, id="any other time"),
        pytest.param("9999-12-31T23:00:00Z", {"9999-12-31"}, id="no day after it"),
        pytest.param("0001-01-01T02:59:59Z", {"0001-01-01"}, id="no day before it"),
        pytest.param("2028-03-01T04:59:59Z", {"2028-03-01", "2028-02-29"}, id="a leap month"),
        pytest.param(
            {"timestamp": 1798779599, "date": "2026-12-31 23:59:59", "timezone": "America/Bogota"},
            {LAST, NEXT},
            id="a mapping in a zone",
        ),
    ],
)
def test_days_that_an_end_may_stand_for(valid_to: Any, days: set[str]) -> None:
    assert end_days(valid_to) == days
