# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A response of the in-memory store."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict


@dataclass
class Reply:
    """A response; a body that is not a text is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def as_response(self, request: Any) -> Any:
        response = requests.Response()
        response.status_code = self.status
        response.headers = CaseInsensitiveDict({"Content-Type": "application/json", **self.headers})
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        response._content = b"" if self.body is None else text.encode()
        response.url, response.request = request.url, request
        return response
