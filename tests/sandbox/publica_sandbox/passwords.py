# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old place of ``database_state.check_password``, for test suites that still import it."""

from .database_state import check_password, hash_password

__all__ = ["check_password", "hash_password"]
