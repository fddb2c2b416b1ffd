# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the users are in a JSON or YAML document: it is the list, or has it under one key."""

from __future__ import annotations

LIST_KEYS = ("users", "publica_users_desired")
LIST_PREFIX = "publica_users_desired_"

NO_LIST = (
    "must be a list of users, or a mapping with one key alone, which is users, "
    f"{LIST_KEYS[1]} or a name that begins with {LIST_PREFIX}, and a list of users under it"
)


def is_list_key(key: object) -> bool:
    """Whether a list under this key is one of users."""
    return isinstance(key, str) and (key in LIST_KEYS or key.startswith(LIST_PREFIX))
