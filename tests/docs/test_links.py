# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No link of a page is broken, as the pages lie in the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import docs_source
import markdown_links
from support.paths import REPOSITORY

URL = "https://host.example/owner/name"
OWN = "https://github.com/publica-la/ansible-collection-publica.la"
RAW = "https://raw.githubusercontent.com/publica-la/ansible-collection-publica.la/main"


def markdown_pages() -> list[Path]:
    """Every Markdown file that git knows or does not ignore."""
    words = ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run([*words, "-z", "*.md"], capture_output=True, check=True, text=True)
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize(
    "page", markdown_pages(), ids=lambda page: str(page.relative_to(REPOSITORY))
)
def test_no_link_of_a_page_is_broken(page: Path) -> None:
    assert list(markdown_links.faults_of(page, REPOSITORY)) == []


def test_the_pages_are_looked_at() -> None:
    pages = {str(page.relative_to(REPOSITORY)) for page in markdown_pages()}
    assert {"README.md", "docs/index.md", "roles/publica_users/README.md"} <= pages
    assert (
        sum(1 for page in markdown_pages() for _ in markdown_links.links_of(page.read_text())) > 150
    )


def faults(folder: Path, text: str) -> list[str]:
    page = folder / "docs" / "page.md"
    page.parent.mkdir(exist_ok=True)
    (folder / "README.md").write_text(
        "# One thing\n\n## One thing\n\n## `code`, ¿y más?\n", "utf-8"
    )
    page.write_text(text, "utf-8")
    return [fault.split(": ", 1)[1] for fault in markdown_links.faults_of(page, folder)]


@pytest.mark.parametrize(
    "target",
    [
        "../README.md",
        "../README.md#one-thing",
        "../README.md#one-thing-1",
        "../README.md#code-y-más",
        "#a-page",
        "https://example.org/a?b#c",
        f"{OWN}/blob/main/README.md#one-thing",
        f"{OWN}/tree/main/docs",
        f"{OWN}/issues",
        "..",
    ],
)
def test_a_good_link_is_none_of_the_faults(target: str, tmp_path: Path) -> None:
    assert faults(tmp_path, f"# A page\n\n[words]({target}) and ![a picture]({target})\n") == []


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("../READ.md", "leads to no file"),
        ("../README.md#two-things", "names an anchor that README.md does not have"),
        (f"{OWN}/blob/main/READ.md", "leads to no file"),
        (f"{RAW}/docs/images/none.png", "leads to no file"),
        ("#another", "names an anchor that page.md does not have"),
        ("../../elsewhere.md", "leads out of the repository"),
        ("/README.md", "leads out of the repository"),
        ("https:/example.org", "is no address"),
        ("ftp://example.org", "is no address"),
    ],
)
def test_a_bad_link_is_told_with_its_line(target: str, fault: str, tmp_path: Path) -> None:
    [told] = faults(tmp_path, f"# A page\n\n| a |\n|---|\n| [words]({target}) |\n")
    assert fault in told
    [whole] = markdown_links.faults_of(tmp_path / "docs" / "page.md", tmp_path)
    assert whole.startswith(f"docs/page.md:5: {target} ")


def test_what_is_no_link_is_left_alone(tmp_path: Path) -> None:
    text = "# A page\n\n```text\n[words](nowhere.md)\n```\n\n`[words](nowhere.md)`\n"
    assert faults(tmp_path, text) == []


PAGES = {
    "docs/a.md": "a.md",
    "docs/examples/one/README.md": "examples/one/README.md",
    "README.md": "overview.md",
}


@pytest.mark.parametrize(
    ("page", "target", "becomes"),
    [
        ("docs/a.md", "examples/one/README.md#how", "examples/one/README.md#how"),
        ("docs/examples/one/README.md", "../../a.md", "../../a.md"),
        ("docs/examples/one/README.md", "../../../README.md#x", "../../overview.md#x"),
        ("README.md", "docs/a.md", "a.md"),
        ("README.md", "LICENSE", f"{URL}/blob/main/LICENSE"),
        ("docs/a.md", "../tests", f"{URL}/tree/main/tests"),
        ("docs/a.md", "../plugins/modules/publica_user.py", "reference/publica_user_module.rst"),
        ("docs/a.md", "#here", "#here"),
        ("docs/a.md", "https://example.org/", "https://example.org/"),
        ("docs/a.md", "images/a.png", "images/a.png"),
        ("docs/examples/one/README.md", f"{RAW}/docs/images/a.png", "../../images/a.png"),
        ("docs/a.md", f"{OWN}/tree/main/docs/examples", f"{OWN}/tree/main/docs/examples"),
        ("docs/a.md", f"{OWN}/blob/main/docs/examples/one/README.md#x", "examples/one/README.md#x"),
    ],
)
def test_a_link_of_the_site_leads_where_the_pages_does(
    page: str, target: str, becomes: str
) -> None:
    assert docs_source.site_link(target, page, PAGES, REPOSITORY, URL) == becomes


def test_only_links_and_names_of_files_are_rewritten() -> None:
    text = (
        "[a](b.md)\n\n```yaml vars group_vars/all.yml\n[c](d.md): 1\n```\n\n"
        "```yaml tasks\n- x\n```\n\n- in a list\n\n  ```csv file seats.csv\n  id\n  ```\n"
    )
    assert docs_source.rewritten(text, str.upper) == (
        "[a](B.MD)\n\n```{listing} yaml group_vars/all.yml\n[c](d.md): 1\n```\n\n"
        "```yaml tasks\n- x\n```\n\n- in a list\n\n  ```{listing} csv seats.csv\n  id\n  ```\n"
    )


def test_the_index_of_a_folder_has_its_pages_below_it() -> None:
    text = "# Decisions\n\n[b](b.md), [a](a.md#x), [b](b.md), [up](../c.md), [a file](d.txt)\n"
    assert docs_source.children(text) == ["b.md", "a.md"]
    assert docs_source.contents(["b.md", "a.md"]).split() == [
        "```{toctree}",
        ":hidden:",
        "b",
        "a",
        "```",
    ]
    assert docs_source.contents([]) == ""
