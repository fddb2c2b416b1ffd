# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report's page in each language and look, checked against the accessibility rules of axe."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

import samples
from conftest import Opener

SHOWN: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}},
    "narrow and dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    "print": {"color_scheme": "light"},
}
REPORTS = {
    "everything": samples.of_every_kind,
    "nothing differs": lambda: samples.report({"north": samples.result()}),
    "nothing known": lambda: samples.report({"north": {}}),
    "hostile": lambda: samples.report({samples.HOSTILE[1]: samples.hostile()}),
}
# One report in every look and in every language, the others in the two looks that differ most.
CASES = [
    *(("everything", shown, "en") for shown in SHOWN),
    *(("everything", "light", language) for language in ("es", "pt")),
    *((name, shown, "en") for name in list(REPORTS)[1:] for shown in ("light", "narrow and dark")),
]


@pytest.mark.parametrize(("name", "shown", "language"), CASES)
def test_axe_reports_no_violation(
    open_report: Opener, name: str, shown: str, language: str
) -> None:
    page = open_report(REPORTS[name](), language, **SHOWN[shown]).page
    if shown == "print":
        page.emulate_media(media="print")
    for summary in page.locator("summary").all():
        summary.click()

    found = Axe().run(page)

    violations = [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:5]]}"
        for one in found.response["violations"]
    ]
    assert violations == []
    assert len(found.response["passes"]) > 10
