# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for people's eyes: what would steer a terminal, or hide there, shows as its code.

A user's address or a plan's name is whatever somebody once typed at the store or into a file. In
a message it could clear the screen, forge a second line or turn the order of what follows around,
just where somebody reviews a dry run. Results as data (``results``, ``user``, ``users``) keep every
character, since playbooks compare and write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What a result says to people; everything else in it is data.
TOLD = ("msg", "warnings", "failure", "guard", "diff")


def visible(text: str) -> str:
    """A text with each character that is not printable written as Python writes its code.

    Those are control characters, line ends, changes of direction, zero-width characters and halves
    of characters.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def visible_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """A module's result with everything that it says to people made visible."""
    told = {name: _visible(value) if name in TOLD else value for name, value in result.items()}
    if "results" in told:
        told["results"] = [
            {**item, "error": _visible(item["error"])} if item["error"] else item
            for item in told["results"]
        ]
    return told


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {_visible(key): _visible(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_visible(inner) for inner in value]
    return value
