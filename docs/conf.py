# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the documentation site; `make docs` lays out the source and builds it."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "publica.la"
author = "the publica.la collection's authors"
project_copyright = f"2026, {author}"
# docs_source.py writes this file from galaxy.yml.
release = (HERE / "VERSION").read_text("utf-8").strip()
version = release

extensions = ["myst_parser", "sphinx_antsibull_ext", "publica_docs"]
root_doc = "index"
# antsibull-docs always writes these; reference.md replaces them.
exclude_patterns = ["reference/index.rst", "reference/environment_variables.rst"]
nitpicky = True

# The same heading anchors as GitHub, so that links work in both places.
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block", "attrs_inline"]

html_theme = "furo"
html_title = "publica.la"
html_static_path = ["_static"]
html_css_files = ["publica.css"]
html_js_files = ["publica.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
# publica.css has the colours of the reference, for light and dark mode.
antsibull_ext_color_scheme = "none"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5c6b",
        "color-brand-content": "#0b5c6b",
        "color-brand-visited": "#5b3f8c",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6fcbd9",
        "color-brand-content": "#6fcbd9",
        "color-brand-visited": "#c0a6f0",
    },
}
