# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired users from files: the users or the errors that a file's content leads to."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input.columns import (
    TextLines,
    read_columns,
)
from ansible_collections.publica.la.plugins.module_utils.input.files import READERS, users_of_task
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import Row


class SourceDirectory:
    """A directory of the test, and the result of a task for the files in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def users(
        self,
        name: str,
        content: str | bytes,
        src_columns: Mapping[str, Any] | None = None,
        users: Sequence[Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> list[DesiredUser]:
        """The desired users of a valid file."""
        return users_of_task(users, str(self.write(name, content)), src_columns, defaults, **others)

    def error(
        self, name: str, content: str | bytes, *more: Any, **others: Any
    ) -> InvalidInputError:
        """The error of a file that is refused; its path is in the message once, in the head."""
        with pytest.raises(InvalidInputError) as refused:
            self.users(name, content, *more, **others)
        head, *lines = refused.value.message.split("\n")
        assert head.endswith(f" in {self.path / name}. No request was sent.")
        assert str(self.path) not in "".join(lines)
        return refused.value


def rows_of(name: str, content: bytes, src_columns: Mapping[str, Any] | None = None) -> list[Any]:
    """The rows of a content, before they are validated; anything else fails the test."""
    columns, errors = read_columns(src_columns or {})
    assert errors == []
    read: Callable[..., Any] = READERS[Path(name).suffix]
    entries = list(read(TextLines(io.BytesIO(content), name), columns))
    assert all(isinstance(entry, Row) for entry in entries), entries
    return entries
