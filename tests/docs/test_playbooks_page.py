# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on the playbooks has each of them, and every variable that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import pytest
import yaml

from support.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "playbooks.md").read_text("utf-8")
PLAYBOOKS = {
    f"publica.la.{path.stem}": path for path in sorted((REPOSITORY / "playbooks").glob("*.yml"))
}
# The role sets it for whoever runs it.
RESULT_OF_ROLE = "publica_users_result"
# Ansible's own filters and tests, which the grammar alone does not know.
GRAMMAR = jinja2.Environment(autoescape=False)  # noqa: S701  (nothing is rendered)


def sections() -> dict[str, str]:
    """The text of each section, by its heading."""
    head, *rest = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return {"": head, **{section.split("\n", 1)[0]: section for section in rest}}


def texts(node: Any) -> Iterator[str]:
    """Every text of a playbook."""
    if isinstance(node, dict):
        for key, value in node.items():
            # A condition is an expression without braces.
            if key in ("when", "that", "changed_when", "failed_when", "until"):
                conditions = value if isinstance(value, list) else [value]
                yield from (f"{{{{ {condition} }}}}" for condition in conditions)
            else:
                yield from texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)
    elif isinstance(node, str):
        yield node


def assigned(node: Any) -> Iterator[str]:
    """What a playbook sets itself: by vars, register, set_fact or as a loop's variable."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("vars", "set_fact", "ansible.builtin.set_fact") and isinstance(value, dict):
                yield from value
            elif key in ("register", "loop_var", "index_var"):
                yield str(value)
            yield from assigned(value)
    elif isinstance(node, list):
        for item in node:
            yield from assigned(item)


def read_by(playbook: Path) -> set[str]:
    """The variables of the collection that a playbook reads and somebody else has to set."""
    plays = yaml.safe_load(playbook.read_text("utf-8"))
    named = (jinja2.meta.find_undeclared_variables(_parsed(text)) for text in texts(plays))
    # Two underscores make a name internal to the role, by Ansible's own custom.
    ours = re.compile(r"publica_(?!\w*__)")
    read = {name for names in named for name in names if ours.match(name)}
    return read - set(assigned(plays)) - {RESULT_OF_ROLE}


def _parsed(text: str) -> jinja2.nodes.Template:
    patterns = {"filters": r"\|\s*([\w.]+)", "tests": r"\bis (?:not )?([\w.]+)"}
    for kind, pattern in patterns.items():
        for name in re.findall(pattern, text):
            getattr(GRAMMAR, kind).setdefault(name, str)
    # A pattern's backslash says nothing of names.
    return GRAMMAR.parse(text.replace("\\", ""))


def test_each_playbook_has_a_section_and_no_section_is_stale() -> None:
    assert set(sections()) - {""} == set(PLAYBOOKS)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbooks_variables_are_on_the_page(name: str) -> None:
    # What several have in common stands above the first section.
    text = sections()[""] + sections()[name]
    missing = {variable for variable in read_by(PLAYBOOKS[name]) if f"`{variable}`" not in text}
    assert not missing, f"docs/playbooks.md does not have {sorted(missing)} under {name}"


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_variable_of_the_page_is_stale(name: str) -> None:
    """A variable in a section is read by its playbook, or by the role if the playbook runs it."""
    told = set(re.findall(r"`(publica_\w+)`", sections()[name]))
    source = PLAYBOOKS[name].read_text("utf-8")
    role = "publica.la.publica_users" in source
    known = read_by(PLAYBOOKS[name]) | set(re.findall(r"publica_\w+", source))
    if role:
        specs = REPOSITORY / "roles" / "publica_users" / "meta" / "argument_specs.yml"
        known |= set(yaml.safe_load(specs.read_text("utf-8"))["argument_specs"]["main"]["options"])
    modules = {path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py")}
    assert told <= known | modules | {"publica_users", RESULT_OF_ROLE}


def test_the_table_names_every_playbook_with_its_section() -> None:
    for name in PLAYBOOKS:
        assert f"[`{name}`](#{name.replace('.', '')})" in sections()[""]


def test_a_variable_that_is_read_is_found(tmp_path: Path) -> None:
    playbook = tmp_path / "one.yml"
    playbook.write_text(
        "- hosts: \"{{ publica_hosts | default('all') }}\"\n"
        "  vars:\n    publica_own: 1\n"
        "  tasks:\n"
        "    - ansible.builtin.debug:\n        msg: '{{ publica_own }} {{ publica_that | bool }}'\n"
        "      when: publica_if is defined\n      register: publica_seen\n",
        "utf-8",
    )
    assert read_by(playbook) == {"publica_hosts", "publica_that", "publica_if"}
