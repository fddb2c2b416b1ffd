# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of secrets: a finding fails until it is explained in .secrets.baseline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, git

TOOL = REPOSITORY / "tests" / "tools" / "audit_secrets.py"
# In parts, so that this file has no finding.
MADE_UP = "-".join(["Quiet", "Harbour", "31"])
LINE = f'password = "{MADE_UP}"\n'


def audit(directory: Path, *words: str) -> tuple[int, str]:
    """The tool's exit code and output."""
    command = [sys.executable, str(TOOL), "--repository", str(directory), *words]
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_a_finding_fails_until_it_is_explained_wherever_it_stands(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    settings = json.loads((REPOSITORY / ".secrets.baseline").read_text("utf-8"))
    baseline = tmp_path / ".secrets.baseline"
    baseline.write_text(json.dumps({**settings, "results": {}}))
    (tmp_path / "a.py").write_text(f"first = 1\n{LINE}")

    code, output = audit(tmp_path)
    assert code == 1
    assert output.startswith("a.py:2 looks like a secret (Secret Keyword).")
    assert MADE_UP not in output
    assert audit(tmp_path, "--accept", " ")[0] == 1

    assert audit(tmp_path, "--accept", "made up")[0] == 0
    assert '"reason": "made up"' in baseline.read_text("utf-8")
    assert MADE_UP not in baseline.read_text("utf-8")
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert audit(tmp_path) == (0, "")

    (tmp_path / "c.py").write_text(LINE.replace("31", "32"))
    assert audit(tmp_path)[1].startswith("c.py:1 looks like a secret")
    # A commit hook passes only the files of the commit.
    assert audit(tmp_path, "b.py") == (0, "")
