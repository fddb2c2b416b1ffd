# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/directory and database: from an LDAP server and from SQLite to a store."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from publica_sandbox.testing import SandboxStore

from pipeline_support.directory import PASSWORD, SUFFIX, Directory, entry, environment
from pipeline_support.paths import EXAMPLES
from support.inventories import ALL_VARIABLES
from support.playbooks import PlaybookRunner, Run

PROVISION = "publica.la.provision"
ADDRESS = "https://university.example.org"
CAMPUS, STAFF = 11, 13
BUYER = {"email": "buyer@example.org", "external_id": "buyer-1"}

# More people than a page of an answer has, and than Active Directory returns without pages.
COUNT = 1200
PEOPLE = f"ou=people,{SUFFIX}"
DISABLED, ENABLED = "514", "512"
WITHOUT_MAIL, DISABLED_BEFORE = 40, (50, 51, 52)
# The members of the example's groups. One is in both.
MEMBERS = {"Faculty": range(10), "Escuela de Música": range(9, 30)}


class Example:
    """A copy of an example, with a sandbox store at its address."""

    def __init__(self, name: str, runner: PlaybookRunner, store: SandboxStore) -> None:
        self.folder = runner.directory / name
        self._runner, self._store = runner, store
        shutil.copytree(EXAMPLES / name, self.folder)
        self._inventory = self.folder / "inventory.yml"
        text = self._inventory.read_text("utf-8")
        assert ADDRESS in text
        self._inventory.write_text(text.replace(ADDRESS, store.base_url), "utf-8")
        runner.write(f"{name}/group_vars/all.yml", ALL_VARIABLES)

    def run(self, *words: str) -> Run:
        """Read the source, and provision the store."""
        [read] = self.folder.glob("read-*.yml")
        token = {"PUBLICA_API_TOKEN": self._store.token}
        run = self._runner.playbook(
            [read, PROVISION], self._inventory, arguments=words, environment=environment() | token
        )
        assert PASSWORD not in run.output
        assert self._store.token not in run.output
        return run


def changes(run: Run) -> list[str]:
    return [task.name for task in run.tasks if task.result.get("changed")]


def active(store: SandboxStore) -> set[str]:
    return {user["email"] for user in store.users(active=True)}


def plans(store: SandboxStore, email: str) -> list[int]:
    return [plan["plan_id"] for plan in store.plans_of(store.user(email=email)["id"])]


@pytest.fixture
def store() -> Iterator[SandboxStore]:
    """A store with a user who is in no list."""
    with SandboxStore(users=[BUYER]) as store:
        yield store


@pytest.fixture
def runner(tmp_path: Path) -> PlaybookRunner:
    return PlaybookRunner(tmp_path)


def name_of(number: int) -> str:
    """The name of a person's entry, which LDIF has as base64."""
    return f"cn=Jörg Muñoz {number},{PEOPLE}"


def mail_of(number: int) -> str:
    return f"p{number}@example.org"


def id_of(number: int) -> str:
    return f"Nº-{number:05}"


def person(number: int) -> str:
    control = DISABLED if number in DISABLED_BEFORE else ENABLED
    mails = [] if number == WITHOUT_MAIL else [mail_of(number), f"alias-{number}@example.org"]
    attributes = {
        "objectClass": ["inetOrgPerson", "extensibleObject"],
        "sn": ["Muñoz"],
        "employeeNumber": [id_of(number)],
        "userAccountControl": [control],
        "mail": mails,
    }
    return entry(name_of(number), attributes)


def group(name: str, members: range) -> str:
    attributes = {"objectClass": ["groupOfNames"], "member": [name_of(n) for n in members]}
    return entry(f"cn={name},ou=groups,{SUFFIX}", attributes)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with Directory(tmp_path / "slapd") as directory:
        for unit in ("people", "groups"):
            directory.add(entry(f"ou={unit},{SUFFIX}", {"objectClass": ["organizationalUnit"]}))
        directory.add("".join(person(number) for number in range(COUNT)))
        directory.add("".join(group(*each) for each in MEMBERS.items()))
        yield directory


@pytest.fixture
def password_file(runner: PlaybookRunner) -> None:
    """The file that the example expects in HOME."""
    runner.write(".directory-password", PASSWORD).chmod(0o600)


@pytest.mark.usefixtures("password_file")
def test_the_people_of_a_directory_get_their_seats(
    directory: Directory, store: SandboxStore, runner: PlaybookRunner
) -> None:
    disabled_before, *_others = DISABLED_BEFORE
    store.add_user(mail_of(disabled_before), external_id=id_of(disabled_before))
    example = Example("directory", runner, store)
    uri = f"--extra-vars=directory_uri={directory.uri}"

    first = example.run(uri).failed()

    # An entry without an address is an error that is seen. It stops no other.
    [provision] = first.of_module("publica_user_bulk")
    [failed] = provision.result["failed_users"]
    assert failed["external_id"] == id_of(WITHOUT_MAIL)
    expected = {mail_of(number) for number in range(COUNT)} | {BUYER["email"]}
    expected -= {mail_of(number) for number in (*DISABLED_BEFORE, WITHOUT_MAIL)}
    assert active(store) == expected
    assert store.user(email=mail_of(7))["external_id"] == id_of(7)
    assert [plans(store, mail_of(number)) for number in (0, 9, 10, 30)] == [
        [STAFF], [STAFF], [CAMPUS], [],
    ]  # fmt: skip
    assert (example.folder / "readers.jsonl").stat().st_mode & 0o077 == 0

    left, disabled, enabled = 100, 101, disabled_before
    directory.change(name_of(left), "changetype: delete")
    for number, change in (
        (WITHOUT_MAIL, f"add: mail\nmail: {mail_of(WITHOUT_MAIL)}"),
        (disabled, f"replace: userAccountControl\nuserAccountControl: {DISABLED}"),
        (enabled, f"replace: userAccountControl\nuserAccountControl: {ENABLED}"),
    ):
        directory.change(name_of(number), f"changetype: modify\n{change}")
    example.run(uri).succeeded()
    again = example.run(uri).succeeded()

    expected -= {mail_of(left), mail_of(disabled)}
    expected |= {mail_of(WITHOUT_MAIL), mail_of(enabled)}
    assert active(store) == expected
    assert changes(again) == []


@pytest.mark.usefixtures("password_file")
def test_an_incomplete_answer_of_a_directory_stops_the_run(
    directory: Directory, store: SandboxStore, runner: PlaybookRunner
) -> None:
    example = Example("directory", runner, store)
    directory.start(limit=COUNT - 100)

    cut = example.run(f"--extra-vars=directory_uri={directory.uri}").failed()

    assert "Size limit exceeded" in cut.output

    directory.stop()
    refused = example.run(f"--extra-vars=directory_uri={directory.uri}").failed()

    assert "Can't contact LDAP server" in refused.output
    assert [run.of_module("publica_user_bulk") for run in (cut, refused)] == [[], []]
    assert not (example.folder / "readers.jsonl").exists()
    assert not store.journal()


# As ldifde of Windows writes it: other line ends, comments, and long lines folded.
LDIF = """\
version: 1\r
\r
# An entry\r
dn: CN=Ana,OU=People,DC=example,DC=org\r
changetype: add\r
Mail: ana@exam\r
 ple.org\r
employeenumber:: TsK6IDE=\r
memberOf: CN=faculty,OU=Groups,DC=example,\r
 DC=org\r
userAccountControl: 66050\r
\r
dn: CN=Bruno,OU=People,DC=example,DC=org\r
mail: bruno@example.org\r
"""


def users_of(ldif: str) -> subprocess.CompletedProcess[bytes]:
    """Run the example's program."""
    program = EXAMPLES / "directory" / "ldif_to_users.py"
    return subprocess.run(
        [sys.executable, program],
        input=ldif.encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_entries_of_other_programs() -> None:
    found = users_of(LDIF)

    assert [json.loads(line) for line in found.stdout.splitlines()] == [
        {
            "email": "ana@example.org",
            "external_id": "Nº 1",
            "plan_name": "Staff",
            "state": "absent",
        },
        {"email": "bruno@example.org", "state": "active"},
    ]


def test_an_entry_without_any_key_is_named() -> None:
    found = users_of("dn: cn=Ana,dc=example\nsn: Ana\n\ndn:: Y249SsO2cmc=\nsn: Jorg\n")

    assert found.returncode == 1
    assert found.stderr.decode().splitlines() == [
        "cn=Ana,dc=example: no mail and no employeeNumber",
        "cn=Jörg: no mail and no employeeNumber",
    ]


def test_the_page_shows_the_query() -> None:
    _comment, query = (EXAMPLES / "database" / "readers.sql").read_text("utf-8").split("\n", 1)

    assert query in (EXAMPLES.parent / "directories-and-databases.md").read_text("utf-8")


def test_the_readers_of_a_database_get_their_seats(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    example = Example("database", runner, store)
    rows = [
        ("ana@example.org", "00012", 0, "teacher"),
        ("bruno@example.org", 'a "b", c', 0, "student"),
        ("carla@example.org", "00014", 0, None),
        ("diego@example.org", "00015", 1, "student"),
    ]
    ana, bruno, carla, diego = (email for email, *_others in rows)
    store.add_user(diego, external_id="00015")
    with closing(sqlite3.connect(example.folder / "library.db")) as database:

        def execute(command: str, *values: object) -> None:
            with database:
                database.execute(command, values)

        execute("CREATE TABLE patrons (email TEXT, card_number TEXT, blocked INT, category TEXT)")
        for row in rows:
            execute("INSERT INTO patrons VALUES (?, ?, ?, ?)", *row)

        example.run("--check", "--diff").succeeded()

        assert not store.journal(writes=True)

        example.run().succeeded()
        again = example.run().succeeded()

        assert changes(again) == []
        assert active(store) == {ana, bruno, carla, BUYER["email"]}
        ids = [store.user(email=email)["external_id"] for email in (ana, bruno)]
        assert ids == ["00012", 'a "b", c']
        assert [plans(store, email) for email in (ana, bruno, carla)] == [[STAFF], [CAMPUS], []]

        # The query fails after its first row.
        written = (example.folder / "readers.csv").read_bytes()
        store.clear_journal()
        execute("ALTER TABLE patrons RENAME TO people")
        execute(
            "CREATE VIEW patrons AS SELECT email, card_number, category, "
            "abs(CASE card_number WHEN '00014' THEN -9223372036854775808 ELSE 0 END) AS blocked "
            "FROM people"
        )
        failed = example.run().failed()

    assert "integer overflow" in failed.output
    assert failed.of_module("publica_user_bulk") == []
    assert (example.folder / "readers.csv").read_bytes() == written
    assert not store.journal()
