# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios in which a run receives secrets, none of which may be shown.

A new module, role or playbook needs a row of :data:`SCENARIOS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from publica_sandbox.testing import SandboxStore

from .documentation import SUPPORT
from .inventories import write_inventory
from .playbooks import LOCALHOST, Command, PlaybookRunner
from .secrets import canary, core_of, token

USER, BULK = "publica.la.publica_user", "publica.la.publica_user_bulk"
REPORT, VARIABLES = "publica.la.publica_report", "publica.la.publica_variables"
INFO, LOGOUT = "publica.la.publica_user_info", "publica.la.publica_user_logout"
EXPORT, PLANS = "publica.la.publica_export", "publica.la.publica_plan_info"
STORE, PREFLIGHT = "publica.la.publica_store_info", "publica.la.publica_preflight"
LOUD = ("-vvvv", "--diff")
ANA = {"email": "ana@example.org", "external_id": "staff-1"}
BRUNO = {"email": "bruno@example.org", "external_id": "staff-2"}
Task = dict[str, Any]


@dataclass
class Scene:
    """A store, a directory, and the secrets that were used.

    Attributes:
        echo: The address of a store that returns what it was sent.
        cores: What to search for afterwards, by the secret's place.
        templates: Whether a secret of a task is written as a template, as in a careful playbook.
    """

    store: SandboxStore
    runner: PlaybookRunner
    echo: str
    cores: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    templates: bool = True

    def password(self, place: str) -> str:
        """A password for a task."""
        return self._written(place, self.secret(place))

    def secret(self, place: str) -> str:
        """A password itself."""
        self.cores[place] = core_of(place)
        self.passwords[place] = canary(place)
        return self.passwords[place]

    def token(self, place: str) -> str:
        """A token that the store does not know, for a task."""
        self.cores[place] = core_of(place)
        self.passwords[place] = token(place)
        return self._written(place, self.passwords[place])

    def _written(self, place: str, secret: str) -> str:
        return f"{{{{ passwords['{place}'] }}}}" if self.templates else secret

    def command(
        self,
        tasks: Sequence[Task],
        environment: Mapping[str, str],
        arguments: Sequence[str],
        *,
        registers: bool,
    ) -> Command:
        """The command for tasks, whose results are also written to a file by the playbook."""
        registered = [f"result_{number}" for number in range(len(tasks))] if registers else []
        named = [{**task, "register": name} for name, task in zip(registered, tasks)] or tasks
        content = "{{ [" + ", ".join(registered) + "] | to_json }}"
        path = str(self.runner.directory / "registered.json")
        last = {"name": "last", "ansible.builtin.copy": {"content": content, "dest": path}}
        play = {
            "vars_files": [str(self.runner.write("passwords.yml", {"passwords": self.passwords}))],
            "tasks": [],
        }
        return self.runner.command(
            self.runner.play_of([*named, last], self.store, play),
            self.runner.write("localhost.yml", LOCALHOST),
            arguments=[*LOUD, *arguments],
            environment=environment,
        )


@dataclass(frozen=True)
class Scenario:
    """One run.

    Attributes:
        tasks: The tasks of a play.
        playbooks: Or the names of playbooks, for an inventory that ``tasks`` writes.
        fails: The names of the tasks that must fail; the run continues after each.
        code: The code of all these failures, if they have the same.
        returncode: The exit status of ansible-playbook.
        holds: Places of passwords that the store must hold in the end, by address.
        registers: Whether results are registered; not where Ansible itself adds a password.
        full: Whether ansible-playbook runs it only with PUBLICA_TEST_FULL=1.
        oldest_core: Whether it then runs on the oldest ansible-core too.
    """

    name: str
    tasks: Callable[[Scene], Sequence[Task]]
    playbooks: Sequence[str] = ()
    fails: Sequence[str] = ()
    code: str | None = None
    returncode: int = 0
    holds: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    registers: bool = True
    full: bool = False
    oldest_core: bool = False

    def command(self, scene: Scene) -> Command:
        """The command, after its files were written."""
        tasks = self.tasks(scene)
        if not self.playbooks:
            return scene.command(tasks, self.environment, self.arguments, registers=self.registers)
        return scene.runner.command(
            self.playbooks,
            scene.runner.directory / "inventory",
            arguments=[*LOUD, *self.arguments],
            environment=self.environment,
        )


def _named(*tasks: Task) -> list[Task]:
    return [
        {"name": f"task {number}", **task, "ignore_errors": True}
        for number, task in enumerate(tasks)
    ]


def _tasks(*numbers: int) -> list[str]:
    return [f"task {number}" for number in numbers]


def _every_module(scene: Scene) -> list[Task]:
    password = scene.password
    return _named(
        {USER: {**ANA, "password": password("one")}},
        {USER: {**ANA, "password": password("always"), "update_password": "always"}},
        {USER: {**ANA, "email": "no address", "password": password("refused")}},
        {USER: {**BRUNO, "password": password("echoed"), "base_url": scene.echo}},
        {USER: {**ANA, "api_token": scene.token("wrong token")}},
        {BULK: {"users": [{**BRUNO, "password": password("row")}], "report": "all"}},
        {BULK: {"users": [{**ANA, "pasword": password("misspelt")}]}},
        {BULK: {"users": [ANA], "defaults": {"new_password": password("default")}}},
        {BULK: {"users": [{**ANA, "password": [password("in a list")]}]}},
        {
            BULK: {
                "users": [{**BRUNO, "password": password("echoed row")}],
                "base_url": scene.echo,
            }
        },
        {INFO: {"status": "all"}},
        {LOGOUT: {"email": ANA["email"]}},
        {LOGOUT: {"email": "unknown@example.org"}},
        {EXPORT: {"dir": str(scene.runner.directory / "exported"), "name": "press"}},
        {
            EXPORT: {
                "dir": str(scene.runner.directory / "exported"),
                "name": "other",
                "api_token": scene.token("wrong token of an export"),
            }
        },
        {PLANS: {"query": "card"}},
        {
            BULK: {
                "users": [{**ANA, "password": password("recorded")}],
                "last_applied": str(scene.runner.directory / "record.json"),
            }
        },
        {STORE: {"census": True}},
        {STORE: {"api_token": scene.token("wrong token of a preflight")}},
        {BULK: {"users": [{**ANA, "password": password("validated")}], "validate_only": True}},
    )


def _one_user(scene: Scene) -> list[Task]:
    return _named({USER: {**ANA, "password": scene.password("one")}})


def _once_each(scene: Scene) -> list[Task]:
    return _named(
        {USER: {**ANA, "password": scene.password("one")}},
        {BULK: {"users": [{**ANA, "password": scene.password("row")}]}},
        {INFO: {"status": "all"}},
        {LOGOUT: {"email": ANA["email"]}},
    )


def _rows(
    *others: Mapping[str, Any], keywords: Mapping[str, Any] | None = None, **options: Any
) -> Callable[[Scene], list[Task]]:
    """A list of a user with a password and other users."""

    def tasks(scene: Scene) -> list[Task]:
        rows = [{**ANA, "password": scene.password("row")}, *others]
        return _named({BULK: {"users": rows, **options}, **(keywords or {})})

    return tasks


def _bad_arguments(scene: Scene) -> list[Task]:
    password = scene.password
    return _named(
        {BULK: {"users": f"ana@example.org {password('text for users')}"}},
        {BULK: {"users": [f"ana@example.org {password('text for a row')}"]}},
        {BULK: {"users": [[password("list for a row")]]}},
        {BULK: {"user": [{**ANA, "password": password("misspelt users")}]}},
        {BULK: {"users": [ANA], "defaults": f"password {password('text for defaults')}"}},
        {BULK: {"users": [ANA], "defaults": {password("key of defaults"): True}}},
        {USER: {**ANA, "password": {"value": password("mapping for a password")}}},
        {USER: {**ANA, "pasword": password("misspelt password")}},
        {USER: {**ANA, "password": password("with a bad state"), "state": "gone"}},
        {USER: {**ANA, "api_token": [scene.token("list for a token")]}},
        {USER: {**ANA, "base_url": f"https://ana:{password('address')}@store.example"}},
    )


def _bad_files(scene: Scene) -> list[Task]:
    def src(name: str, text: str) -> Task:
        place = f"file {name}"
        path = scene.runner.write(name, text.replace("SECRET", scene.secret(place)))
        return {BULK: {"src": str(path)}}

    return _named(
        src("open-quote.yml", '- email: ana@example.org\n  password: "SECRET\n'),
        src("tag.yml", "- email: ana@example.org\n  password: !SECRET x\n"),
        src("scalar.yml", "SECRET\n"),
        src("cut.json", '[{"email": "ana@example.org", "password": "SECRET'),
        src("bare.json", '[{"email": "ana@example.org", "password": SECRET}]'),
        src("bad.jsonl", '{"email": "ana@example.org"}\n{"password": SECRET\n'),
        src("no-header.csv", "ana@example.org,SECRET\n"),
        src("more-cells.csv", "email,external_id\nana@example.org,staff-1,SECRET\n"),
        src("shifted.csv", "email,external_id,password\nana,SECRET,x\n"),
    )


def _good_file(scene: Scene) -> list[Task]:
    quoted = scene.secret("good file").replace('"', '""')
    text = f'email,external_id,password\nana@example.org,staff-1,"{quoted}"\n'
    return _named({BULK: {"src": str(scene.runner.write("seats.csv", text))}})


def _in_background(scene: Scene) -> list[Task]:
    rows = [{**ANA, "password": scene.password("in the background")}, {**BRUNO, "plan_id": 999}]
    start, waited = _named(
        {BULK: {"users": rows}, "async": 60, "poll": 0},
        {BULK: {"users": [{**ANA, "password": scene.password("polled")}]}, "async": 60, "poll": 1},
    )
    status = {
        "name": "over",
        "ansible.builtin.async_status": {"jid": "{{ result_0.ansible_job_id }}"},
        "until": "result_2 is finished",
        "retries": 100,
        "delay": 1,
        "ignore_errors": True,
    }
    return [start, waited, status]


def _looped(scene: Scene) -> list[Task]:
    rows = [
        {**ANA, "password": scene.password("first of a loop")},
        {**BRUNO, "password": scene.password("second of a loop"), "plan_id": 999},
    ]
    options = {key: f"{{{{ item.{key} }}}}" for key in (*ANA, "password")}
    options["plan_id"] = "{{ item.plan_id | default(omit) }}"
    return _named({USER: options, "loop": rows, "no_log": True})


def _role(scene: Scene) -> list[Task]:
    variables = {
        "publica_users_base_url": scene.store.base_url,
        "publica_users_api_token": "{{ passwords['token'] }}",
        "publica_users_defaults": {"password": scene.password("defaults of the role")},
        "publica_users_desired": [ANA, {**BRUNO, "password": scene.password("row of the role")}],
    }
    scene.passwords["token"] = scene.store.token
    return [
        {
            "name": "role",
            "ansible.builtin.include_role": {"name": "publica.la.publica_users"},
            "vars": variables,
        }
    ]


def _bad_role(scene: Scene) -> list[Task]:
    (task,) = _role(scene)
    task["vars"]["publica_users_desired"] = scene.password("text for the role's users")
    return [task]


def _inventory(scene: Scene) -> list[Task]:
    write_inventory(scene.runner, {"north": scene.store})
    guests = [
        {**ANA, "password": scene.secret("guest of the playbook")},
        {**BRUNO, "plan_id": 999},
    ]
    scene.runner.write(
        "inventory/host_vars/north/guests.yml", {"publica_users_desired_guests": guests}
    )
    return []


def _reported_inventory(scene: Scene) -> list[Task]:
    _inventory(scene)
    variables = {
        "publica_users_report_dir": str(scene.runner.directory / "reports"),
        "publica_preflight_report_dir": str(scene.runner.directory / "preflight"),
        "publica_export_dir": "exported",
        "publica_offboard_emails": "zoe@example.org,unknown@example.org",
    }
    scene.runner.write("inventory/group_vars/publica_stores.yml", variables)
    return []


def _report(scene: Scene) -> list[Task]:
    rows = [{**ANA, "password": scene.password("row")}, {**BRUNO, "plan_id": 999}]
    echoed = [{**BRUNO, "password": scene.password("echoed row")}]
    tasks = _named(
        {BULK: {"users": rows, "report": "all", "count_seats": True}},
        {BULK: {"users": echoed, "base_url": scene.echo}},
    )
    directory = scene.runner.directory / "reports"
    reports = [
        {
            "name": f"report {number}",
            REPORT: {"dir": str(directory / str(number)), "results": f"result_{number}"},
        }
        for number in range(len(tasks))
    ]
    preflight = {"name": "preflight", PREFLIGHT: {"dir": str(directory / "preflight")}}
    return [*tasks, *reports, {"name": "variables", VARIABLES: {}}, preflight]


def _crashing(method: str) -> dict[str, str]:
    return {"PYTHONPATH": str(SUPPORT / "crash"), "PUBLICA_TEST_CRASH": method}


_FILES = {"ANSIBLE_PIPELINING": "false"}
_REFUSED = {**BRUNO, "plan_id": 999}
_NO_PYTHON = {"vars": {"ansible_python_interpreter": "/nowhere/python"}}
_ANA, _BRUNO = ANA["email"], BRUNO["email"]
_FAILING_MODULES = _tasks(2, 3, 4, 6, 8, 9, 12, 14, 18)

_BAD_ARGUMENTS = Scenario("bad arguments", _bad_arguments, fails=_tasks(*range(11)), full=True)
SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "every module", _every_module, fails=_FAILING_MODULES,
        holds={_ANA: "always", _BRUNO: "row"}, full=True, oldest_core=True,
    ),
    Scenario("check mode", _rows(_REFUSED), arguments=["--check"], full=True),
    Scenario(
        "arguments in a file", _one_user, holds={_ANA: "one"}, environment=_FILES, full=True,
        oldest_core=True,
    ),
    _BAD_ARGUMENTS,
    Scenario(
        "a crash while reading", _once_each, fails=_tasks(*range(4)), code="internal",
        environment=_crashing("GET"), full=True,
    ),
    Scenario(
        "a crash while writing", _rows(), fails=_tasks(0), code="users_failed",
        environment=_crashing("POST"), full=True,
    ),
    Scenario(
        "in the background", _in_background, fails=["over"], holds={_ANA: "in the background"},
        full=True, oldest_core=True,
    ),
    Scenario(
        "a loop", _looped, fails=_tasks(0), holds={_ANA: "first of a loop"}, registers=False,
        full=True,
    ),
    Scenario("no Python", _rows(keywords=_NO_PYTHON), fails=_tasks(0), full=True),
    Scenario("the role", _role, holds={_BRUNO: "row of the role"}, registers=False, full=True),
    Scenario("the role with a bad list", _bad_role, returncode=2, registers=False, full=True),
    Scenario(
        "the playbooks", _reported_inventory,
        # The last one fails, after which Ansible runs no other.
        [
            f"publica.la.{name}"
            for name in ("preflight", "export", "offboard", "audit", "provision")
        ],
        returncode=2, holds={_ANA: "guest of the playbook"}, full=True, oldest_core=True,
    ),
    Scenario("a report", _report, fails=_tasks(0, 1), holds={_ANA: "row"}),
)  # fmt: skip
# Their tasks are modules only, without anything of Ansible's own.
PLAIN = (
    _BAD_ARGUMENTS,
    Scenario("a part fails", _rows(_REFUSED), fails=_tasks(0), holds={_ANA: "row"}),
    Scenario(
        "a guard refuses", _rows(exclusive=True), fails=_tasks(0), code="too_many_deactivations"
    ),
    Scenario("bad files", _bad_files, fails=_tasks(*range(9))),
    Scenario("a good file", _good_file, holds={_ANA: "good file"}),
)
