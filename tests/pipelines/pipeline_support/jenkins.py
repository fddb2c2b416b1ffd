# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example for Jenkins as runnable jobs.

A Groovy parser reads the file; stages, conditions, environments and steps come from its tree.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import tree_sitter_groovy
from tree_sitter import Language, Node, Parser

from .jobs import Download, Job, JobRun, Machine, Script, Step, Upload
from .paths import JENKINS
from .records import RecordsDirectory
from .site import Site

CALLS = ("method_invocation", "juxt_function_call")


def tree() -> Node:
    """The file's syntax tree."""
    return Parser(Language(tree_sitter_groovy.language())).parse(JENKINS.read_bytes()).root_node


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def literal(node: Node) -> str:
    text = text_of(node)
    quotes = text[:3] if text.startswith(("'''", '"""')) else text[0]
    return text[len(quotes) : -len(quotes)].replace("\\'", "'")


def calls(node: Node, name: str) -> Iterator[Node]:
    """The calls of a name below a node, in order."""
    for child in node.named_children:
        if child.type in CALLS and _name(child) == name:
            yield child
        yield from calls(child, name)


def _name(call: Node) -> str:
    found = call.child_by_field_name("name")
    return text_of(found) if found else ""


def literals(node: Node) -> list[str]:
    kinds = ("character_literal", "string_literal")
    found = [literal(child) for child in node.named_children if child.type in kinds]
    for child in node.named_children:
        if child.type not in kinds and child.type != "closure":
            found += literals(child)
    return found


def stage(name: str) -> Node:
    [found] = [node for node in calls(tree(), "stage") if literals(node)[0] == name]
    return found


def parts(call: Node) -> list[str]:
    """The names of the statements of a block, such as ``agent`` and ``steps`` of a stage."""
    body = call.child_by_field_name("body")
    assert body is not None
    return [name for node in body.named_children if (name := _head(node))]


def parts_of_when(name: str) -> list[str]:
    [when] = calls(stage(name), "when")
    return parts(when)


def _head(node: Node) -> str:
    """The first word of a statement. Empty for a comment."""
    if node.type.endswith("comment"):
        return ""
    return text_of(node).split(maxsplit=1)[0].partition("(")[0]


class Jenkins:
    def __init__(self, site: Site, machine: Machine) -> None:
        self._credentials = {
            name.lower().replace("_", "-"): token for name, token in site.tokens.items()
        }
        self._machine = machine
        self.description = ""
        self.records = RecordsDirectory(machine.artifacts.with_name("records"))

    def review(self) -> JobRun:
        return self._plan()

    def plan(self) -> JobRun:
        return self._plan()

    def _plan(self) -> JobRun:
        run = self.stage("Plan")
        # The last script of the stage prints the description of the build.
        self.description = run.output.splitlines()[-1].strip() if not run.failed else ""
        return run

    def shown(self) -> str:
        return self.description

    def apply(self) -> JobRun | None:
        [condition] = calls(stage("Apply"), "expression")
        assert "currentBuild.description" in text_of(condition)
        return self.stage("Apply") if self.description else None

    def audit(self) -> JobRun:
        return self.stage("Audit")

    def stage(self, name: str) -> JobRun:
        found = stage(name)
        return self._machine.run(Job(name, list(_steps(found)), self._environment(found)))

    def _environment(self, found: Node) -> Mapping[str, str]:
        [environment] = calls(found, "environment")
        # In place of the agents' directory.
        given = {"PUBLICA_RECORDS_DIR": str(self.records.folder)}
        for call in calls(environment, "credentials"):
            assignment = call.parent
            assert assignment is not None
            variable = assignment.child_by_field_name("left")
            assert variable is not None
            given[text_of(variable)] = self._credentials[literals(call)[0]]
        return given


def _steps(found: Node) -> Iterator[Step]:
    [steps] = calls(found, "steps")
    for node in _in_order(steps):
        kind = _name(node)
        if kind == "sh":
            yield Script(textwrap.dedent(literals(node)[-1]), name=kind)
        elif kind == "unstash":
            yield Download(literals(node)[0])
        elif kind == "stash":
            name, includes = literals(node)
            yield Upload(name, [includes.removesuffix("/**")])
    for call in calls(found, "archiveArtifacts"):
        names = [name.strip().removesuffix("/**") for name in literals(call)[0].split(",")]
        yield Upload("archive", names, always=True)


def _in_order(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type in CALLS and _name(child) in ("sh", "stash", "unstash"):
            yield child
        else:
            yield from _in_order(child)
