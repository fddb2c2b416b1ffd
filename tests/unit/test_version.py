# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version in the user agent is the version of the collection."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.publica.la.plugins.module_utils.client.connection import USER_AGENT
from ansible_collections.publica.la.plugins.module_utils.version import VERSION

GALAXY = Path(__file__).resolve().parents[2] / "galaxy.yml"


def test_the_user_agent_has_the_version_of_the_collection() -> None:
    assert yaml.safe_load(GALAXY.read_text(encoding="utf-8"))["version"] == VERSION
    assert USER_AGENT.startswith(f"publica.la/{VERSION} ")
