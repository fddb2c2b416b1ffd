# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An LDAP directory on a port of this machine: OpenLDAP's slapd."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

PROGRAMS_VARIABLE = "PUBLICA_TEST_PROGRAMS"
SUFFIX = "dc=example,dc=org"
READER, ADMIN = f"cn=reader,{SUFFIX}", f"cn=admin,{SUFFIX}"
PASSWORD = secrets.token_hex(16)
START_SECONDS = 30
# With the attribute of Active Directory that has the mark of a disabled account.
SETTINGS = """\
modulepath {root}/usr/lib/ldap
moduleload back_mdb
moduleload memberof
include {root}/etc/ldap/schema/core.schema
include {root}/etc/ldap/schema/cosine.schema
include {root}/etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
pidfile {data}/slapd.pid
database mdb
suffix {suffix}
rootdn {admin}
rootpw {password}
directory {data}
dbnosync
limits dn.exact={reader} size.prtotal={limit}
overlay memberof
"""


def programs() -> Path:
    """The directory with the unpacked packages.

    Raises:
        RuntimeError: if there is none.
    """
    given = os.environ.get(PROGRAMS_VARIABLE)
    if not given:
        raise RuntimeError(f"{PROGRAMS_VARIABLE} is not set. Run `make pipelines`.")
    return Path(given)


def environment() -> dict[str, str]:
    """The variables that make the unpacked programs usable."""
    root = programs()
    libraries = [*root.glob("usr/lib/*-linux-*"), *root.glob("lib/*-linux-*")]
    return {
        "PATH": os.pathsep.join([str(root / "usr" / "bin"), os.environ["PATH"]]),
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        # No settings of this machine's LDAP clients.
        "LDAPNOINIT": "1",
    }


class Directory:
    """A directory with an account that reads it, from ``with`` to the end of the block.

    Args:
        data: The directory of its files, which it creates.
    """

    def __init__(self, data: Path) -> None:
        self.uri = ""
        self._data = data
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._data.mkdir()
        self.start()
        try:
            base = {"objectClass": ["dcObject", "organization"], "o": ["Example"]}
            reader = {"objectClass": ["person"], "sn": ["Reader"], "userPassword": [PASSWORD]}
            self.add(entry(SUFFIX, base) + entry(READER, reader))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self, *, limit: int | str = "unlimited") -> None:
        """Start the server, or start it again, with a limit for the entries of an answer."""
        self.stop()
        values = {"root": programs(), "data": self._data, "suffix": SUFFIX, "limit": limit}
        accounts = {"admin": ADMIN, "password": PASSWORD, "reader": READER}
        settings = self._data / "slapd.conf"
        settings.write_text(SETTINGS.format(**values, **accounts), "utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.uri = f"ldap://127.0.0.1:{port}"
        program = programs() / "usr" / "sbin" / "slapd"
        with (self._data / "log").open("wb") as log:
            # In the foreground.
            self._server = subprocess.Popen(
                [program, "-h", self.uri, "-f", settings, "-d", "none"],
                env={**os.environ, **environment()},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._server.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise RuntimeError(f"slapd did not start: {(self._data / 'log').read_text('utf-8')}")

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(timeout=START_SECONDS)
            self._server = None

    def add(self, entries: str) -> None:
        self._modify(entries, "-a")

    def change(self, name: str, changes: str) -> None:
        """Change an entry: the lines of an LDIF file from ``changetype`` on."""
        self._modify(entry(name, {}).rstrip("\n") + f"\n{changes}\n")

    def _modify(self, ldif: str, *words: str) -> None:
        program = programs() / "usr" / "bin" / "ldapmodify"
        subprocess.run(
            [program, "-x", "-H", self.uri, "-D", ADMIN, "-w", PASSWORD, *words],
            env={**os.environ, **environment()},
            input=ldif.encode(),
            stdout=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )


def entry(name: str, attributes: Mapping[str, Sequence[str]]) -> str:
    pairs = [("dn", name), *((key, value) for key in attributes for value in attributes[key])]
    lines = [f"{key}:: {base64.b64encode(value.encode()).decode()}\n" for key, value in pairs]
    return "".join([*lines, "\n"])
