# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a file, line by line: which encoding it has, and where it is broken."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from ..entries import Fault

# Stands for bytes that are not in the encoding. No well-formed text has it, so a line can be asked
# for it, where an exception of the decoder would only tell of a place in its buffer.
_BROKEN = "\udcff"
_MARKING = "publica.la.marking"
_VAULT = "$ANSIBLE_VAULT;"


class BadSourceError(ValueError):
    """What keeps a file, or the rest of it, from being read."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where} {text}")
        self.fault = Fault("", where, text)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _BROKEN, error.end
    raise error


codecs.register_error(_MARKING, _mark)


class TextLines(Iterator[str]):
    """The lines of a file with their ends, as they are asked for; all kinds of line ends count.

    :param content: the file, at its beginning; it can seek.
    :param name: the file's name, for labels.
    """

    def __init__(self, content: BinaryIO, name: str) -> None:
        self.name = name
        self.number = 0
        self._encoding, python_name = _encoding(content)
        # With an empty ``newline`` every kind of line end counts, and stays as it is.
        self._lines = io.TextIOWrapper(content, python_name, errors=_MARKING, newline="")

    @property
    def place(self) -> str:
        """Where the line stands that was read last."""
        return f"{self.name}:{self.number}"

    def __next__(self) -> str:
        """The next line.

        :raises BadSourceError: for bytes that are no text, and for an encrypted file.
        """
        line = next(self._lines)
        self.number += 1
        if _BROKEN in line:
            raise BadSourceError(
                self.place,
                f"holds bytes that are not {self._encoding}; save the file as UTF-8, in a "
                'spreadsheet as "CSV UTF-8"',
            )
        if self.number == 1 and line.startswith(_VAULT):
            raise BadSourceError(
                self.name,
                "is encrypted by Ansible Vault, which the module cannot read; keep these users in "
                "a variable of the inventory, or decrypt the file before the task",
            )
        if "\0" in line:
            raise BadSourceError(
                self.place,
                "holds a NUL byte, which no text has; save the file as UTF-8, in a spreadsheet as "
                '"CSV UTF-8"',
            )
        return line


def _encoding(content: BinaryIO) -> tuple[str, str]:
    """A file's encoding by its byte-order mark, for people and for Python."""
    beginning = content.read(3)
    content.seek(0)
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16", "utf-16"
    return "UTF-8", "utf-8-sig"
