# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from a YAML document: its text is held as a whole, its users one at a time.

Values are what YAML says, but two kinds that would not survive stay text: dates, which the options
want as text, and whole numbers with a leading zero, which YAML 1.1 takes for octal. Ansible's tag
``!unsafe``, for a text that is not to be evaluated, says what holds for every text here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, SafeLoader

from .columns import BadSourceError, Columns, TextLines
from .rows import Entry, ValidationError

LIST_KEYS = ("users", "publica_users_desired")
LIST_PREFIX = "publica_users_desired_"

NO_LIST = (
    "must be a list of users, or a mapping with one key alone, which is users, "
    f"{LIST_KEYS[1]} or a name that begins with {LIST_PREFIX}, and a list of users under it"
)


def is_list_key(key: object) -> bool:
    """Whether a list under this key is one of users."""
    return isinstance(key, str) and (key in LIST_KEYS or key.startswith(LIST_PREFIX))


class _Repeating(dict[str, Any]):
    """An object some of whose names stood in it more than once."""

    repeated: tuple[str, ...] = ()


def json_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a document, which is held as a whole.

    :raises BadSourceError: for a document that is no list of users.
    """
    text = "".join(lines)
    if not text.strip():
        return
    rows = _parsed(text, lines.name, 1)
    if isinstance(rows, dict) and _is_list_under_key(rows):
        [rows] = rows.values()
    if not isinstance(rows, list):
        raise BadSourceError(lines.name, NO_LIST)
    for index, row in enumerate(rows):
        yield from columns.renamed(f"{lines.name}[{index}]", row, _repeated(row))


def json_lines_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a file with one object in each line; blank lines are skipped."""
    for line in lines:
        if not line.strip():
            continue
        try:
            row = _parsed(line, lines.name, lines.number)
        except BadSourceError as error:
            # The next line is a record of its own.
            yield error.fault
        else:
            yield from columns.renamed(lines.place, row, _repeated(row))


def _repeated(row: Any) -> tuple[str, ...]:
    return row.repeated if isinstance(row, _Repeating) else ()


def _is_list_under_key(document: dict[str, Any]) -> bool:
    return len(document) == 1 and not _repeated(document) and is_list_key(next(iter(document)))


def _parsed(text: str, name: str, line: int) -> Any:
    """The value of a JSON text that begins in a line of a file; no error quotes a part of it."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"{name}:{line + error.lineno - 1}:{error.colno}"
        raise BadSourceError(
            where,
            "is no valid JSON at this line and column; a quote, a comma or a bracket is missing "
            "there, or one too many",
        ) from None
    except RecursionError:
        raise BadSourceError(f"{name}:{line}", "is nested too deeply; users are flat") from None
    except ValueError:
        raise BadSourceError(f"{name}:{line}", "holds a number that is too long") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    names = [pair[0] for pair in pairs]
    repeating = _Repeating(values)
    repeating.repeated = tuple(name for name in values if names.count(name) > 1)
    return repeating


# One for all lines: json.loads would make a new one for each.
_DECODER = json.JSONDecoder(object_pairs_hook=_object)


try:
    import yaml
    from yaml.composer import Composer
except ImportError:
    # Nothing is parsed then; yaml_rows says why.
    Composer = object  # type: ignore[assignment,misc]

_TAG = "tag:yaml.org,2002:"
_PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# YAML 1.1, section 4.1: what a stream may not hold.
_NO_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class UnknownTagError(ValueError):
    """A value has a tag that has no meaning for a user's options."""

    def __init__(self, node: Any) -> None:
        super().__init__(node.tag)
        self.tag: str = node.tag
        self.line: int = node.start_mark.line + 1


def _refuse(_loader: Any, node: Any) -> None:
    raise UnknownTagError(node)


def _text(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _number(loader: Any, node: Any) -> Any:
    text = loader.construct_scalar(node)
    return int(text) if _PLAIN_NUMBER.fullmatch(text) else text


# libyaml's own composer holds the whole document, and deep nesting ends the process. So only its
# parser is used where it is there, under the composer that is written in Python.
_BASES = (SafeLoader,) if issubclass(SafeLoader, Composer) else (Composer, SafeLoader)


class RowLoader(*_BASES):  # type: ignore[misc]  # the bases depend on how PyYAML was built
    """Takes the users out of a stream one by one."""

    # The composer's own takes no text, and what it sets is set below.
    __init__ = SafeLoader.__init__

    def user_nodes(self, name: str) -> Iterator[Any]:
        """The node of each user, as soon as it is parsed.

        :raises BadSourceError: for a stream that holds anything but one list of users.
        """
        # Nodes by the names that aliases call them.
        self.anchors: dict[str, Any] = {}
        self.get_event()  # the beginning of the stream
        if self.check_event(yaml.StreamEndEvent):
            return
        self.get_event()  # the beginning of the document
        if self._is_nothing():
            return
        under_key = self.check_event(yaml.MappingStartEvent)
        if under_key:
            self.get_event()
            if not is_list_key(self._key()):
                raise BadSourceError(name, NO_LIST)
        if not self.check_event(yaml.SequenceStartEvent):
            raise BadSourceError(name, NO_LIST)
        self.get_event()
        while not self.check_event(yaml.SequenceEndEvent):
            yield self.compose_node(None, None)
        self.get_event()
        if under_key and not self.check_event(yaml.MappingEndEvent):
            raise BadSourceError(name, NO_LIST)
        if under_key:
            self.get_event()
        self.get_event()  # the end of the document
        if not self.check_event(yaml.StreamEndEvent):
            line = self.peek_event().start_mark.line + 1
            raise BadSourceError(f"{name}:{line}", "begins a second document; keep one")

    def row(self, node: Any) -> Any:
        """The value of a node, whatever became of the one before."""
        try:
            return self.construct_document(node)
        finally:
            # What a failure leaves behind; after a success it is so already.
            self.constructed_objects: dict[Any, Any] = {}
            self.recursive_objects: dict[Any, Any] = {}
            self.state_generators: list[Any] = []
            self.deep_construct = False

    def _is_nothing(self) -> bool:
        """Whether the document is an empty value, such as one of comments alone."""
        event = self.peek_event()
        return isinstance(event, yaml.ScalarEvent) and event.value in ("", "~", "null")

    def _key(self) -> object:
        """The first key of a mapping; None for an empty mapping, and for a key that is no text."""
        if not self.check_event(yaml.ScalarEvent):
            return None
        return self.get_event().value


if HAS_YAML:
    RowLoader.add_constructor(f"{_TAG}timestamp", _text)
    RowLoader.add_constructor(f"{_TAG}int", _number)
    RowLoader.add_constructor("!unsafe", _text)
    for _tag in (None, *(f"{_TAG}{kind}" for kind in ("binary", "omap", "pairs", "set"))):
        RowLoader.add_constructor(_tag, _refuse)


def yaml_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a document, whose text is held as a whole.

    :raises BadSourceError: for a document that is no list of users, and where PyYAML is missing.
    """
    if not HAS_YAML:
        raise BadSourceError(
            lines.name,
            f"is YAML, and the Python library PyYAML is not there for {sys.executable}; install it "
            "with pip install pyyaml, or give the users as .json, .jsonl or .csv",
        )
    text = "".join(lines)
    try:
        loader = RowLoader(text)
        for node in loader.user_nodes(lines.name):
            yield from _entries_of_node(loader, node, lines.name, columns)
    except RecursionError:
        raise BadSourceError(lines.name, "is nested too deeply; users are flat") from None
    except yaml.YAMLError as error:
        raise _no_yaml(error, text, lines.name) from None


def _entries_of_node(loader: RowLoader, node: Any, name: str, columns: Columns) -> Iterator[Entry]:
    label = f"{name}:{node.start_mark.line + 1}"
    repeated = _repeated_keys(node)
    try:
        row = loader.row(node)
    except UnknownTagError as error:
        yield ValidationError("", f"{name}:{error.line}", _about_tag(error.tag))
    except (yaml.YAMLError, ValueError, RecursionError):
        yield ValidationError("", label, "holds a value that is no plain text, number or boolean")
    else:
        yield from columns.renamed(label, row, repeated)


def _no_yaml(error: Exception, text: str, name: str) -> BadSourceError:
    """What is wrong with a text that cannot be parsed; nothing of it is quoted."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return _no_characters(text, name)
    return BadSourceError(
        f"{name}:{mark.line + 1}:{mark.column + 1}",
        "is no valid YAML at this line and column; look at the indentation, at colons and at "
        "quotes",
    )


def _no_characters(text: str, name: str) -> BadSourceError:
    found = _NO_YAML.search(text)
    where = f"{name}:{text.count(chr(10), 0, found.start()) + 1}" if found else name
    return BadSourceError(where, "holds a character that YAML does not allow; remove it")


def _repeated_keys(node: Any) -> list[str]:
    """The keys that a mapping has more than once; YAML forbids it, and its loaders let it pass."""
    if node.id != "mapping":
        return []
    keys = [pair[0].value for pair in node.value if pair[0].id == "scalar"]
    distinct = dict.fromkeys(keys)
    return [] if len(distinct) == len(keys) else [key for key in distinct if keys.count(key) > 1]


def _about_tag(tag: str) -> str:
    if tag == "!vault":
        return (
            "holds a value of Ansible Vault (!vault), which only Ansible itself can read; put this "
            "user into a variable of the inventory"
        )
    # The tag is not quoted: a password that begins with ! and stands without quotes is one.
    return (
        "has a value with a tag, a word that begins with !, which means nothing here; remove it, "
        "or put a text that begins with ! in quotes"
    )
