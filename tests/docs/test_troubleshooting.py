# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page Troubleshooting has every failure code, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from support.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "troubleshooting.md").read_text("utf-8")
# The constructors whose first argument is a failure code.
CONSTRUCTORS = {
    "PublicaError",
    "FatalError",
    "NotFoundError",
    "RejectedError",
    "LostAnswerError",
    "Verdict",
    "GuardViolation",
}


def failure_codes(trees: Iterable[ast.Module]) -> set[str]:
    """Every failure code that the code can return."""
    trees = list(trees)
    constants = {
        target.id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    codes = {"invalid_input"}  # InvalidInputError sets its code itself.
    for call in (node for tree in trees for node in ast.walk(tree)):
        if (
            not isinstance(call, ast.Call)
            or getattr(call.func, "id", "") not in CONSTRUCTORS
            or not call.args
        ):
            continue
        code = call.args[0]
        if isinstance(code, ast.Constant):
            codes.add(str(code.value))
        elif isinstance(code, ast.Name) and code.id in constants:
            codes.add(constants[code.id])
    return codes


CODES = failure_codes(
    ast.parse(path.read_text("utf-8")) for path in (REPOSITORY / "plugins").rglob("*.py")
)


def test_the_codes_are_found() -> None:
    assert {"invalid_input", "unauthenticated", "too_many_deactivations", "internal"} <= CODES
    assert len(CODES) >= 30


def test_every_code_has_one_heading_and_every_heading_is_a_code() -> None:
    assert sorted(re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)) == sorted(CODES)
