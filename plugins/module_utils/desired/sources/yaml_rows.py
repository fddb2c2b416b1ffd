# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from a YAML document, which is held as a whole.

Values are what YAML says, but two kinds that would not survive stay text: dates, which the options
want as text, and whole numbers with a leading zero, which YAML 1.1 takes for octal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, SafeLoader

from ..entries import Entry, Fault
from .columns import Columns
from .documents import NO_LIST, is_list_alone
from .text import BadSourceError, TextLines

try:
    import yaml
except ImportError:
    # Nothing is parsed then, so this is never raised.
    YAML_ERROR: type[Exception] = ValueError
else:
    YAML_ERROR = yaml.YAMLError

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


class RowLoader(SafeLoader):
    """Composes the document, and makes a row of one node at a time."""

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


if HAS_YAML:
    RowLoader.add_constructor(f"{_TAG}timestamp", _text)
    RowLoader.add_constructor(f"{_TAG}int", _number)
    for _tag in (None, *(f"{_TAG}{kind}" for kind in ("binary", "omap", "pairs", "set"))):
        RowLoader.add_constructor(_tag, _refuse)


def yaml_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a document.

    :raises BadSourceError: for a document that is no list of users, and where PyYAML is missing.
    """
    if not HAS_YAML:
        raise BadSourceError(
            lines.name,
            f"is YAML, and the Python library PyYAML is not there for {sys.executable}; install it "
            "with pip install pyyaml, or give the users as .json, .jsonl or .csv",
        )
    text = "".join(lines)
    loader, document = _composed(text, lines.name)
    nodes = _user_nodes(document, lines.name)
    # From the end, so that each node can be let go of once it is a row.
    nodes.reverse()
    while nodes:
        node = nodes.pop()
        label = f"{lines.name}:{node.start_mark.line + 1}"
        repeated = _repeated(node)
        try:
            row = loader.row(node)
        except UnknownTagError as error:
            yield Fault("", f"{lines.name}:{error.line}", _about_tag(error.tag))
        except (YAML_ERROR, ValueError, RecursionError):
            yield Fault("", label, "holds a value that is no plain text, number or boolean")
        else:
            yield from columns.renamed(label, row, repeated)


def _composed(text: str, name: str) -> tuple[RowLoader, Any]:
    """A loader, and the only document of a text as a node, None for an empty one.

    :raises BadSourceError: which quotes nothing of the text.
    """
    try:
        loader = RowLoader(text)
        return loader, loader.get_single_node()
    except RecursionError:
        raise BadSourceError(name, "is nested too deeply; users are flat") from None
    except YAML_ERROR as error:
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            raise _no_characters(text, name) from None
        raise BadSourceError(
            f"{name}:{mark.line + 1}:{mark.column + 1}",
            "is no valid YAML at this line and column; look at the indentation, at colons and at "
            "quotes",
        ) from None


def _no_characters(text: str, name: str) -> BadSourceError:
    found = _NO_YAML.search(text)
    where = f"{name}:{text.count(chr(10), 0, found.start()) + 1}" if found else name
    return BadSourceError(where, "holds a character that YAML does not allow; remove it")


def _user_nodes(document: Any, name: str) -> list[Any]:
    if document is None or document.tag == f"{_TAG}null":
        return []
    if document.id == "mapping" and is_list_alone([key.value for key, _ in document.value]):
        [(_, document)] = document.value
    if document.id != "sequence":
        raise BadSourceError(name, NO_LIST)
    nodes: list[Any] = document.value
    return nodes


def _repeated(node: Any) -> list[str]:
    """The keys that a mapping has more than once; YAML forbids it, and its loaders let it pass."""
    if node.id != "mapping":
        return []
    keys = [key.value for key, _ in node.value if key.id == "scalar"]
    distinct = dict.fromkeys(keys)
    return [] if len(distinct) == len(keys) else [key for key in distinct if keys.count(key) > 1]


def _about_tag(tag: str) -> str:
    if tag == "!vault":
        return (
            "holds a value of Ansible Vault (!vault), which only Ansible itself can read; put this "
            "user into a variable of the inventory"
        )
    return f"has a value with the tag {tag[:40]}, which means nothing here; remove the tag"
