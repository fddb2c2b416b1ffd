# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired users from files: every format provisions a store, and bad files send no request."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from publica_sandbox.testing import SandboxStore

from support.failures import BadCase, check_failures
from support.in_process import ModuleRunner
from support.inventories import connection_of, write_hosts
from support.playbooks import PlaybookRunner
from support.workbooks import package, text_cell, workbook

PROVISION = "publica.la.provision"
SECRET = "canary-of-the-file-7f3a"
ROWS: list[dict[str, Any]] = [
    {"email": "ana@example.org", "external_id": "0101", "sessions_limit": "unlimited"},
    {"email": "bruno@example.org", "external_id": "S-2", "plan_id": 12,
     "plan_valid_to": "2031-12-31", "sessions_limit": 2},
    {"email": "carla@example.org", "external_id": "=cmd()", "password": f"{{{{ {SECRET} }}}}"},
]  # fmt: skip
TABLE = (
    "Email;External ID;Sessions-Limit;plan_id;plan_valid_to;password;Department\r\n"
    "ana@example.org;0101;Unlimited;;;;Press\r\n"
    ";;;;;;\r\n"
    'bruno@example.org;"S-2";2;12;2031-12-31;;"Press; ""north"""\r\n'
    f"carla@example.org;=cmd();;;;{{{{ {SECRET} }}}};\r\n"
)


def _typed(sheet: Any) -> None:
    """Cells as a spreadsheet program has them: text, numbers in a format, dates, hidden rows."""
    sheet["A3"].number_format = "0000"
    sheet["A5"].data_type = "s"
    sheet.row_dimensions[3].hidden = True
    other = sheet.parent.create_sheet("Notes", 0)
    other["A1"] = "Not a table"


WORKBOOK = workbook(
    ("External ID", "email", "sessions limit", "assign_plan_id", "Assign_plan_valid_to",
     "assign_plan_valid_from", "password", "Department"),
    (),
    (101, "ana@example.org", "Unlimited", None, None, None, None, "Press"),
    ("S-2", "bruno@example.org", 2.0, 12, datetime.datetime(2031, 12, 31, 18, 30)),
    ("=cmd()", "carla@example.org", None, None, None, None, f"{{{{ {SECRET} }}}}"),
    change=_typed,
)  # fmt: skip
FILES: dict[str, bytes] = {
    "seats.xlsx": WORKBOOK,
    "seats.csv": TABLE.encode("utf-8-sig"),
    "excel.CSV": ("sep=;\r\n" + TABLE).encode("utf-16"),
    "seats.json": json.dumps({"publica_users_desired_press": ROWS}).encode(),
    "seats.jsonl": b"\n\n".join(json.dumps(row).encode() for row in ROWS),
    "seats.yml": yaml.safe_dump(ROWS).encode(),
    "seats.yaml": yaml.safe_dump({"users": ROWS}).encode(),
}
COLUMNS = {"department": None}


def _bulk(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "publica.la.publica_user_bulk": options}


def _check_provisioned(store: SandboxStore) -> None:
    users = {user["email"]: user for user in store.users()}
    assert set(users) == {row["email"] for row in ROWS}
    ana, bruno, carla = (users[row["email"]] for row in ROWS)
    assert (ana["external_id"], ana["sessions_limit"]) == ("0101", None)
    assert bruno["sessions_limit"] == 2
    [plan] = store.plans_of(bruno["id"])
    assert (plan["plan_id"], plan["valid_to"]) == (12, "2031-12-31")
    assert carla["external_id"] == "=cmd()"
    assert store.has_password(carla["id"], f"{{{{ {SECRET} }}}}")


@pytest.mark.parametrize("name", FILES)
def test_each_format_provisions_a_store(
    store: SandboxStore, modules: ModuleRunner, name: str
) -> None:
    # A relative path counts from the working directory.
    modules.write(f"lists/{name}", FILES[name])
    options: dict[str, Any] = {"src": f"lists/{name}", "src_columns": COLUMNS}
    if name.endswith(".xlsx"):
        options["sheet"] = "readers"
    tasks = [
        {**_bulk("predicted", **options), "check_mode": True},
        _bulk("done", **options),
        _bulk("again", **options),
    ]

    run = modules.tasks(tasks, store).succeeded()

    predicted, done, again = run.tasks
    assert predicted.database.users() == []
    assert predicted.result["plan"]["hash"] == done.result["plan"]["hash"]
    for task in (predicted, done):
        assert task.result["summary"]["created"] == len(ROWS)
    assert again.result["changed"] is False
    assert again.result["summary"]["unchanged"] == len(ROWS)
    assert again.database.writes_since(done.database) == []
    _check_provisioned(store)
    assert SECRET not in run.output


# Keys and passwords that programs would change, as the file has them.
AS_WRITTEN = {
    "written.yml": (
        b"- {email: a1@example.org, external_id: 1.10, password: +12345678}\n"
        b"- {email: a2@example.org, external_id: +5491122334455, password: 12345:30.50}\n"
        b"- {email: a3@example.org, external_id: yes, password: 2031-12-31}\n"
        b"- {email: a4@example.org, external_id: -0, password: 00012345, admin: no}\n",
        [("1.10", "+12345678"), ("+5491122334455", "12345:30.50"), ("yes", "2031-12-31"),
         ("-0", "00012345")],
    ),
    "written.json": (
        b'[{"email": "b1@example.org", "external_id": 2.10, "password": 1234567.50},'
        b'{"email": "b2@example.org", "external_id": 12345678901234567890123, "id": null}]',
        [("2.10", "1234567.50"), ("12345678901234567890123", None)],
    ),
    # A header that ends with a delimiter, cells that are left out, and words of a spreadsheet.
    "written.csv": (
        b"email;external_id;admin;password;\r\n"
        b"c1@example.org;0101;VERDADERO;+87654321;\r\nc2@example.org;0102;FALSO\r\n"
        b"c3@example.org;0103\r\n",
        [("0101", "+87654321"), ("0102", None), ("0103", None)],
    ),
}  # fmt: skip


def test_values_of_a_file_stay_as_written(store: SandboxStore, modules: ModuleRunner) -> None:
    # An address of the store whose letter is written as two characters is found.
    store.add_user("jose\u0301@example.org", external_id="J")
    modules.write("nfc.csv", "email,external_id\njos\u00e9@example.org,J\n")
    options = {"defaults": {"generate_password": True}}
    tasks = [_bulk("nfc", src="nfc.csv")]
    for name, (content, _expected) in AS_WRITTEN.items():
        modules.write(name, content)
        tasks += [_bulk(name, src=name, **options), _bulk(f"{name} again", src=name, **options)]

    run = modules.tasks(tasks, store).succeeded()

    changed = [task.result["changed"] for task in run.tasks]
    assert changed == [False, *[True, False] * len(AS_WRITTEN)]
    users = [user for user in store.users() if user["external_id"] != "J"]
    expected = [one for _content, keys in AS_WRITTEN.values() for one in keys]
    assert sorted(user["external_id"] for user in users) == sorted(key for key, _ in expected)
    by_key = {user["external_id"]: user for user in users}
    for key, password in expected:
        assert password is None or store.has_password(by_key[key]["id"], password)
    assert [key for key, user in by_key.items() if user["admin"]] == ["0101"]


def test_a_list_and_a_file_add_up(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_user("ana@example.org", external_id="A")
    modules.write("seats.csv", "email,external_id\nben@example.org,B\n")
    options: dict[str, Any] = {
        "users": [{"email": "ana@example.org", "state": "absent"}],
        "src": "seats.csv",
        "defaults": {"sessions_limit": "unlimited"},
        "report": "all",
    }

    run = modules.tasks([_bulk("both", **options), _bulk("again", **options)], store).succeeded()

    result = run.named("both").result
    assert [item["actions"] for item in result["results"]] == [["deactivate"], ["create"]]
    assert run.named("again").result["changed"] is False
    assert [user["email"] for user in store.users(active=True)] == ["ben@example.org"]
    assert store.user(email="ben@example.org")["sessions_limit"] is None


BAD_FILES: dict[str, tuple[bytes, list[str]]] = {
    "rows.csv": (
        b"email,external_id,password,sessions_limit\n"
        b"ana@example.org,A," + SECRET.encode() + b",many\n"
        b"ben@example.org,B," + SECRET.encode() + b",1,2\n"
        b"carla@example.org,C,,,,\n"
        b'dan@example.org,D,"' + SECRET.encode() + b'"x,2\n'
        b"eve@example.org,E,2," + SECRET.encode() + b"\n"
        b"ANA@example.org,F,,\n",
        ["rows.csv:2.sessions_limit", "rows.csv:3", "rows.csv:5",
         "rows.csv:6.password", "rows.csv:6.sessions_limit", "rows.csv:7.email"],
    ),
    "header.csv": (b"email,E-Mail,Email,emial\n", ["header.csv:1.E-Mail", "header.csv:1.emial",
                                                   "header.csv:1.email"]),
    "no-header.csv": (b"ana@example.org," + SECRET.encode() + b"\n", ["no-header.csv:1"]),
    "latin.csv": (b"email\nana@example.org\nz\xfcrich@example.org\n", ["latin.csv:3"]),
    "quote.csv": (b'email,password\n"ana@example.org,' + SECRET.encode() + b"\nx,y\n",
                  ["quote.csv:2"]),
    "swallowed.csv": (b'email,user_plan_name\na@example.org,"x\nb@example.org,y\nc@example.org,"\n',
                      ["swallowed.csv:2"]),
    "cut.csv": (b"email,external_id,admin\na@example.org,A\nb@example.org,B", ["cut.csv:3"]),
    "left.csv": (b"email,external_id,password\na@example.org,1.23E+10,########\n"
                 b"b@example.org,#N/A,\nc@example.org,NULL,\n",
                 ["left.csv:2.external_id", "left.csv:2.password", "left.csv:3.external_id",
                  "left.csv:4.external_id"]),
    "left.json": (b'[{"email": "b@example.org", "external_id": NaN, "password": 1e99}]',
                  ["left.json[0].external_id", "left.json[0].password"]),
    "slip.yml": (b"- email: {password: " + SECRET.encode() + b"}\n", ["slip.yml:1.email"]),
    "empty.csv": (b"", ["empty.csv"]),
    "empty.json": (b"[]", ["empty.json"]),
    "twice.json": (b'[{"email": "x", "id": 1, "id": 2}]', ["twice.json[0].id",
                                                           "twice.json[0].email"]),
    "broken.json": (b'[\n{"password": "' + SECRET.encode() + b'"', ["broken.json:2:39"]),
    "lines.jsonl": (b'{"id": 0}\n{id: 1}\n', ["lines.jsonl:1.id", "lines.jsonl:2:2"]),
    "vault.yml": (b"- email: x\n  password: !vault |\n    3130\n", ["vault.yml:2"]),
    "broken.yml": (b"- password: [" + SECRET.encode() + b"\n", ["broken.yml:2:1"]),
    "aliases.yml": (
        b"- email: dan@example.org\n- a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + b"".join(
            b"  a%d: &a%d [%s]\n" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 9))
            for level in range(1, 9)
        ) + b"  email: *a8\n",
        ["aliases.yml:2"],
    ),
    "deep.json": (b"[" * 1_000_000, ["deep.json:1"]),
    "line.csv": (b"email\ndan@example.org" + b"x" * 2_000_000, ["line.csv:2"]),
    "line.jsonl": (b'{"email": "dan@example.org' + b"x" * 2_000_000, ["line.jsonl:1"]),
    "old.xls": (b"PK", ["src"]),
    "broken.xlsx": (b"PK", ["broken.xlsx"]),
    "bad.xlsx": (
        workbook(
            ("email", "external_id", "password", "admin"),
            ("dan@example.org", 1.5, 12345678),
            ("eva@example.org", datetime.date(2031, 12, 31), SECRET, 7),
            (None, None, SECRET),
        ),
        ["Readers!B2.external_id", "Readers!C2.password", "Readers!B3.external_id",
         "Readers!D3.admin", "Readers!4.email"],
    ),
    "merged.xlsx": (
        package(
            f'<row r="1">{text_cell("A1", "email")}</row>'
            f'<row r="2">{text_cell("A2", "dan@example.org")}</row>',
            after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>',
        ),
        ["Readers!A2:A3"],
    ),
    "start.csv": (b"email,assign_plan_valid_from\ndan@example.org,2031-01-01\n",
                  ["start.csv:2.assign_plan_valid_from"]),
}  # fmt: skip


def test_nothing_is_sent_for_a_bad_file(store: SandboxStore, modules: ModuleRunner) -> None:
    # Errors of the list, of the defaults and of the file are reported together.
    others = {"users": [{"email": "no address"}], "defaults": {"plan": 1}}
    cases = [
        _bad(name, *fields, "users[0].email", "defaults.plan", mentions=[name],
             **others, src=str(modules.write(name, content)))
        for name, (content, fields) in BAD_FILES.items()
    ]  # fmt: skip
    large = modules.write("large.jsonl", b'{"email": "dan@example.org"}\n')
    os.truncate(large, (256 << 20) + 1)
    good = str(modules.write("good.csv", b"email\nana@example.org\n"))
    directory = str(modules.write("a.csv/x", b"").parent)
    cases += [
        _bad("missing", "src", src="nowhere/seats.csv",
             mentions=[str(modules.directory / "nowhere" / "seats.csv")]),
        _bad("large", "large.jsonl", src=str(large), mentions=["256 MB"]),
        _bad("a directory", "src", src=directory, mentions=[directory]),
        _bad("columns", "src_columns.Mail", "src_columns.No", src=good,
             src_columns={"Mail": "emial", "Nr": "id", "No": "id"}, mentions=["email"]),
        _bad("absent column", "src_columns.Nr", src=good, src_columns={"Nr": "external_id"}),
        _bad("columns without a file", "src_columns", users=[], src_columns={"Nr": "id"}),
        _bad("sheet of a table", "sheet", src=good, sheet="Readers"),
        _bad("no such sheet", "sheet", src=str(modules.write("seats.xlsx", WORKBOOK)),
             sheet="Guests", mentions=["Notes, Readers"]),
        _bad("no table", "Notes!1", src=str(modules.directory / "seats.xlsx"),
             mentions=["the workbook has the sheets Notes, Readers"]),
    ]  # fmt: skip

    run = modules.tasks([case.task() for case in cases], store)

    check_failures(run, cases)
    assert store.journal() == []
    assert SECRET not in run.output


def _bad(name: str, *fields: str, mentions: Sequence[str] = (), **options: Any) -> BadCase:
    return BadCase(name, "publica_user_bulk", options, fields=fields, mentions=mentions)


def test_the_role_takes_a_file_and_lists(store: SandboxStore, runner: PlaybookRunner) -> None:
    table = runner.directory / "inventory" / "files" / "north.xlsx"
    table.parent.mkdir(parents=True)
    table.write_bytes(WORKBOOK)
    variables = {
        **connection_of(store),
        "publica_users_src": "{{ inventory_dir }}/files/north.xlsx",
        "publica_users_sheet": "Readers",
        "publica_users_src_columns": COLUMNS,
        "publica_users_desired_guests": [{"email": "zoe@example.org", "state": "absent"}],
    }
    inventory = write_hosts(runner, {"north": variables}) / "stores.yml"

    run = runner.playbook([PROVISION, PROVISION], inventory).succeeded()

    first, again = (task.result["summary"] for task in run.of_module("publica_user_bulk"))
    assert first["desired"] == again["desired"] == len(ROWS) + 1
    assert (first["created"], again["created"]) == (3, 0)
    _check_provisioned(store)
    warnings = [task.result["warnings"] for task in run.of_module("publica_user_bulk")]
    assert all("Readers: 1 row with a user is hidden" in str(lines) for lines in warnings)
