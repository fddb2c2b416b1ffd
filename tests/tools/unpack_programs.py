# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpack Debian's packages of an LDAP server and its clients, and of SQLite, into a directory.

Nothing is installed, and root is not needed: an installed slapd would be started as a service, and
AppArmor would keep it from the directories of the tests.

    unpack_programs.py .cache/programs
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from find_chromium import APT_GET

PACKAGES = ("slapd", "ldap-utils", "sqlite3")
MISSING = (
    f"The packages {', '.join(PACKAGES)} of Debian or Ubuntu could not be unpacked, which needs "
    "apt-get, dpkg-deb and current package lists. Elsewhere, install OpenLDAP and SQLite, and set "
    "the environment variable PUBLICA_TEST_PROGRAMS to a directory with usr/sbin/slapd, "
    "usr/bin/ldapsearch, usr/bin/sqlite3, usr/lib/ldap and etc/ldap/schema."
)


def unpack(directory: Path) -> None:
    """Unpack the packages into a directory, unless it exists.

    Raises:
        SystemExit: if they can't be unpacked, with what to do.
    """
    if directory.exists():
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise SystemExit(MISSING)
    try:
        _unpack(directory)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{MISSING} ({' '.join(map(str, error.cmd))} failed.)") from error


def _unpack(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as temporary:
        archives, root = Path(temporary) / "archives", Path(temporary) / "root"
        archives.mkdir()
        try:
            _download(archives)
        except subprocess.CalledProcessError:
            if os.geteuid() != 0:
                raise
            # The package lists are missing or old.
            subprocess.run([*APT_GET, "update"], check=True, stdout=sys.stderr)
            _download(archives)
        for archive in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", archive, root], check=True)
        root.rename(directory)


def _download(archives: Path) -> None:
    """Download the packages, and those that they need and this machine lacks."""
    simulated = subprocess.run(
        [*APT_GET, "--simulate", "--no-install-recommends", "install", *PACKAGES],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = [line.split() for line in simulated.stdout.splitlines()]
    names = sorted({*PACKAGES, *(words[1] for words in lines if words[:1] == ["Inst"])})
    command = [*APT_GET, "download", *names]
    subprocess.run(command, check=True, cwd=archives, stdout=sys.stderr)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]))
