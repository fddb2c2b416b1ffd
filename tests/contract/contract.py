# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract as data, and where it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("openapi.yaml")
METHODS = ("get", "put", "post", "delete")


@dataclass(frozen=True)
class Operation:
    """One documented endpoint."""

    id: str
    method: str
    path: str
    description: dict[str, Any]

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is for this endpoint."""
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return method.upper() == self.method and re.fullmatch(pattern, path) is not None

    def query_parameters(self) -> set[str]:
        """The names that the query string may hold."""
        parameters = self.description.get("parameters", [])
        return {entry["name"] for entry in parameters if entry.get("in") == "query"}

    def body_fields(self) -> set[str]:
        """The names that the body may hold."""
        if "requestBody" not in self.description:
            return set()
        content = self.description["requestBody"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        return set(contract()["components"]["schemas"][name]["properties"])


@cache
def contract() -> dict[str, Any]:
    """The OpenAPI description. Shared: do not change it."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


@cache
def operations() -> dict[str, Operation]:
    """Every operation by its id."""
    found = {}
    for path, item in contract()["paths"].items():
        for method in METHODS:
            if method in item:
                operation_id = item[method]["operationId"]
                found[operation_id] = Operation(operation_id, method.upper(), path, item[method])
    return found


def find_operation(method: str, path: str) -> Operation | None:
    """The operation that a request is for."""
    matching = (found for found in operations().values() if found.matches(method, path))
    return next(matching, None)
