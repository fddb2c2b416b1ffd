# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on security promises nothing whose test is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"


def promises() -> list[tuple[str, str]]:
    """Each promise, and what stands in the column of its test."""
    section = PAGE.read_text(encoding="utf-8").split("## What is promised\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [(promise.strip(), test.strip()) for promise, test in rows[1:]]


def test_there_are_promises() -> None:
    assert len(promises()) > 10


@pytest.mark.parametrize(("promise", "test"), promises(), ids=[test for _, test in promises()])
def test_each_promise_has_a_test_that_exists(promise: str, test: str) -> None:
    named = re.fullmatch(r"`(tests/[\w/]+\.py)::(\w+)`", test)
    assert named is not None, f"{promise}: {test} names no test"
    tree = ast.parse((ROOT / named[1]).read_text(encoding="utf-8"))
    found = [node for node in tree.body if getattr(node, "name", None) == named[2]]
    assert len(found) == 1, f"{promise}: {named[1]} has no {named[2]}"
    # A class without a test in it, or a test that asserts nothing, holds no promise.
    tests = [
        node
        for node in ast.walk(found[0])
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert tests
    for each in tests:
        assert any(_asserts(node) for node in ast.walk(each)), f"{each.name} asserts nothing"


def _asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return name == "raises" or name.startswith("assert_")
    return isinstance(node, ast.Assert)
