# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of the documentation: their links, translations, failure codes and variables."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

import markdown_links
from docs_source import REPOSITORY

DOCS = REPOSITORY / "docs"
URL = "https://host.example/owner/name"
IN_ARCHIVE = re.compile(
    r"docs/[^/]+\.md|README[\w.]*\.md|LICENSE|(changelogs|meta|playbooks|plugins|roles)/"
)
TRANSLATED = ("docs/getting-started.md", "docs/from-excel.md")
PLAYBOOKS = sorted((REPOSITORY / "playbooks").glob("*.yml"))
ROLE_SPECS = REPOSITORY / "roles" / "publica_users" / "meta" / "argument_specs.yml"


def markdown_pages() -> list[Path]:
    """The Markdown files that git does not ignore."""
    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md")
    listed = subprocess.run(words, cwd=REPOSITORY, capture_output=True, check=True, text=True)
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


def test_no_link_of_a_page_is_broken() -> None:
    pages = markdown_pages()
    assert DOCS / "index.md" in pages
    assert [error for page in pages for error in markdown_links.errors_of(page, REPOSITORY)] == []


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("../README.md#one-thing-1", None),
        ("../README.md#code-y-más", None),
        ("#a-page", None),
        ("https://example.org/a?b#c", None),
        ("..", None),
        ("../READ.md", "no such file"),
        ("../README.md#two-things", "README.md has no such anchor"),
        ("#another", "page.md has no such anchor"),
        ("../../elsewhere.md", "is outside the repository"),
        ("/README.md", "is outside the repository"),
        ("https:/example.org", "is not an address"),
        ("ftp://example.org", "is not an address"),
    ],
)
def test_a_broken_link_is_found(target: str, error: str | None, tmp_path: Path) -> None:
    readme = "# One thing\n\n## One thing\n\n## `code`, ¿y más?\n"
    (tmp_path / "README.md").write_text(readme, "utf-8")
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(f"# A page\n\n`[x](nowhere.md)`\n\n[words]({target}) ![image]({target})\n")

    found = list(markdown_links.errors_of(page, tmp_path))

    assert len(found) == (2 if error else 0)
    assert all(
        each.startswith(f"docs/page.md:5: {target} ") and str(error) in each for each in found
    )


def test_links_work_in_the_archive() -> None:
    """Galaxy shows the README alone; the pages in the archive lack examples, pictures and tests."""
    relative = [
        (page, link.target)
        for page in ("README.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md")))
        for link in markdown_links.links_of((REPOSITORY / page).read_text("utf-8"))
        if not urlsplit(link.target).scheme
    ]
    assert [
        (page, target)
        for page, target in relative
        if page == "README.md" or not IN_ARCHIVE.match(os.path.normpath(f"docs/{target}"))
        if not target.startswith("#")
    ] == []


def blocks(path: Path) -> list[str]:
    """The code blocks of a page without their comments, which are translated."""
    found = re.findall(r"^ *```.*?^ *```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(r"(^|\s+)# .*$", "", block, flags=re.MULTILINE) for block in found]


@pytest.mark.parametrize("language", ["es", "pt"])
@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_has_the_same_headings_and_examples(name: str, language: str) -> None:
    page = REPOSITORY / name
    translated = page.with_suffix(f".{language}.md")
    levels = [
        [level for level, _title in markdown_links.headings_of(path.read_text("utf-8"))]
        for path in (page, translated)
    ]
    assert levels[0] == levels[1]
    assert blocks(page) == blocks(translated)


def failure_codes() -> set[str]:
    """The codes of all errors that the plugins create."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (REPOSITORY / "plugins").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    # Two modules can use one name for different codes.
    constants: dict[str, set[object]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    constants.setdefault(target.id, set()).add(node.value.value)
    # The functions that take a code, with its position.
    creators = {"PublicaError": 0, "GuardViolation": 0, "fail": 0, "_failure": 1, "_copy": 2}
    creators |= {
        node.name: 0
        for node in nodes
        if isinstance(node, ast.ClassDef) and node.name != "InvalidInputError"
        if any(isinstance(base, ast.Name) and base.id == "PublicaError" for base in node.bases)
    }
    codes: set[object] = {"invalid_input"}  # InvalidInputError sets it.
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in creators:
            code = dict(enumerate(node.args)).get(creators[node.func.id])
            if isinstance(code, ast.Constant):
                codes.add(code.value)
            elif isinstance(code, ast.Name) and code.id in constants:
                codes |= constants[code.id]
    return {str(code) for code in codes}


def test_troubleshooting_has_a_heading_for_every_failure_code() -> None:
    page = (DOCS / "troubleshooting.md").read_text("utf-8")

    assert {"unauthenticated", "too_many_deactivations", "internal"} <= failure_codes()
    assert sorted(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == sorted(failure_codes())


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_the_variables_of_a_playbook_are_documented(playbook: Path) -> None:
    head, *sections = re.split(
        r"^## ", (DOCS / "playbooks.md").read_text("utf-8"), flags=re.MULTILINE
    )
    [section] = [text for text in sections if text.startswith(f"publica.la.{playbook.stem}\n")]
    source = playbook.read_text("utf-8")
    # A name with two underscores is internal.
    used = {name for name in re.findall(r"\bpublica_\w+", source) if "__" not in name}
    documented = set(re.findall(r"`(publica_\w+)`", head + section))
    specs = yaml.safe_load(ROLE_SPECS.read_text("utf-8"))["argument_specs"]["main"]["options"]
    modules = {path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py")}
    # The playbook's own names: registered results, and variables that it sets.
    own = set(re.findall(r"^ *(?:register: )?(publica_\w+):?$", source, re.MULTILINE))
    own |= set(re.findall(r"^ *(publica_\w+): ", source, re.MULTILINE))

    missing = used - documented - own - modules - {"publica_users", "publica_users_result"}
    assert missing == set()
    in_section = set(re.findall(r"`(publica_\w+)`", section))
    known = used | modules | {"publica_users", "publica_users_result"}
    assert in_section <= known | (set(specs) if "publica.la.publica_users" in source else set())
