# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project of the examples, with sandbox stores behind it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore

from .paths import COLLECTION, PROJECT, run_program

STORES = ("press", "university")


@dataclass(frozen=True)
class Site:
    """A copy of the project, and the stores of its inventory."""

    folder: Path
    stores: Mapping[str, SandboxStore]

    @property
    def tokens(self) -> dict[str, str]:
        """The tokens of the stores, by the names of their variables in the pipelines."""
        return {f"PUBLICA_TOKEN_{name.upper()}": store.token for name, store in self.stores.items()}

    def add(self, store: str, *users: Mapping[str, Any]) -> None:
        """Add users to a store's list, as a merge does."""
        path = self.folder / "inventory" / "host_vars" / store / "more.yml"
        known = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
        listed = [*known.get("publica_users_desired_more", []), *users]
        path.write_text(yaml.safe_dump({"publica_users_desired_more": listed}), "utf-8")

    def declared(self) -> dict[str, set[str]]:
        """The desired addresses by store."""
        return {name: {user["email"] for user in self.listed(name)} for name in self.stores}

    def listed(self, store: str) -> list[dict[str, Any]]:
        files = (self.folder / "inventory" / "host_vars" / store).glob("*.yml")
        lists = [
            users
            for path in files
            for name, users in yaml.safe_load(path.read_text("utf-8")).items()
            if name.startswith("publica_users_desired")
        ]
        return [user for users in lists for user in users]

    def fill(self) -> None:
        """Add all desired users to the stores."""
        for name, store in self.stores.items():
            store.add_users(_as_stored(user) for user in self.listed(name))

    def active(self) -> dict[str, set[str]]:
        """The addresses of the stores' active users."""
        return {
            name: {user["email"] for user in store.users(active=True)}
            for name, store in self.stores.items()
        }

    def writes(self) -> int:
        """The number of write requests to the stores."""
        return sum(len(store.journal(writes=True)) for store in self.stores.values())


def _as_stored(user: Mapping[str, Any]) -> dict[str, Any]:
    plan = {"plan_id": user.get("plan_id"), "valid_to": user.get("plan_valid_to")}
    plain = {key: value for key, value in user.items() if not key.startswith("plan")}
    return {**plain, "plans": [plan] if plan["plan_id"] else []}


def lay_out(folder: Path, stores: Mapping[str, SandboxStore], archive: Path) -> Site:
    """Copy the project with the addresses of the sandbox stores and the collection's archive."""
    shutil.copytree(PROJECT, folder)
    shutil.copy2(archive, folder / "collections")
    for name, store in stores.items():
        path = folder / "inventory" / "host_vars" / name / "store.yml"
        text, count = re.subn(r"https?://\S+", store.base_url, path.read_text("utf-8"))
        assert count == 1, path
        path.write_text(text, "utf-8")
    return Site(folder, stores)


def build_archive(folder: Path) -> Path:
    words = ("--output-path", str(folder), str(COLLECTION))
    built = run_program("ansible-galaxy", "collection", "build", *words, folder=folder)
    assert built.returncode == 0, built.stderr
    [archive] = folder.glob("*.tar.gz")
    return archive
