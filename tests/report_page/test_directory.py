# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report, next to files that other programs have left or that other users made."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils import safe_files
from ansible_collections.publica.la.plugins.plugin_utils.report.files import (
    NotWrittenError,
    write_report,
)
from ansible_collections.publica.la.plugins.plugin_utils.report.model import report_of
from ansible_collections.publica.la.plugins.plugin_utils.report.text import DATA, files_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUN = "0123456789abcdef"
DONE = {"summary": {"desired": 1, "created": 1}, "changed": True, "results": []}


def report(results: dict[str, Any] | None = None, run: str = RUN) -> dict[str, Any]:
    return report_of(
        {"north": DONE, "south": {}} if results is None else results,
        kind="provision",
        check_mode=False,
        generated_at="2031-06-01T08:30:00Z",
        version="1.0.0",
        run=run,
    )


COMPLETE = report({"north": DONE, "south": DONE})
FILES = files_of(COMPLETE, "en")


def written(directory: Path, one: dict[str, Any], *, in_loop: bool = False) -> bool:
    return write_report(directory, files_of(one, "en"), one, in_loop)


def stores_in(directory: Path) -> dict[str, str]:
    content = json.loads((directory / DATA).read_text("utf-8"))
    return {store["name"]: store["status"] for store in content["stores"]}


def test_the_most_complete_report_of_a_run_stays(tmp_path: Path) -> None:
    assert written(tmp_path, report())
    assert written(tmp_path, COMPLETE)
    assert not written(tmp_path, report())
    assert stores_in(tmp_path) == {"north": "changed", "south": "changed"}
    with pytest.raises(NotWrittenError, match="An earlier item of the loop"):
        written(tmp_path, report({"north": {}, "west": DONE}), in_loop=True)
    assert written(tmp_path, report({"north": {}, "south": {}}, run="another"))
    assert stores_in(tmp_path) == {"north": "not_run", "south": "not_run"}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
ANY_JSON = st.recursive(
    SCALARS | st.sampled_from(["north", "changed", 10**400, -1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["run", "stores", "name", "status", "totals"]), inner, max_size=5
        )
    ),
    max_leaves=8,
)


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.builds(lambda value: json.dumps(value).encode(), ANY_JSON)
    | st.builds(lambda stores: json.dumps({"run": RUN, "stores": stores}).encode(), ANY_JSON)
    | st.builds(
        lambda key, value: json.dumps({**report(), key: value}).encode(),
        st.sampled_from(list(report())),
        ANY_JSON,
    )
    | st.binary(max_size=8)
    | st.sampled_from(
        [
            b"[" * 200_000,
            b'{"run": "' + RUN.encode() + b'", "stores": ' + b"[" * 200_000,
            b'{"run": "' + RUN.encode() + b'", "totals": ' + b"9" * 10_000 + b"}",
            b'{"run": "' + RUN.encode() + b'"' + b" \xff",
            b"\xef\xbb\xbf{}",
            b"[" + b"0," * 500_000 + b"0]",
        ]
    ),
    st.booleans(),
)
def test_any_other_file_is_replaced(tmp_path: Path, content: bytes, in_loop: bool) -> None:
    (tmp_path / DATA).write_bytes(content)
    # As it is not a complete report of this run, it has at most fewer results.
    try:
        assert write_report(tmp_path, FILES, COMPLETE, in_loop)
    except NotWrittenError:
        assert in_loop
        assert (tmp_path / DATA).read_bytes() == content
    else:
        assert stores_in(tmp_path) == {"north": "changed", "south": "changed"}


def test_a_report_of_another_run_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DATA).write_text(json.dumps({"stores": ["x"] * 1000, "run": RUN}))

    def refuse(_text: str) -> None:
        raise AssertionError

    one = report()
    contents = files_of(one, "en")
    monkeypatch.setattr(json, "loads", refuse)
    assert write_report(tmp_path, contents, one)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    fd = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def test_a_lock_that_is_never_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_files, "LOCK_SECONDS", 0.1)
    with locked(tmp_path), pytest.raises(NotWrittenError) as error:
        written(tmp_path, report())
    assert str(tmp_path) in str(error.value)
    assert "another process holds its lock for 0.1 seconds. End that process" in str(error.value)
    assert list(tmp_path.iterdir()) == []
    assert written(tmp_path, report())


def test_root_does_not_write_below_a_directory_of_all_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tmp_path.chmod(0o777)
    with pytest.raises(NotWrittenError, match=f"{tmp_path} can be changed by any user"):
        written(tmp_path / "reports", report())
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o1777)
    assert written(tmp_path / "reports", report())
