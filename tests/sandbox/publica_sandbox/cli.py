# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from . import database_state, seeding
from .control import ControlClient, ControlError
from .database import moment, open_database, reset_file, store_time, transaction
from .faults import FaultError, fault_values, parse_fault
from .server import SandboxServer
from .state import DEFAULT_TOKEN, StoreState
from .switches import SwitchError, SwitchInfo, format_value, parse_assignments, switch_table

app = typer.Typer(
    name="publica_sandbox",
    help="A store on this machine, to try playbooks and for tests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUN, DATA, CONTROL = "Run a store", "Look at its data", "Control a running store"
DEFAULT_DATABASE = Path("publica-sandbox.sqlite3")
SECRETS = frozenset({"password_hash", "impersonation_secret", "email_key"})

Database = Annotated[
    Path,
    typer.Option(
        "--database", "-d", envvar="PUBLICA_SANDBOX_DATABASE", help="The store's SQLite file."
    ),
]
Url = Annotated[
    str,
    typer.Option("--url", envvar="PUBLICA_BASE_URL", help="The address that `serve` prints."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Last = Annotated[int, typer.Option(help="Print only this many, the newest; 0 prints all.")]
Seed = Annotated[int, typer.Option(help="Another number generates other users.")]


def main() -> None:
    """Run a command. An error of the user ends in one line, not in a traceback."""
    try:
        app()
    except (ControlError, FaultError, seeding.SeedError, SwitchError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


@app.command(rich_help_panel=RUN)
def serve(
    database: Database = DEFAULT_DATABASE,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 uses a free one.")] = 0,
    token: Annotated[
        str, typer.Option(envvar="PUBLICA_API_TOKEN", help="The API token that it accepts.")
    ] = DEFAULT_TOKEN,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SWITCH=VALUE", help="A switch; see `switches`. May be repeated."
        ),
    ] = None,
    users: Annotated[
        int, typer.Option(help="Number of generated users, if the store is empty.")
    ] = 0,
    seed: Seed = 1,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Write the address as JSON to this file when requests are answered."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="A certificate: serve HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The key of the certificate.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print each request.")] = False,
) -> None:
    """Serve the store until Ctrl+C or SIGTERM."""
    logging.basicConfig(format="%(message)s", level=logging.INFO if verbose else logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    state = StoreState(database, token, parse_assignments(switch or []))
    if users:
        state.fill_if_empty(lambda session: seeding.generate_users(session, users, seed=seed))

    def announce() -> None:
        typer.echo(f"Sandbox store at {server.base_url} (stop with Ctrl+C)")
        if ready_file:
            _write_ready_file(ready_file, server.base_url, database)

    server = SandboxServer(state, port=port, tls_cert=tls_cert, tls_key=tls_key, on_start=announce)
    # The server repeats a signal after it has stopped; this must not end the rest of the program.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.serve_here()


@app.command("seed", rich_help_panel=RUN)
def add_users(
    database: Database = DEFAULT_DATABASE,
    users: Annotated[int, typer.Option(help="Number of generated users.")] = 0,
    deactivated: Annotated[int, typer.Option(help="How many of them are deactivated.")] = 0,
    admins: Annotated[int, typer.Option(help="How many of them are admins.")] = 0,
    seed: Seed = 1,
    file: Annotated[
        Path | None, typer.Option(help="A CSV or YAML file of users to store as well.")
    ] = None,
) -> None:
    """Add users to a store's file, generated or from a file."""
    listed = seeding.read_users(file) if file else []
    connection = open_database(database)
    with transaction(connection) as session:
        seeding.add_users(session, listed, int(store_time()))
        if users:
            seeding.generate_users(
                session, users, deactivated=deactivated, admins=admins, seed=seed
            )
    connection.close()
    typer.echo(f"{users + len(listed)} users added to {database}")


@app.command(rich_help_panel=RUN)
def switches(as_json: AsJson = False) -> None:
    """List the switches: name, values (the default first), API variant."""
    rows = switch_table()
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    lines = [
        (str(row.variant or ""), f"{row.name}\n[dim]{row.about}[/dim]", _default_first(row))
        for row in rows
    ]
    _print_table(["#", "switch", "values, default first"], lines)


@app.command(rich_help_panel=DATA)
def show(
    database: Database = DEFAULT_DATABASE,
    email: Annotated[str, typer.Option(help="Only addresses that contain this text.")] = "",
    deactivated: Annotated[
        bool, typer.Option("--deactivated", help="Only deactivated users.")
    ] = False,
    last: Last = 20,
    as_json: AsJson = False,
) -> None:
    """Print the users as they are stored."""
    conditions = "instr(coalesce(email_key, ''), ?)" + (
        " AND deleted_at IS NOT NULL" if deactivated else ""
    )
    found = database_state.users(_existing(database), conditions, email.casefold())
    users = found[-last:] if last else found
    for user in users:
        user["plans"] = database_state.plans_of(database, user["id"])
    if as_json:
        public = [{key: user[key] for key in user if key not in SECRETS} for user in users]
        typer.echo(json.dumps(public, indent=2))
        return
    rows = [
        (
            str(user["id"]),
            user["email"] or "",
            user["external_id"] or "",
            "yes" if user["active"] else "no",
            " ".join(name for name in ("admin", "plan_admin") if user[name]),
            str(user["sessions_limit"] or ""),
            " ".join(str(plan["plan_id"]) for plan in user["plans"]),
            str(user["open_sessions"]),
        )
        for user in users
    ]
    _print_table(["id", "email", "external_id", "active", "rights", "limit", "plans", "open"], rows)
    typer.echo(f"{len(users)} of {len(found)} users")


@app.command(rich_help_panel=DATA)
def journal(
    database: Database = DEFAULT_DATABASE,
    writes: Annotated[bool, typer.Option("--writes", help="Only requests that write.")] = False,
    last: Last = 20,
    counts: Annotated[
        bool, typer.Option("--counts", help="Count by endpoint and status instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the requests that reached the store."""
    limit = None if counts or not last else last
    entries = database_state.journal(
        _existing(database), writes=True if writes else None, last=limit
    )
    if counts:
        counted = Counter((entry["endpoint"] or "-", entry["status"]) for entry in entries)
        rows = [(name, str(status), str(n)) for (name, status), n in sorted(counted.items())]
        _print_table(["endpoint", "status", "requests"], rows)
    elif as_json:
        typer.echo(json.dumps(entries, indent=2))
    else:
        headings = ["at", "method", "path", "status", "notes"]
        _print_table(headings, [_journal_row(entry) for entry in entries])


@app.command("set", rich_help_panel=CONTROL)
def set_switches(
    assignments: Annotated[list[str] | None, typer.Argument(metavar="SWITCH=VALUE...")] = None,
    url: Url = "",
) -> None:
    """Change switches, then print those that differ from their defaults."""
    client = ControlClient(url)
    if assignments:
        client.call("PATCH", "/switches", parse_assignments(assignments))
    current = client.call("GET", "/switches")
    for row in switch_table():
        if (value := format_value(current[row.name])) != row.default:
            typer.echo(f"{row.name}={value}")


@app.command(rich_help_panel=CONTROL)
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
        typer.Option(
            help="create, list, update, deactivate, reactivate, force_logout, plans, sessions "
            "or any."
        ),
    ] = "any",
    nth: Annotated[int | None, typer.Option(help="Only the nth request from now on.")] = None,
    every: Annotated[int | None, typer.Option(help="Every nth request.")] = None,
    times: Annotated[int, typer.Option(help="How often; 0 means without end.")] = 1,
    applied: Annotated[
        str | None, typer.Option(help="`before` or `after` the store has done its work.")
    ] = None,
    body: Annotated[str | None, typer.Option(help="`html` or `json`, for an error.")] = None,
    retry_after: Annotated[int | None, typer.Option(help="Seconds in Retry-After.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a `hang`; default 30.")] = None,
    location: Annotated[str | None, typer.Option(help="The target of a `redirect`.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Delete all rules first.")] = False,
) -> None:
    """Make requests fail, or print the rules."""
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
        # Checked here, so that an invalid rule is reported even if no store answers.
        parse_fault(rule)
        client.call("POST", "/faults", rule)
    for row in client.call("GET", "/faults"):
        typer.echo("  ".join(f"{name}={format_value(value)}" for name, value in row.items()))


@app.command(rich_help_panel=CONTROL)
def reset(
    url: Url = "",
    database: Annotated[
        Path | None, typer.Option("--database", "-d", help="The file of a stopped store.")
    ] = None,
) -> None:
    """Clear a running store (--url), or the file of a stopped one (--database)."""
    if database is not None:
        reset_file(_existing(database))
    else:
        ControlClient(url).call("POST", "/reset")
    typer.echo("The store is empty.")


def _existing(database: Path) -> Path:
    if not database.exists():
        raise FileNotFoundError(f"There is no database {database}. `serve` and `seed` create one.")
    return database


def _write_ready_file(path: Path, base_url: str, database: Path) -> None:
    content = {"base_url": base_url, "database": str(database.resolve()), "pid": os.getpid()}
    # Renamed into place, so that a reader never finds an incomplete file.
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(path)


def _default_first(row: SwitchInfo) -> str:
    others = [value for value in row.values.split(" | ") if value not in (row.default, "number")]
    return "\n".join([f"[bold]{row.default}[/bold]", *others])


def _journal_row(entry: dict[str, Any]) -> tuple[str, ...]:
    notes = [name for name in ("changed", "refused") if entry[name]]
    notes += [entry["fault"]] if entry["fault"] else []
    path = entry["path"].removeprefix("/integration-api/v1")
    query = f"?{entry['query']}" if entry["query"] else ""
    return (
        f"{moment(int(entry['at'])):%H:%M:%S}",
        entry["method"],
        f"{path}{query}",
        str(entry["status"] or "-"),
        " ".join(notes),
    )


def _print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table that fits into the terminal; long cells wrap."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        grid.add_column(heading, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    Console().print(grid)
