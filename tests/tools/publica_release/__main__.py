# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: python -m publica_release build|prepare."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from .errors import RefusedError
from .prepare import Prepared, prepare, publishable


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 1 if the release is refused, else 0."""
    options = _parser().parse_args(words)
    try:
        if options.command == "build":
            print(_listed(publishable(options.collection.resolve(), options.output.resolve())))
        else:
            print(_report(_prepared(options), options.dry_run))
    except RefusedError as refused:
        print(f"Refused. Nothing was changed.\n{refused}", file=sys.stderr)
        return 1
    return 0


def _prepared(options: argparse.Namespace) -> Prepared:
    if not options.version:
        raise RefusedError(["No version given: use make release VERSION=1.2.3"])
    return prepare(
        options.repository.resolve(),
        options.version,
        options.date,
        options.output.resolve(),
        dry_run=options.dry_run,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="publica_release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="archive, checksum and bill of materials")
    build.add_argument("collection", type=Path, help="the collection's directory")
    release = commands.add_parser("prepare", help="build, changelog and version")
    release.add_argument("version", help="such as 1.2.3")
    release.add_argument("--repository", type=Path, required=True, help="the clone")
    release.add_argument("--dry-run", action="store_true", help="do not change the clone")
    today = datetime.now(tz=timezone.utc).date().isoformat()
    release.add_argument("--date", default=today, help="the day, yyyy-mm-dd; today in UTC")
    for each in (build, release):
        each.add_argument("--output", type=Path, required=True, help="emptied first")
    return parser


def _report(prepared: Prepared, dry_run: bool) -> str:
    version = prepared.version
    if dry_run:
        head = f"Dry run of {version}. No file was changed. The release would change these:"
        end = f"To prepare the release: make release VERSION={version}"
    else:
        head = f"Prepared {version}. These files were changed and are not committed:"
        end = (
            "Check them, then:\n"
            f"  git add --all && git commit --message 'Release {version}'\n"
            f"  git tag --annotate {version} --message 'Release {version}'\n"
            "Then push and publish: see the section Release of CONTRIBUTING.md."
        )
    built = _listed(prepared.artefacts)
    return f"{head}\n\n{prepared.summary}\nCHANGELOG.rst\n\n{prepared.news}\n\n{built}\n\n{end}"


def _listed(artefacts: Sequence[Path]) -> str:
    lines = [f"  {file.name} ({file.stat().st_size:,} bytes)" for file in artefacts]
    return "\n".join([f"In {artefacts[0].parent}:", *lines])


if __name__ == "__main__":
    sys.exit(main())
