# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to this machine that is not named ``local``."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: elsewhere
short_description: Another host for this collection's tests
description:
  - Runs on this machine under another name.
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(LocalConnection):
    """``local`` under another name."""

    transport = "elsewhere"
