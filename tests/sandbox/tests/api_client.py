# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin client of the API for the tests."""

from __future__ import annotations

import ssl
import zlib
from typing import Any

import httpx

USERS = "/integration-api/v1/dashboard/users"
TABLE_USERS = "/integration-api/v1/users"
PLANS = "/integration-api/v1/dashboard/plans"
SESSIONS = "/integration-api/v1/auth-sessions"


class Api:
    """Calls each endpoint as documented and returns the raw answer."""

    def __init__(self, base_url: str, token: str, *, verify: ssl.SSLContext | bool = False) -> None:
        # Loading the certificate authorities takes longer than a test, and only TLS needs them.
        self.http = httpx.Client(
            base_url=base_url,
            headers={"X-User-Token": token, "Accept": "application/json"},
            timeout=10,
            verify=verify,
        )

    def create(self, email: str = "ada@example.org", **fields: Any) -> httpx.Response:
        """Create a user; the default external id is derived from the address."""
        external_id = f"x-{zlib.crc32(str(email).encode())}"
        body = {"email": email, "external_id": external_id, **fields}
        return self.http.post(f"{USERS}/", json=body)

    def list(self, **parameters: Any) -> httpx.Response:
        return self.http.get(USERS, params=parameters)

    def records(self, **parameters: Any) -> list[dict[str, Any]]:
        return list(self.list(**parameters).json()["data"]["paginator"]["data"])

    def emails(self, **parameters: Any) -> list[str]:
        return [record["email"] for record in self.records(**parameters)]

    def update(self, user: dict[str, Any], **fields: Any) -> httpx.Response:
        """Update a user of the store; required fields that are missing come from its row."""
        required = {"email": user["email"], "external_id": user["external_id"]}
        body = {**required, "only_sees_readable": 0, **fields}
        return self.http.put(f"{USERS}/{user['id']}", json=body)

    def deactivate(self, user_id: object) -> httpx.Response:
        return self.http.delete(f"{USERS}/{user_id}")

    def reactivate(self, user_id: object) -> httpx.Response:
        return self.http.put(f"{USERS}/{user_id}/re-activate")

    def force_logout(self, identifier: object, *, users: str = TABLE_USERS) -> httpx.Response:
        return self.http.post(f"{users}/{identifier}/force-logout")

    def end_sessions(self, user_id: object) -> httpx.Response:
        return self.http.delete(f"{SESSIONS}/users/{user_id}")

    def plans(self, **parameters: Any) -> httpx.Response:
        return self.http.get(PLANS, params=parameters)
