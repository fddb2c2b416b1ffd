# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old name of ``database_state``, for test suites that still import it."""

from .database_state import Row, journal, opened, plans_of, select, users

__all__ = ["Row", "journal", "opened", "plans_of", "select", "users"]
