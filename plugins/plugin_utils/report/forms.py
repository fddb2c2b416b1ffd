# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: the same in four forms. Pure, but for the page's own templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .files import DATA
from .html import page
from .junit import junit
from .markdown import markdown
from .texts import Texts

PAGE, MARKDOWN, JUNIT = "index.html", "report.md", "junit.xml"


def forms_of(report: Mapping[str, Any], language: str) -> dict[str, str]:
    """The content of each file by its name."""
    texts = Texts(language)
    return {
        PAGE: page(report, texts),
        # Every character that is no ASCII as its code: a half of one could not be written.
        DATA: f"{json.dumps({**report, 'language': language}, indent=1)}\n",
        MARKDOWN: markdown(report, texts),
        JUNIT: junit(report, texts),
    }
