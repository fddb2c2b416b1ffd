# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes one JSON document to standard output, as callbacks for programs do."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: jsonl
type: stdout
short_description: One JSON document for this collection's tests
description:
  - Writes the statistics of a run as JSON.
"""


class CallbackModule(CallbackBase):
    """The statistics of the recap."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "jsonl"

    def v2_playbook_on_stats(self, stats: Any) -> None:
        numbers = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self._display.display(json.dumps(numbers))
