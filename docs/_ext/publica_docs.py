# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this site needs beside Sphinx: listings with a file's name, and pages in other languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers.data import JsonLexer
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.directives.code import CodeBlock

# A page's language by the end of its name, as in getting-started.es.
LANGUAGES = {".es": "es", ".pt": "pt-BR"}
# Where the reference speaks of what Ansible's own documentation explains. The build asks no other
# host, so the addresses stand here.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
ANSIBLES_OWN = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}


class Listing(CodeBlock):
    """A block of code with the name of its file above it: ``{listing} yaml group_vars/all.yml``."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[Any]:
        language, name = self.arguments
        self.arguments = [language]
        self.options["caption"] = f"``{name}``"
        return super().run()


# The theme has a list of a page's sections at its side, so the one that antsibull-docs writes into
# the page would be the second.
CONTENTS = re.compile(r"^\.\. contents::\n(?:   :\w+:.*\n)*", re.MULTILINE)


# What the theme and the tools write that a screen reader stumbles over, and what it is to be.
FOR_EVERYBODY = (
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="Sections of this page">'),
    (' aria-role="button"', ""),
    ('<div id="search-results"></div>', '<h1>Search</h1>\n<div id="search-results"></div>'),
    # A corner of a table that heads nothing.
    ('<th class="head"><p></p></th>', "<td></td>"),
)


def fit_reference(_app: Sphinx, page: str, source: list[str]) -> None:
    """Fit a page of antsibull-docs into the site, before it is read."""
    if page.startswith("reference/"):
        source[0] = CONTENTS.sub("", source[0])


def say_language(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Let a browser and a screen reader know which language a page is in."""
    for ending, language in LANGUAGES.items():
        if page.endswith(ending):
            context["language"] = language


def find_in_ansible(_app: Sphinx, _env: Any, node: Any, text: nodes.Element) -> nodes.Node | None:
    """A link to Ansible's documentation, for one of its labels that this site does not have."""
    address = ANSIBLES_OWN.get(node.get("reftarget", ""))
    return None if address is None else nodes.reference("", "", text, refuri=address)


def mend_for_everybody(app: Sphinx, error: Exception | None) -> None:
    """Make the finished pages fit for screen readers, where theme and tools leave something."""
    if error is not None or app.builder.name != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        for said, better in FOR_EVERYBODY:
            text = text.replace(said, better)
        page.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Make it known to Sphinx."""
    app.add_directive("listing", Listing)
    app.add_lexer("csv", TextLexer)
    app.add_lexer("jsonl", JsonLexer)
    app.connect("source-read", fit_reference)
    app.connect("missing-reference", find_in_ansible)
    app.connect("html-page-context", say_language)
    app.connect("build-finished", mend_for_everybody)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
