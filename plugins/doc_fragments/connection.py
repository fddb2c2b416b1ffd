# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that every module shares: the connection to a store."""

from __future__ import annotations


class ModuleDocFragment:
    """``publica.la.connection``."""

    DOCUMENTATION = r"""
options:
  base_url:
    description:
      - The address of the store, such as V(https://example.publica.la), without
        C(/integration-api).
      - It must use C(https), unless the host is loopback or O(validate_certs=false). An invalid
        address or host, or one with a user, a password or a query, fails the task before the first
        request.
    type: str
    required: true
  api_token:
    description:
      - The token of an admin user of the store, from Dashboard, Settings, Integrations.
      - It is sent only to O(base_url), never follows a redirect, and is in no result, log or error.
        If the store rejects the token, the task ends at once.
    type: str
    required: true
  validate_certs:
    description:
      - Whether to verify the store's certificate. With V(false) the token could be intercepted, so
        each task gives a warning.
    type: bool
    default: true
  ca_path:
    description:
      - A file or directory with certificates of authorities, on the executing host, which are
        trusted instead of the default ones.
    type: path
  timeout:
    description:
      - Timeout in seconds for a connection and for each part of a response. More than 0, and at
        most 86400. A request that takes 10 times as long in total is cut off.
    type: float
    default: 30
  max_retries:
    description:
      - Number of retries of one request after a transient failure (a broken connection, 500, 502,
        503, 504), with exponential backoff and jitter. From 0 to 100.
      - A refusal for the rate limit (429) does not count. The task waits, up to
        O(max_rate_limit_wait).
      - A write whose response was lost is repeated only if it was not applied, or if repeating it
        changes nothing.
      - All requests of a task share a budget of retries, so a task ends early if the store is down.
    type: int
    default: 5
  rate_limit_share:
    description:
      - The percentage of the store's rate limit that a task may use, from 1 to 100. The rest is
        left to other clients with the same token.
    type: int
    default: 100
  max_rate_limit_wait:
    description:
      - The longest single wait for the store's rate limit in seconds, from 0 to 86400. A task that
        would have to wait longer fails.
    type: float
    default: 3600
  rate_limit_dir:
    description:
      - A directory on the executing host in which concurrent tasks with the same O(base_url) and
        O(api_token) share the store's rate limit, in a small file that only its owner can read. It
        is created if it does not exist. The file holds only counts and times.
      - The default is a directory of the user below the system's temporary directory. Tasks in
        several containers share the limit if this directory is a shared volume.
      - If the directory can't be used, the task does not share the limit. It gives a warning if
        this option was given.
    type: path
requirements:
  - requests
notes:
  - O(base_url), O(api_token) and O(rate_limit_dir) can come from the environment variables
    E(PUBLICA_BASE_URL), E(PUBLICA_API_TOKEN) and E(PUBLICA_RATE_LIMIT_DIR), or from
    C(module_defaults).
  - Proxies are taken from the environment (E(https_proxy), E(http_proxy), E(all_proxy),
    E(no_proxy)), except for C(http) to loopback. Without O(ca_path), so are certificates of
    authorities (E(REQUESTS_CA_BUNDLE), else E(CURL_CA_BUNDLE)). A C(.netrc) file is not read.
"""
