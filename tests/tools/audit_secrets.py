# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that each finding of detect-secrets has an explanation in .secrets.baseline.

    audit_secrets.py [FILE...]            fails for findings without an explanation
    audit_secrets.py --accept 'a reason'  records the findings in .secrets.baseline

The baseline holds the hash of each finding and a `reason`. An explanation is valid for its value in
every file, so moving a test needs no new one. Explanations of values that no file has any more are
reported; the next --accept removes them.
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
# Files without secrets that take long.
SKIPPED = (BASELINE, "LICENSE", "LICENSES/GPL-3.0-or-later.txt")

Results = dict[str, list[dict[str, Any]]]


def reasons(results: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """The explanation of each value that is not a secret, by the value's hash."""
    return {
        each["hashed_secret"]: each["reason"]
        for found in results.values()
        for each in found
        if each.get("is_secret") is False and str(each.get("reason", "")).strip()
    }


def unknown(found: Results, known: Mapping[str, str]) -> list[str]:
    """One sentence for each finding without an explanation. It does not show the value."""
    return [
        f"{name}:{each['line_number']} looks like a secret ({each['type']}). Remove and revoke "
        "it, or explain why it is not one: make secrets REASON='made up'"
        for name, findings in found.items()
        for each in findings
        if each["hashed_secret"] not in known
    ]


def stale(found: Results, known: Mapping[str, str]) -> list[str]:
    """One sentence for each explanation whose value no file has any more."""
    there = {each["hashed_secret"] for findings in found.values() for each in findings}
    return [
        f"{BASELINE}: no file has the value explained as {reason!r}. To remove it: make secrets"
        for value, reason in known.items()
        if value not in there
    ]


def explained(found: Results, known: Mapping[str, str], reason: str) -> Results:
    """The findings in the form of the baseline, new ones with the given reason."""
    return {
        name: [
            {
                **each,
                # detect-secrets has the absolute path here.
                "filename": name,
                "is_secret": False,
                "reason": known.get(each["hashed_secret"], reason),
            }
            for each in findings
        ]
        for name, findings in found.items()
    }


def files_of(repository: Path) -> list[str]:
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=repository,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [name for name in listed.split("\0") if name and (repository / name).is_file()]


def scan(repository: Path, names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The findings of detect-secrets, in its own format."""
    with transient_settings(dict(settings)):
        secrets = SecretsCollection(root=str(repository))
        secrets.scan_files(*[name for name in names if name not in SKIPPED])
        document: dict[str, Any] = baseline.format_for_output(secrets, is_slim_mode=True)
        # The slim mode has no line numbers.
        document["results"] = secrets.json()
    return document


def main() -> int:
    """The command line. Returns 1 for findings without an explanation, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    parser.add_argument("files", nargs="*", help="the files to check; without any, all")
    parser.add_argument("--accept", metavar="REASON", help="why the new findings are not secrets")
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
        # Only a check of all files knows that no file has a value.
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
