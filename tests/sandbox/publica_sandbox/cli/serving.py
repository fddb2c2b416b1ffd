# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that runs a store."""

from __future__ import annotations

import json
import logging
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from ..seeding import generate_users
from ..server import SandboxServer
from ..state import DEFAULT_TOKEN, StoreState
from ..switch_values import parse_assignments
from .options import DEFAULT_DATABASE, Database


def serve(
    database: Database = DEFAULT_DATABASE,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.")] = 0,
    token: Annotated[
        str, typer.Option(envvar="PUBLICA_API_TOKEN", help="The API token that it takes.")
    ] = DEFAULT_TOKEN,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SWITCH=VALUE", help="A switch; see `switches`. May be repeated."
        ),
    ] = None,
    users: Annotated[
        int, typer.Option(help="Made-up users to begin with, if the store is empty.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Which made-up users: a number.")] = 1,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Write the address as JSON to this file once requests are answered."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="A certificate: serve HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print each request.")] = False,
) -> None:
    """Serve the store until Ctrl+C or SIGTERM."""
    logging.basicConfig(format="%(message)s", level=logging.INFO if verbose else logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    state = StoreState(database, token, parse_assignments(switch or []))
    if users:
        state.fill_if_empty(lambda session: generate_users(session, users, seed=seed))

    def announce() -> None:
        typer.echo(f"Sandbox store at {server.base_url} (stop with Ctrl+C)")
        if ready_file:
            _write_ready_file(ready_file, server.base_url, database)

    server = SandboxServer(state, port=port, tls_cert=tls_cert, tls_key=tls_key, on_start=announce)
    # The server repeats a signal once it has stopped; that must not kill what is left to do.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.serve_here()


def _write_ready_file(path: Path, base_url: str, database: Path) -> None:
    content = {"base_url": base_url, "database": str(database.resolve()), "pid": os.getpid()}
    # Renamed into place, so that whoever waits for the file never reads half of it.
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(path)
