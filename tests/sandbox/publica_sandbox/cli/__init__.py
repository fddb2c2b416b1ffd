# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line."""

from __future__ import annotations

import sys

import typer

from ..control_client import ControlError
from ..faults import FaultError
from ..seeding import SeedError
from ..switch_values import SwitchError
from . import data, serving, steering

app = typer.Typer(
    name="publica_sandbox",
    help="A store on this machine, for trying out playbooks and for tests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUN, DATA, STEER = "Run a store", "Look at its data", "Steer a running store"

app.command("serve", rich_help_panel=RUN)(serving.serve)
app.command("seed", rich_help_panel=RUN)(data.seed)
app.command("switches", rich_help_panel=RUN)(steering.switches)
app.command("show", rich_help_panel=DATA)(data.show)
app.command("journal", rich_help_panel=DATA)(data.journal)
app.command("set", rich_help_panel=STEER)(steering.set_switches)
app.command("fault", rich_help_panel=STEER)(steering.fault)
app.command("reset", rich_help_panel=STEER)(steering.reset)


def main() -> None:
    """Run a command; what a user can get wrong ends in one line, not in a traceback."""
    try:
        app()
    except (ControlError, FaultError, SeedError, SwitchError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
