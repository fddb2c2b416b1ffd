# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx extension of this site: listings with file names, languages, accessibility fixes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers.data import JsonLexer
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.directives.code import CodeBlock

# The language of a page, by the suffix of its name (getting-started.es).
LANGUAGES = {".es": "es", ".pt": "pt-BR"}
# Pages of Ansible's documentation that the reference links to. The build makes no network requests,
# so there is no intersphinx.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
ANSIBLE_PAGES = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}


class Listing(CodeBlock):
    """A code block with its file name as caption: ``{listing} yaml group_vars/all.yml``."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[Any]:
        language, name = self.arguments
        self.arguments = [language]
        self.options["caption"] = f"``{name}``"
        return super().run()


# antsibull-docs writes a table of contents into each page; the theme already has one.
CONTENTS = re.compile(r"^\.\. contents::\n(?:   :\w+:.*\n)*", re.MULTILINE)


# Accessibility errors in the HTML of the theme and of antsibull-docs, with their corrections.
ACCESSIBILITY_FIXES = (
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="Sections of this page">'),
    (' aria-role="button"', ""),
    ('<div id="search-results"></div>', '<h1>Search</h1>\n<div id="search-results"></div>'),
    # An empty header cell.
    ('<th class="head"><p></p></th>', "<td></td>"),
)


def remove_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Remove the table of contents from a page of antsibull-docs."""
    if page.startswith("reference/"):
        source[0] = CONTENTS.sub("", source[0])


def set_language(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Set the ``lang`` attribute of a page."""
    for ending, language in LANGUAGES.items():
        if page.endswith(ending):
            context["language"] = language


def link_to_ansible(_app: Sphinx, _env: Any, node: Any, text: nodes.Element) -> nodes.Node | None:
    """Link to Ansible's documentation for a label that this site does not have."""
    address = ANSIBLE_PAGES.get(node.get("reftarget", ""))
    return None if address is None else nodes.reference("", "", text, refuri=address)


def fix_accessibility(app: Sphinx, error: Exception | None) -> None:
    """Apply the accessibility fixes to the finished pages."""
    if error is not None or app.builder.name != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        for wrong, right in ACCESSIBILITY_FIXES:
            text = text.replace(wrong, right)
        page.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_directive("listing", Listing)
    app.add_lexer("csv", TextLexer)
    app.add_lexer("jsonl", JsonLexer)
    app.connect("source-read", remove_contents)
    app.connect("missing-reference", link_to_ansible)
    app.connect("html-page-context", set_language)
    app.connect("build-finished", fix_accessibility)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
