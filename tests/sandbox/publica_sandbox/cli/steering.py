# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands for switches and faults, most of which talk to a running store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..control_client import ControlClient
from ..database import reset_file
from ..faults import fault_values, parse_fault
from ..switch_values import parse_assignments, spell, switch_table
from .options import AsJson, Url, existing
from .tables import table


def switches(as_json: AsJson = False) -> None:
    """List the switches: name, values (the default first), open choice."""
    rows = switch_table()
    if as_json:
        typer.echo(json.dumps([_switch_as_json(row) for row in rows], indent=2))
        return
    lines = [
        (str(row.choice or ""), f"{row.name}\n[dim]{row.about}[/dim]", _default_first(row))
        for row in rows
    ]
    table(["#", "switch", "values, default first"], lines)


def set_switches(
    assignments: Annotated[list[str] | None, typer.Argument(metavar="SWITCH=VALUE...")] = None,
    url: Url = "",
) -> None:
    """Change switches, or print those that differ from their defaults."""
    client = ControlClient(url)
    if assignments:
        client.call("PATCH", "/switches", parse_assignments(assignments))
    current = client.call("GET", "/switches")
    for row in switch_table():
        if (value := spell(current[row.name])) != row.default:
            typer.echo(f"{row.name}={value}")


def fault(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="401, 403, 429, 500, 502, 503, 504, close_before, close_after, cut, hang, "
            "html_200, other_json or redirect. Without it, the rules are listed."
        ),
    ] = None,
    url: Url = "",
    endpoint: Annotated[
        str,
        typer.Option(help="create, list, update, deactivate, reactivate, force_logout or any."),
    ] = "any",
    nth: Annotated[int | None, typer.Option(help="Only the nth request from now on.")] = None,
    every: Annotated[int | None, typer.Option(help="Every nth request.")] = None,
    times: Annotated[int, typer.Option(help="How often; 0 means without end.")] = 1,
    applied: Annotated[
        str | None, typer.Option(help="`before` or `after` the store has done its work.")
    ] = None,
    body: Annotated[str | None, typer.Option(help="`html` or `json`, for an error.")] = None,
    retry_after: Annotated[int | None, typer.Option(help="Seconds in Retry-After.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a `hang`; otherwise 30.")] = None,
    location: Annotated[str | None, typer.Option(help="Where a `redirect` leads to.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all rules first.")] = False,
) -> None:
    """Let requests fail, or print the rules."""
    client = ControlClient(url)
    if clear:
        client.call("DELETE", "/faults")
    if kind is not None:
        rule = fault_values(
            kind,
            times or None,
            endpoint=endpoint,
            nth=nth,
            every=every,
            applied=applied,
            body=body,
            retry_after=retry_after,
            seconds=seconds,
            location=location,
        )
        # Looked at here, so that a mistake is told even where no store answers.
        parse_fault(rule)
        client.call("POST", "/faults", rule)
    for row in client.call("GET", "/faults"):
        typer.echo("  ".join(f"{name}={spell(value)}" for name, value in row.items()))


def reset(
    url: Url = "",
    database: Annotated[
        Path | None, typer.Option("--database", "-d", help="The file of a store at rest.")
    ] = None,
) -> None:
    """Empty a store: a running one (--url), or one at rest (--database)."""
    if database is not None:
        reset_file(existing(database))
    else:
        ControlClient(url).call("POST", "/reset")
    typer.echo("The store is empty.")


def _default_first(row: Any) -> str:
    values = row.values.split(" | ")
    if row.default not in values:
        return f"[bold]{row.default}[/bold]"
    values.remove(row.default)
    return "\n".join([f"[bold]{row.default}[/bold]", *values])


def _switch_as_json(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "values", "default", "choice", "about")}
