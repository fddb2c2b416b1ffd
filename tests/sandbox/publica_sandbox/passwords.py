# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords at rest.

One round of salted SHA-256 and no slow key derivation: a sandbox holds made-up passwords, and
tests create thousands of users. What matters here is only that no password lies in the file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def hash_password(password: str) -> str:
    """``salt$digest`` of a password."""
    salt = secrets.token_hex(8)
    return f"{salt}${_digest(salt, password)}"


def check_password(password: str, stored: str | None) -> bool:
    """Whether ``stored`` was made from this password."""
    salt, _, digest = (stored or "").partition("$")
    return bool(digest) and hmac.compare_digest(digest, _digest(salt, password))


def _digest(salt: str, password: str) -> str:
    return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
