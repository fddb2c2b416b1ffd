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
      - The store's own address, such as V(https://example.publica.la), up to but without
        C(/integration-api).
      - It must use C(https), unless the host is loopback or O(validate_certs=false). An address
        that is none, or that holds a user, a password or a query, fails the task before any
        request.
    type: str
    required: true
  api_token:
    description:
      - The token of an admin user of the store, from Dashboard, Settings, Integrations.
      - It is sent to O(base_url) alone, never follows a redirect, and is in no result, log or
        error. A token that the store refuses ends the task at once.
    type: str
    required: true
  validate_certs:
    description:
      - Whether the store's certificate is checked. With V(false) anybody on the way could read the
        token, so each task then gives a warning.
    type: bool
    default: true
  ca_path:
    description:
      - A file with certificates of authorities, or a directory of them, on the executing host, to
        check the store's certificate against instead of the usual ones. A path that does not exist
        fails the task.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and for each part of an answer. More than 0, and at most
        86400.
    type: float
    default: 30
  max_retries:
    description:
      - How often one request is tried again after a failure that may pass (a broken connection,
        500, 502, 503, 504), with a growing pause that is partly random. From 0 to 100.
      - A refusal for the rate limit (429) does not count. It is waited out, as long as
        O(max_rate_limit_wait) allows.
      - A write whose answer was lost is repeated only once it is known that it was not carried
        out, or where its repetition changes nothing.
      - All requests of a task share a budget of retries, so a store that is down ends it early.
    type: int
    default: 5
  rate_limit_share:
    description:
      - The percentage of the store's rate limit that a task may use, from 1 to 100. The rest stays
        free for whatever else uses the token.
    type: int
    default: 100
  max_rate_limit_wait:
    description:
      - The longest single wait for the store's rate limit, in seconds, from 0 to 86400. A task that
        would have to wait longer ends with an error that says so.
    type: float
    default: 3600
  rate_limit_dir:
    description:
      - A directory on the executing host where tasks that run at the same time with the same
        O(base_url) and O(api_token) share the store's rate limit, by a small file that only its
        owner can read. It is made if it does not exist. The file's name tells neither the store nor
        the token, and it holds counts and times alone.
      - Without it, a directory of the user's own below the system's temporary one. Tasks of several
        containers share the limit where this is a volume that they share.
      - A directory that cannot be used fails nothing. The task then paces itself alone, and says so
        in a warning if this option was given.
    type: path
requirements:
  - requests
notes:
  - O(base_url), O(api_token) and O(rate_limit_dir) can come from the environment variables
    E(PUBLICA_BASE_URL), E(PUBLICA_API_TOKEN) and E(PUBLICA_RATE_LIMIT_DIR), or for every task at
    once from C(module_defaults) with the group C(group/publica.la.publica).
  - Proxies are taken from the environment (E(https_proxy), E(http_proxy), E(no_proxy)). A
    C(.netrc) file is not read.
"""
