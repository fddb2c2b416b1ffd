# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What looks like a secret is found, and passes once somebody has said why it is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY, git

TOOL = REPOSITORY / "tests" / "tools" / "audit_secrets.py"
# Put together here, so that this file holds nothing that looks like one.
MADE_UP = "-".join(["Quiet", "Harbour", "31"])
LINE = f'password = "{MADE_UP}"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the settings of this one, and nothing explained yet."""
    git(tmp_path, "init", "--quiet")
    settings = json.loads((REPOSITORY / ".secrets.baseline").read_text("utf-8"))
    (tmp_path / ".secrets.baseline").write_text(json.dumps({**settings, "results": {}}))
    (tmp_path / "plain.py").write_text("colour = 'blue'\n")
    return tmp_path


def audit(folder: Path, *words: str) -> tuple[int, str]:
    """The tool's exit code, and what it said."""
    command = [sys.executable, str(TOOL), "--repository", str(folder), *words]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_a_file_without_a_secret_passes(folder: Path) -> None:
    assert audit(folder) == (0, "")


def test_what_nobody_has_explained_is_told_without_its_value(folder: Path) -> None:
    (folder / "a.py").write_text(f"first = 1\n{LINE}")

    code, said = audit(folder)

    assert code == 1
    assert said.startswith("a.py:2 looks like a secret (Secret Keyword).")
    assert MADE_UP not in said


def test_an_explanation_wants_words(folder: Path) -> None:
    (folder / "a.py").write_text(LINE)

    assert audit(folder, "--accept", " ")[0] == 1


def test_what_is_explained_passes_wherever_it_stands(folder: Path) -> None:
    (folder / "a.py").write_text(LINE)
    assert audit(folder, "--accept", "made up")[0] == 0
    kept = (folder / ".secrets.baseline").read_text("utf-8")
    assert '"reason": "made up"' in kept
    assert MADE_UP not in kept

    (folder / "a.py").rename(folder / "b.py")
    (folder / "b.py").write_text(f"\n\n{LINE}")
    assert audit(folder) == (0, "")

    (folder / "c.py").write_text(LINE.replace("31", "32"))
    assert audit(folder)[1].startswith("c.py:1 looks like a secret")
    # A hook is given the files of a commit alone.
    assert audit(folder, "b.py", "plain.py") == (0, "")


def test_an_explanation_whose_value_is_gone_is_told(folder: Path) -> None:
    (folder / "a.py").write_text(LINE)
    audit(folder, "--accept", "made up")
    (folder / "a.py").unlink()

    code, said = audit(folder)

    assert code == 0
    assert "nothing is left of what is explained as 'made up'" in said
    assert audit(folder, "--accept", "")[0] == 0
    assert audit(folder) == (0, "")
