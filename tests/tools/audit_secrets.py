# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever looks like a secret is one that somebody has looked at, and has said why it is none.

    audit_secrets.py [FILE...]            fails for what nobody has looked at
    audit_secrets.py --accept 'a reason'  writes what there is into .secrets.baseline

detect-secrets finds them. Its own baseline, .secrets.baseline, holds for each one its hash, and
besides a `reason`. What counts is the value: one that is made up is so in whichever file and line
it stands, so that moving a test needs no new audit. A reason whose value is gone is told, and does
no harm; the next --accept takes it out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

REPOSITORY = Path(__file__).resolve().parents[2]
BASELINE = ".secrets.baseline"
# Lists of pinned versions and the licence's text hold none, and take half of the time.
SKIPPED = (BASELINE, "LICENSE", "LICENSES/GPL-3.0-or-later.txt")

Results = dict[str, list[dict[str, Any]]]


def reasons(results: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Why each value that was audited is no secret, by the value's hash."""
    return {
        each["hashed_secret"]: each["reason"]
        for found in results.values()
        for each in found
        if each.get("is_secret") is False and str(each.get("reason", "")).strip()
    }


def unknown(found: Results, known: Mapping[str, str]) -> list[str]:
    """A sentence for each finding that nobody has looked at. The value is not told."""
    return [
        f"{name}:{each['line_number']} looks like a secret ({each['type']}). Is it one? Then take "
        "it out and revoke it. If it is made up, say so: make secrets REASON='what it is'"
        for name, findings in found.items()
        for each in findings
        if each["hashed_secret"] not in known
    ]


def stale(found: Results, known: Mapping[str, str]) -> list[str]:
    """A sentence for each reason whose value is not there any more."""
    there = {each["hashed_secret"] for findings in found.values() for each in findings}
    return [
        f"{BASELINE}: nothing is left of what is explained as {reason!r}. Take it out: make secrets"
        for value, reason in known.items()
        if value not in there
    ]


def explained(found: Results, known: Mapping[str, str], reason: str) -> Results:
    """The findings as the baseline keeps them, new ones with the reason given."""
    return {
        name: [
            {**each, "is_secret": False, "reason": known.get(each["hashed_secret"], reason)}
            for each in findings
        ]
        for name, findings in found.items()
    }


def files_of(repository: Path) -> list[str]:
    """The files that git does not ignore."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=repository,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [name for name in listed.split("\0") if name and (repository / name).is_file()]


def scan(repository: Path, names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What detect-secrets finds in files, in its own format."""
    with transient_settings(dict(settings)):
        secrets = SecretsCollection(root=str(repository))
        secrets.scan_files(*[name for name in names if name not in SKIPPED])
        document: dict[str, Any] = baseline.format_for_output(secrets, is_slim_mode=True)
        # In slim mode without the lines, which make a finding findable.
        document["results"] = secrets.json()
    return document


def main() -> int:
    """The command line. Returns 1 for what nobody has looked at, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    parser.add_argument("files", nargs="*", help="all of them, where none is named")
    parser.add_argument("--accept", metavar="REASON", help="why what is new is no secret")
    options = parser.parse_args()
    file = options.repository / BASELINE
    before = json.loads(file.read_text("utf-8"))
    settings = {name: before[name] for name in ("plugins_used", "filters_used")}
    everything = files_of(options.repository)
    names = options.files if options.files and options.accept is None else everything
    present, known = scan(options.repository, names, settings), reasons(before["results"])
    news = unknown(present["results"], known)
    if options.accept is None:
        faults = news
        # Only who has read every file knows that a value is in none.
        if set(everything) <= set(names):
            for sentence in stale(present["results"], known):
                print(sentence)
    else:
        faults = news if news and not options.accept.strip() else []
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    if options.accept is not None:
        present["results"] = explained(present["results"], known, options.accept.strip())
        file.write_text(json.dumps(present, indent=1) + "\n", "utf-8")
        print(f"{BASELINE} explains {sum(map(len, present['results'].values()))} findings.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
