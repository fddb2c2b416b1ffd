# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from publica_sandbox.cli import app
from publica_sandbox.switch_values import switch_table

PAGE = Path(__file__).parents[3] / "docs" / "sandbox.md"


@pytest.fixture(scope="module")
def page():
    if not PAGE.exists():
        pytest.skip("the sandbox was taken out of its repository")
    return PAGE.read_text(encoding="utf-8")


def table():
    yield "| # | Switch | Values | |"
    yield "|---|---|---|---|"
    for row in switch_table():
        others = [value for value in row.values.split(" | ") if value != row.default]
        values = ", ".join(f"`{value}`" for value in (row.default, *others) if value != "number")
        yield f"| {row.choice or ''} | `{row.name}` | {values} | {row.about} |"


def test_the_table_of_switches_is_the_one_of_the_program(page):
    shown = page.partition("<!-- switches: begin -->\n")[2].partition("<!-- switches: end -->")[0]
    assert shown.strip().splitlines() == list(table())


def test_every_command_and_option_that_is_shown_exists(page):
    commands = get_command(app).commands
    shown = re.findall(r"python -m publica_sandbox (\w+)([^\n`]*)", page)
    assert {name for name, _ in shown} == set(commands)
    for name, words in shown:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", words)) <= known
