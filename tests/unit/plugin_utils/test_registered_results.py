# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report reads of registered results: of loops, of other tasks, and their warnings."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.report.model import (
    NotAResultError,
    registered_results,
)

SUMMARY = {"desired": 1, "created": 1}
DONE: dict[str, Any] = {"changed": True, "summary": SUMMARY, "results": [{"email": "a@b.example"}]}


class HostVars(dict[str, Any]):
    """The part of Ansible's ``hostvars`` that a report uses."""

    def raw_get(self, host: str) -> Any:
        return self[host]


def results_of(registered: Any) -> Mapping[str, Any]:
    return registered_results(["press"], HostVars(press={"mine": registered}), "mine")


def loop(*items: Any, **more: Any) -> dict[str, Any]:
    results = [{**DONE, "ansible_loop_var": "one", "one": item} for item in items]
    return {"changed": True, "results": results, **more}


@pytest.mark.parametrize(
    ("items", "names"),
    [
        (["fiction", "poems"], ["press (fiction)", "press (poems)"]),
        ([{"name": "fiction", "token": "x"}], ["press (fiction)"]),
        ([{"key": "fiction", "value": {}}], ["press (fiction)"]),
        (["fiction", "fiction"], ["press (1)", "press (2)"]),
        ([{"token": "x"}, "poems"], ["press (1)", "press (2)"]),
        (["x" * 40, 7], ["press (1)", "press (2)"]),
        (["https://user:secret@store.example.org"], ["press (1)"]),
    ],
)
def test_items_of_a_loop(items: list[Any], names: list[str]) -> None:
    found = results_of(loop(*items))

    assert list(found) == names
    assert all(one["summary"] == SUMMARY and "one" not in one for one in found.values())


@pytest.mark.parametrize(
    "warning",
    [
        "Bruno stays deactivated.",
        SimpleNamespace(event=SimpleNamespace(msg="Bruno stays deactivated.", chain=None)),
    ],
)
def test_warnings(warning: Any) -> None:
    """From ansible-core 2.19 on, a warning is an object."""
    found = results_of({**DONE, "warnings": [warning]})

    assert found["press"]["warnings"] == ["Bruno stays deactivated."]


def test_warnings_that_a_loop_has_instead_of_its_items() -> None:
    registered = loop("a", "b", warnings=["of b", "other", "kept"])
    first, second = registered["results"]
    first["warnings"] = ["kept"]
    second["guard"] = {"code": "too_many_deactivations", "warning": "of b"}

    found = results_of(registered)

    assert found["press (a)"]["warnings"] == ["kept", "An item of the loop: other"]
    assert found["press (b)"]["warnings"] == ["of b"]


@pytest.mark.parametrize(
    "registered",
    [
        "text",
        {"changed": True, "stdout": "x"},
        {"started": 1, "finished": 0, "ansible_job_id": "1.2", "changed": False},
        loop("a") | {"results": [{"ansible_loop_var": "one", "one": "a", "changed": True}]},
    ],
)
def test_what_is_no_result(registered: Any) -> None:
    with pytest.raises(NotAResultError, match="mine of press"):
        results_of(registered)


@pytest.mark.parametrize(
    "registered",
    [
        {"skipped": True, "changed": False},
        {"failed": True, "msg": "x"},
        {"unreachable": True, "msg": "x"},
        {"skipped": True, "results": [], "changed": False},
        DONE,
    ],
)
def test_what_is_one(registered: dict[str, Any]) -> None:
    assert list(results_of(registered)) == ["press"]
    assert results_of(None) == {"press": {}}
