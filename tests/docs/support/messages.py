# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the code can say to an operator: the codes of failures, and every text with a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

# What stands for a value that differs each time, in a text and on the page.
GAP = "…"
# A text of fewer words is a name, a unit or a pattern.
FEWEST_WORDS = 3
# What makes an error by its first argument, the code.
MAKERS = {
    "PublicaError",
    "FatalError",
    "NotFoundError",
    "RejectedError",
    "LostAnswerError",
    "Verdict",
}
# What a module says of itself is on the pages of the reference.
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


@dataclass(frozen=True)
class Text:
    """A text of the code, with gaps for its values, and where it stands."""

    file: str
    line: int
    whole: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def fixed_parts(text: str) -> list[str]:
    """What stands between the gaps of a text, without what joins it to them."""
    return [part.strip(" :;.") for part in text.split(GAP) if part.strip(" :;.")]


def python_files(repository: Path) -> dict[str, ast.Module]:
    """The plugins' files, parsed, by their path; without those that are documentation alone."""
    return {
        str(path.relative_to(repository)): ast.parse(path.read_text("utf-8"))
        for path in sorted((repository / "plugins").rglob("*.py"))
        if "doc_fragments" not in path.parts
    }


def codes_of(files: dict[str, ast.Module]) -> set[str]:
    """Every code that an error of the collection can have."""
    constants = {
        target.id: node.value.value
        for tree in files.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    codes = {"invalid_input"}  # InvalidInputError sets it itself.
    for call in (node for tree in files.values() for node in ast.walk(tree)):
        if (
            not isinstance(call, ast.Call)
            or getattr(call.func, "id", "") not in MAKERS
            or not call.args
        ):
            continue
        code = call.args[0]
        if isinstance(code, ast.Constant):
            codes.add(str(code.value))
        elif isinstance(code, ast.Name) and code.id in constants:
            codes.add(constants[code.id])
    return codes


def texts_of(files: dict[str, ast.Module]) -> Iterator[Text]:
    """Every text of the code that has words enough to be a part of a message."""
    for file, tree in files.items():
        silent = set(_documentation(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                silent.update(id(part) for part in ast.walk(node) if isinstance(part, ast.Constant))
        for node in ast.walk(tree):
            if id(node) in silent or not isinstance(node, (ast.Constant, ast.JoinedStr)):
                continue
            whole = _with_gaps(node)
            if any(is_spoken(part) for part in fixed_parts(whole)):
                yield Text(file, node.lineno, whole)


def texts_of_yaml(repository: Path) -> Iterator[Text]:
    """What the playbooks and the role say where they fail."""
    for folder in ("playbooks", "roles"):
        for path in sorted((repository / folder).rglob("*.yml")):
            for said in _failures(yaml.safe_load(path.read_text("utf-8"))):
                whole = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", GAP, " ".join(said.split()))
                yield Text(str(path.relative_to(repository)), 1, whole)


def _failures(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "fail_msg" or (key == "msg" and "ansible.builtin.fail" in str(node)):
                yield str(value)
            elif key == "ansible.builtin.fail" and isinstance(value, dict):
                yield str(value.get("msg", ""))
            else:
                yield from _failures(value)
    elif isinstance(node, list):
        for item in node:
            yield from _failures(item)


def _documentation(tree: ast.Module) -> Iterator[int]:
    """The nodes that are documentation of the code itself."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield id(body[0].value)
        if isinstance(node, ast.Assign) and _names(node.targets) & DOCUMENTATION:
            yield id(node.value)
        # A text alone on its line documents the field above it.
        if isinstance(node, ast.Expr):
            yield id(node.value)


def _names(targets: Iterable[ast.expr]) -> set[str]:
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _with_gaps(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values
        )
    return node.value if isinstance(node.value, str) else ""


def is_spoken(part: str) -> bool:
    """Whether a part has words enough, and is no regular expression."""
    words = [word for word in part.split() if re.search(r"[A-Za-z]", word)]
    return len(words) >= FEWEST_WORDS and "\\" not in part
