# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that modules share: what they support of Ansible's own abilities."""

from __future__ import annotations


class ModuleDocFragment:
    """``publica.la.attributes``."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Defaults can be set with C(group/publica.la.publica) in C(module_defaults).
    support: full
    membership:
      - publica.la.publica
  check_mode:
    description: Can run in check mode and return what would change, without changing it.
    support: full
  diff_mode:
    description: Returns the difference before and after, for C(--diff).
    support: full
"""

    INFO = r"""
attributes:
  action_group:
    description: Defaults can be set with C(group/publica.la.publica) in C(module_defaults).
    support: full
    membership:
      - publica.la.publica
  check_mode:
    description: Can run in check mode and return what would change, without changing it.
    support: full
    details: The module never changes anything.
  diff_mode:
    description: Returns the difference before and after, for C(--diff).
    support: N/A
    details: The module never changes anything.
"""
