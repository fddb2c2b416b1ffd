# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that fill a store's file and look into it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from .. import seeding, truth
from ..clock import moment, store_time
from ..database import open_database
from .options import DEFAULT_DATABASE, AsJson, Database, existing
from .tables import table


def seed(
    database: Database = DEFAULT_DATABASE,
    users: Annotated[int, typer.Option(help="How many made-up users.")] = 0,
    deactivated: Annotated[int, typer.Option(help="How many of them are deactivated.")] = 0,
    admins: Annotated[int, typer.Option(help="How many of them are admins.")] = 0,
    seed: Annotated[int, typer.Option(help="Which made-up users: a number.")] = 1,
    file: Annotated[
        Path | None, typer.Option(help="A CSV or YAML file of users to store as well.")
    ] = None,
) -> None:
    """Add users to a store's file, made up or from a file."""
    listed = seeding.read_users(file) if file else []
    engine = open_database(database)
    with Session(engine) as session, session.begin():
        seeding.add_users(session, listed, int(store_time()))
        if users:
            seeding.generate_users(
                session, users, deactivated=deactivated, admins=admins, seed=seed
            )
    engine.dispose()
    typer.echo(f"{users + len(listed)} users added to {database}")


def show(
    database: Database = DEFAULT_DATABASE,
    email: Annotated[str, typer.Option(help="Only addresses that contain this.")] = "",
    deactivated: Annotated[
        bool, typer.Option("--deactivated", help="Only deactivated users.")
    ] = False,
    last: Annotated[int, typer.Option(help="At most so many, the newest; 0 means all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Print the users as they are stored."""
    conditions = "instr(email_key, ?)" + (" AND deleted_at IS NOT NULL" if deactivated else "")
    found = truth.users(existing(database), conditions, email.casefold())
    users = found[-last:] if last else found
    for user in users:
        user["plans"] = truth.plans_of(database, user["id"])
    if as_json:
        typer.echo(json.dumps([_without_secrets(user) for user in users], indent=2))
        return
    rows = [
        (
            str(user["id"]),
            user["email"],
            user["external_id"],
            "yes" if user["active"] else "no",
            " ".join(name for name in ("admin", "plan_admin") if user[name]),
            str(user["sessions_limit"] or ""),
            " ".join(str(plan["plan_id"]) for plan in user["plans"]),
            str(user["open_sessions"]),
        )
        for user in users
    ]
    table(["id", "email", "external_id", "active", "rights", "limit", "plans", "open"], rows)
    typer.echo(f"{len(users)} of {len(found)} users")


def journal(
    database: Database = DEFAULT_DATABASE,
    writes: Annotated[bool, typer.Option("--writes", help="Only requests that write.")] = False,
    last: Annotated[int, typer.Option(help="At most so many, the newest; 0 means all.")] = 20,
    counts: Annotated[
        bool, typer.Option("--counts", help="Count by endpoint and status instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the requests that reached the store."""
    limit = None if counts or not last else last
    entries = truth.journal(existing(database), writes=True if writes else None, last=limit)
    if counts:
        counted = Counter((entry["endpoint"] or "-", entry["status"]) for entry in entries)
        rows = [(name, str(status), str(n)) for (name, status), n in sorted(counted.items())]
        table(["endpoint", "status", "requests"], rows)
    elif as_json:
        typer.echo(json.dumps(entries, indent=2))
    else:
        table(["at", "method", "path", "status", "notes"], [_line(entry) for entry in entries])


def _line(entry: truth.Row) -> tuple[str, ...]:
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


def _without_secrets(user: truth.Row) -> truth.Row:
    hidden = {"password_hash", "impersonation_secret", "email_key"}
    return {name: value for name, value in user.items() if name not in hidden}
