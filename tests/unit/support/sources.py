# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired users or validation errors from the content of a file."""

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
from ansible_collections.publica.la.plugins.module_utils.input.rows import LabelledRow


class SourceFolder:
    """A directory for the files of a test, and what a task reads from them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def users(
        self,
        name: str,
        content: str | bytes,
        src_columns: Mapping[str, Any] | None = None,
        users: Sequence[Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> list[DesiredUser]:
        """The desired users of a valid file."""
        return users_of_task(users, str(self.write(name, content)), src_columns, defaults)

    def error(
        self, name: str, content: str | bytes, *more: Any, **others: Any
    ) -> InvalidInputError:
        """The error of an invalid file; its message is one line and names the path once."""
        with pytest.raises(InvalidInputError) as error:
            self.users(name, content, *more, **others)
        message = error.value.message
        assert "\n" not in message
        assert message.count(str(self.directory)) == 1
        return error.value


def rows_of(name: str, content: bytes, src_columns: Mapping[str, Any] | None = None) -> list[Any]:
    """The rows of a file before validation; the test fails if one can't be read."""
    columns, errors = read_columns(src_columns or {})
    assert errors == []
    read: Callable[..., Any] = READERS[Path(name).suffix]
    entries = list(read(TextLines(io.BytesIO(content), name), columns))
    assert all(isinstance(entry, LabelledRow) for entry in entries), entries
    return entries
