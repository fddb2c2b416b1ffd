# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script for this one job, as a user of the API and of `requests` would write it.

It lists the active users in pages of 100, compares them, and creates or updates those that differ
with eight threads on kept connections. With the previous list as a second file, it then deactivates
the users that are no longer listed. It waits after a refusal. It does not handle lost answers,
deactivated users, plans, dry runs or reports.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

THREADS = 8
USERS = os.environ["PUBLICA_BASE_URL"] + "/integration-api/v1/dashboard/users"

session = requests.Session()
session.headers["X-User-Token"] = os.environ["PUBLICA_API_TOKEN"]
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
refused_until = 0.0
lock = threading.Lock()


def send(method: str, url: str, **words: Any) -> requests.Response:
    """Send a request, again after a refusal. A refusal makes all threads wait."""
    global refused_until
    while True:
        time.sleep(max(0.0, refused_until - time.monotonic()))
        response = session.request(method, url, timeout=30, **words)
        if response.status_code != requests.codes.too_many_requests:
            response.raise_for_status()
            return response
        with lock:
            refused_until = time.monotonic() + float(response.headers.get("Retry-After", 1))


def read_store() -> dict[str, dict[str, Any]]:
    """All active users by address."""
    found: dict[str, dict[str, Any]] = {}
    page = 1
    while True:
        answer = send("GET", USERS, params={"page": page, "per_page": 100}).json()
        records = answer["data"]["paginator"]["data"]
        found.update((record["email"].lower(), record) for record in records)
        if len(records) < 100:
            return found
        page += 1


def provision(user: dict[str, Any], current: dict[str, Any] | None) -> bool:
    """Create or update one user. Returns whether a write was needed."""
    if current is None:
        send("POST", f"{USERS}/", json={**user, "new_password": secrets.token_urlsafe(24)})
    elif any(current.get(name) != value for name, value in user.items()):
        # The API requires the complete record.
        kept = {name: int(current[name]) for name in ("admin", "plan_admin", "only_sees_readable")}
        send("PUT", f"{USERS}/{current['id']}", json={**kept, **user})
    else:
        return False
    return True


def read_list(path: str) -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = json.loads(Path(path).read_text("utf-8"))["users"]
    return users


def main() -> None:
    """Read the lists and the store, then write the differences."""
    desired = read_list(sys.argv[1])
    listed = {user["email"].lower() for user in desired}
    before = {user["email"].lower() for path in sys.argv[2:] for user in read_list(path)}
    current = read_store()
    leavers = [current[email]["id"] for email in before - listed if email in current]
    with ThreadPoolExecutor(THREADS) as pool:
        done = pool.map(lambda user: provision(user, current.get(user["email"].lower())), desired)
        print(f"{sum(done)} of {len(desired)} users changed")
        list(pool.map(lambda user_id: send("DELETE", f"{USERS}/{user_id}"), leavers))
        print(f"{len(leavers)} users deactivated")


main()
