# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from JSON documents, JSON lines and YAML documents."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from ..errors import ValidationError
from .columns import HOLDS_ROWS, LONGEST_RECORD, Columns, TextLines
from .rows import BadSourceError, Entry
from .values import NumberText, safe_key_name

LIST_KEYS = ("users", "publica_users_desired")
LIST_PREFIX = "publica_users_desired_"

_NO_LIST = (
    "must be a list of users, or a mapping with a single key and a list of users under it; the key "
    f"is users, {LIST_KEYS[1]} or a name that begins with {LIST_PREFIX}"
)
_TOO_MANY_ALIASED = (
    "its aliases (* and <<) stand for too many values, with those of the users before it; merge "
    "only options of a user, and don't nest lists of aliases. The lines after it were not read"
)
_NESTED = "is nested too deeply; a user is a flat mapping of options to values"


def _is_list_key(key: str) -> bool:
    return key in LIST_KEYS or key.startswith(LIST_PREFIX)


class _Repeating(dict[str, Any]):
    """A JSON object with keys that occur more than once."""

    repeated: list[str]


def json_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    text = lines.document()
    if not text.strip():
        return
    rows = _parsed(text, lines.name, 1)
    if isinstance(rows, dict) and not isinstance(rows, _Repeating) and len(rows) == 1:
        [(key, value)] = rows.items()
        rows = value if _is_list_key(key) else rows
    if not isinstance(rows, list):
        raise BadSourceError(lines.name, _NO_LIST)
    for index, row in enumerate(rows):
        yield from columns.renamed(f"{lines.name}[{index}]", row, getattr(row, "repeated", ()))


def json_lines_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    for line in lines:
        lines.room = LONGEST_RECORD
        if not line.strip():
            continue
        try:
            row = _parsed(line, lines.name, lines.number)
        except BadSourceError as error:
            # The next line is a record of its own.
            yield error.error
        else:
            yield from columns.renamed(lines.place, row, getattr(row, "repeated", ()))


def _parsed(text: str, name: str, line: int) -> Any:
    """The value of a JSON text that begins in a line of a file."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BadSourceError(
            f"{name}:{line + error.lineno - 1}:{error.colno}",
            "is not valid JSON at this line and column; look for a quote, a comma or a bracket "
            "that is missing or not needed",
        ) from None
    except RecursionError:
        raise BadSourceError(f"{name}:{line}", _NESTED) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    repeating = _Repeating(values)
    repeating.repeated = _repeated_names([pair[0] for pair in pairs])
    return repeating


def _repeated_names(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


# One for all lines: json.loads would make a new one for each. Numbers keep their characters.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=NumberText,
    parse_int=NumberText,
    parse_constant=NumberText,
)


def yaml_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a YAML document: its text is held in memory, its users one at a time.

    Every scalar without a tag is the text that the file has, except null: the options read numbers,
    booleans and dates from text. The tag ``!unsafe`` changes nothing: no text is a template.
    """
    # Loaded only here: PyYAML takes longer to load than all other readers together.
    from ansible.module_utils.common.yaml import HAS_YAML

    if not HAS_YAML:
        raise BadSourceError(
            lines.name,
            f"is YAML, and the Python library PyYAML is missing for {sys.executable}; install it "
            "with pip install pyyaml, or give the users as .json, .jsonl or .csv",
        )
    from yaml import YAMLError

    text = lines.document()
    try:
        loader = _yaml_loader(text, lines.name)
        for line, node in _user_nodes(loader):
            yield from _entries_of_node(loader, f"{lines.name}:{line}", node, columns)
    except RecursionError:
        raise BadSourceError(lines.name, _NESTED) from None
    except YAMLError as error:
        raise _invalid_yaml(error, text, lines.name) from None


# How many keys and values the aliases of a file can stand for.
ALIASED = 100_000
ALIASED_A_USER = 200


class _Anchors(dict[str, Any]):
    """The nodes that aliases refer to, within a budget: few can stand for very many values."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = ALIASED
        # By the identity of nodes, which stay in use.
        self._sizes: dict[int, int] = {}

    def __getitem__(self, name: str) -> Any:
        node = super().__getitem__(name)
        size = self._size(node)
        # Within itself, a node has no end yet.
        if node.end_mark is not None:
            self._sizes[id(node)] = size
        self.budget -= size
        if self.budget < 0:
            raise _BudgetError
        return node

    def _size(self, node: Any) -> int:
        """The number of nodes in a node, those in each alias included."""
        known = self._sizes.get(id(node))
        if known is not None or node.end_mark is None or node.id == "scalar":
            return known or 1
        inner = chain.from_iterable(node.value) if node.id == "mapping" else node.value
        return 1 + sum(map(self._size, inner))


class _BudgetError(Exception):
    """The aliases of a file stand for too many values."""


_TAG = "tag:yaml.org,2002:"
# What a plain scalar can be, apart from text.
_RESOLVED = (f"{_TAG}null", f"{_TAG}merge")
# A line of a text that is the beginning of a user, or an option of one.
_ROW_IN_TEXT = re.compile(r"\n\s*(?:- |[\w][\w -]*:\s)")

# YAML 1.1, section 4.1: what a stream must not contain.
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _refuse(loader: Any, node: Any) -> None:
    if node.tag == "!vault":
        text = (
            "contains a value of Ansible Vault (!vault), which only Ansible can read; put this "
            "user into a variable of the inventory"
        )
    else:
        # The tag is not quoted: a password that begins with ! and has no quotes is one.
        text = (
            "has a value with an unknown tag, a word that begins with !; remove it, or put a text "
            "that begins with ! in quotes"
        )
    raise BadSourceError(f"{loader.file_name}:{node.start_mark.line + 1}", text)


def _yaml_loader(text: str, file_name: str) -> Any:
    from ansible.module_utils.common.yaml import SafeLoader
    from yaml.composer import Composer

    # libyaml's own composer holds the whole document, and deep nesting ends the process.
    bases = (SafeLoader,) if issubclass(SafeLoader, Composer) else (Composer, SafeLoader)
    # The composer's own __init__ takes no text.
    resolvers = {
        first: [(tag, pattern) for tag, pattern in tags if tag in _RESOLVED]
        for first, tags in SafeLoader.yaml_implicit_resolvers.items()
    }
    members = {"__init__": SafeLoader.__init__, "yaml_implicit_resolvers": resolvers}
    loader_class: Any = type("RowLoader", bases, members)
    for tag in (f"{_TAG}timestamp", f"{_TAG}int", "!unsafe"):
        loader_class.add_constructor(tag, SafeLoader.construct_scalar)
    for refused in (None, *(f"{_TAG}{kind}" for kind in ("binary", "omap", "pairs", "set"))):
        loader_class.add_constructor(refused, _refuse)
    loader = loader_class(text)
    loader.file_name, loader.text = file_name, text
    loader.anchors = _Anchors()
    return loader


def _user_nodes(loader: Any) -> Iterator[tuple[int, Any]]:
    """The line and the node of each user, as soon as it is parsed."""
    from yaml import events

    loader.get_event()  # the beginning of the stream
    if loader.check_event(events.StreamEndEvent):
        return
    loader.get_event()  # the beginning of the document
    event = loader.peek_event()
    if isinstance(event, events.ScalarEvent) and event.value in ("", "~", "null"):
        return
    under_key = isinstance(event, events.MappingStartEvent)
    if under_key:
        loader.get_event()
        key = loader.get_event() if loader.check_event(events.ScalarEvent) else None
        if key is None or not _is_list_key(key.value):
            raise BadSourceError(loader.file_name, _NO_LIST)
    if not loader.check_event(events.SequenceStartEvent):
        raise BadSourceError(loader.file_name, _NO_LIST)
    loader.get_event()
    while not loader.check_event(events.SequenceEndEvent):
        line = loader.peek_event().start_mark.line + 1
        loader.anchors.budget += ALIASED_A_USER
        try:
            node = loader.compose_node(None, None)
        except _BudgetError:
            raise BadSourceError(f"{loader.file_name}:{line}", _TOO_MANY_ALIASED) from None
        yield line, node
    loader.get_event()
    if under_key and not isinstance(loader.get_event(), events.MappingEndEvent):
        raise BadSourceError(loader.file_name, _NO_LIST)
    loader.get_event()  # the end of the document
    if not loader.check_event(events.StreamEndEvent):
        line = loader.peek_event().start_mark.line + 1
        raise BadSourceError(f"{loader.file_name}:{line}", "begins a second document; keep one")


def _entries_of_node(loader: Any, place: str, node: Any, columns: Columns) -> Iterator[Entry]:
    from yaml import YAMLError

    # YAML forbids repeated keys, but its loaders accept them.
    pairs = node.value if node.id == "mapping" else ()
    repeated = _repeated_names([key.value for key, _value in pairs if key.id == "scalar"])
    for key, value in pairs:
        if value.start_mark.line < value.end_mark.line and _holds_rows(loader, value):
            text = f"goes on to line {value.end_mark.line + 1}, and it {HOLDS_ROWS}"
            yield ValidationError(place, safe_key_name(key.value), text)
    try:
        row = loader.construct_document(node)
    except BadSourceError as error:
        yield error.error
    except (YAMLError, ValueError, RecursionError):
        text = "contains a value that is not plain text, a number or a boolean; correct it"
        yield ValidationError(place, "", text)
    else:
        yield from columns.renamed(place, row, repeated)
        return
    # What a failure leaves behind would change the next user.
    loader.constructed_objects, loader.recursive_objects = {}, {}
    loader.state_generators, loader.deep_construct = [], False


def _holds_rows(loader: Any, node: Any) -> bool:
    """Whether a quoted text of several lines may hold other rows, up to a stray quote."""
    if node.id != "scalar" or node.style not in ("'", '"'):
        return False
    text = loader.text[node.start_mark.index : node.end_mark.index]
    return _ROW_IN_TEXT.search(text) is not None


def _invalid_yaml(error: Exception, text: str, name: str) -> BadSourceError:
    """The error for a text that cannot be parsed; it does not quote it."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return BadSourceError(
            f"{name}:{mark.line + 1}:{mark.column + 1}",
            "is not valid YAML at this line and column; check the indentation, colons and quotes",
        )
    found = _NOT_YAML.search(text)
    place = f"{name}:{text.count(chr(10), 0, found.start()) + 1}" if found else name
    return BadSourceError(place, "contains a character that YAML does not allow; remove it")
