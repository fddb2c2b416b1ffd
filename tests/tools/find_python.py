# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find a real interpreter of a Python version.

An interpreter on PATH can be a version manager's shim, which does not run everywhere and which
ansible-test does not support. So each candidate is run and reports its version and its real path.

    find_python.py 3.13 3.12      the first of them that is installed
    find_python.py --install 3.9  the same; uv installs it if it is missing
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

SYSTEM_DIRECTORIES = (Path("/usr/local/bin"), Path("/usr/bin"))
# The base interpreter, since a virtual environment on PATH can disappear.
ASK = (
    "import os, sys; "
    "print('%d.%d' % sys.version_info[:2]); "
    "print(os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable))"
)


class PythonNotFoundError(Exception):
    """None of the versions is installed. The message says what to do."""


def find(version: str, path: str | None = None) -> Path | None:
    """The real interpreter of a version such as ``3.12``, or None."""
    for candidate in _candidates(version, os.environ.get("PATH", "") if path is None else path):
        if candidate.exists() and (real := _ask(candidate, version)):
            return real
    return None


def find_first(versions: Sequence[str], *, install: bool = False, purpose: str = "") -> Path:
    """The interpreter of the first version that is installed, or that uv can install.

    Args:
        versions: The accepted versions, best first.
        install: Whether uv may install one.
        purpose: What needs the Python, for the message.

    Raises:
        PythonNotFoundError: if there is none.
    """
    for version in versions:
        if found := find(version):
            return found
    if install and (uv := _uv()):
        for version in versions:
            if found := _ask_uv(uv, version):
                return found
    raise PythonNotFoundError(missing(versions, purpose))


def missing(versions: Sequence[str], purpose: str = "") -> str:
    """A message that these versions are missing, and how to install one."""
    *others, last = sorted(versions, key=lambda version: int(version.partition(".")[2]))
    wanted = f"{', '.join(others)} or {last}" if others else last
    needed = f" It is needed for {purpose}." if purpose else ""
    return (
        f"Python {wanted} was not found.{needed} Install it with the system's packages "
        f"(python{versions[0]} and its venv package), with `pyenv install {versions[0]}` or with "
        f"`uv python install {versions[0]}`."
    )


def _candidates(version: str, path: str) -> Iterator[Path]:
    name = f"python{version}"
    for directory in [Path(entry) for entry in path.split(os.pathsep) if entry]:
        yield directory / name
        # The version manager of a shim keeps its interpreters here.
        kept = (directory.parent / "versions").glob(f"{version}*/bin/{name}")
        yield from sorted(kept, key=_patch_level, reverse=True)
    for directory in SYSTEM_DIRECTORIES:
        yield directory / name
    if installed := os.environ.get("UV_PYTHON_INSTALL_DIR"):
        yield from sorted(Path(installed).glob(f"cpython-{version}.*/bin/{name}"), reverse=True)


def _patch_level(interpreter: Path) -> list[int]:
    return [int(part) for part in interpreter.parents[1].name.split(".") if part.isdigit()]


def _ask(candidate: Path, version: str) -> Path | None:
    command = [str(candidate), "-I", "-c", ASK]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    said, executable = answer.stdout.splitlines()[:2]
    return Path(executable) if said == version else None


def _uv() -> Path | None:
    """The pinned uv, in the environment of the running interpreter."""
    uv = Path(sys.executable).parent / "uv"
    return uv if uv.exists() else None


def _ask_uv(uv: Path, version: str) -> Path | None:
    print(f"Python {version} is missing. Installing it with uv.", file=sys.stderr)
    subprocess.run(
        [uv, "python", "install", "--no-bin", "--quiet", version],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    find_it = [str(uv), "python", "find", "--no-project", "--no-python-downloads", version]
    answer = subprocess.run(find_it, capture_output=True, text=True, check=False)
    return _ask(Path(answer.stdout.strip()), version) if answer.returncode == 0 else None


def main() -> int:
    """The command line. Returns its exit code."""
    parser = argparse.ArgumentParser(description="Find a real interpreter.")
    parser.add_argument("--install", action="store_true", help="install a missing one with uv")
    parser.add_argument("--for", dest="purpose", default="", help="what needs it")
    parser.add_argument("versions", nargs="+", metavar="VERSION", help="such as 3.12, best first")
    options = parser.parse_args()
    try:
        print(find_first(options.versions, install=options.install, purpose=options.purpose))
    except PythonNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
