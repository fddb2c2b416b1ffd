# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of the role and the playbooks: misspelt names, wrong values, hosts, shared stores."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.publica.la.plugins.plugin_utils import variables as checks

COLLECTION = Path(checks.__file__).resolve().parents[2]


def test_every_variable_is_known() -> None:
    specs = COLLECTION / "roles" / "publica_users" / "meta" / "argument_specs.yml"
    options = yaml.safe_load(specs.read_text("utf-8"))["argument_specs"]["main"]["options"]
    playbooks = [path.read_text("utf-8") for path in (COLLECTION / "playbooks").glob("**/*.yml")]
    used = set(
        re.findall(r"\bpublica_[a-z]\w*", re.sub(r"publica\.la\.\w+", "", "".join(playbooks)))
    )
    internal = {name for name in used if "__" in name}

    assert set(checks.ROLE_VARIABLES) == {*options, checks.DESIRED}
    groups_and_roles = {"publica_stores", "publica_users"}
    assert used - internal - groups_and_roles <= checks.KNOWN
    assert set(checks.PLAYBOOK_VARIABLES) | {"publica_export_result"} <= used


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("publica_users_scr", "publica_users_src"),
        ("publica_users_desird", "publica_users_desired"),
        ("publica_user_desired_staff", "publica_users_desired_staff"),
        ("publica_users_desierd_guests_2", "publica_users_desired_guests_2"),
        ("publica_user_base_url", "publica_users_base_url"),
        ("publica_usres_src", "publica_users_src"),
        ("publica_offboard_emials", "publica_offboard_emails"),
        ("publica_ofboard_emails", "publica_offboard_emails"),
        ("publica_export_formtas", "publica_export_formats"),
        ("publica_preflight_sensus", "publica_preflight_census"),
        ("publica_audti_fail", "publica_audit_fail"),
        ("publica_audit_fial", "publica_audit_fail"),
        ("publica_host", "publica_hosts"),
        ("publicla_users_src", "publica_users_src"),
    ],
)
def test_misspelt_names(name: str, near: str) -> None:
    assert checks.misspelt({name: "x", "other": 1}) == {name: near}
    assert near in checks.unknown_variable(name, near)


def test_a_name_without_any_near_one_is_unknown_all_the_same() -> None:
    assert list(checks.misspelt({"publica_user_zzz": 1})) == ["publica_user_zzz"]


@pytest.mark.parametrize(
    "name",
    [
        *sorted(checks.KNOWN),
        *("publica_users_desired_staff", "publica_api_token", "publica_stores_file"),
        *("publica_plans", "publica_users__names", "publica__hosts", "public_url", "user_src"),
    ],
)
def test_other_names(name: str) -> None:
    assert checks.misspelt({name: "x"}) == {}


def test_results_and_variables_of_loops_are_not_misspelt() -> None:
    variables = {"publica_user_made": {"changed": True}, "publica_user": {"email": "a@b.example"}}

    assert checks.misspelt(variables, "publica_user") == {}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({checks.DESIRED: checks.DESIRED_DEFAULT}, False),
        ({checks.DESIRED: None, checks.SRC: None, "publica_users_desired_a": None}, False),
        ({"publica_users_desird": [{}]}, False),
        ({checks.DESIRED: []}, True),
        ({checks.DESIRED: checks.DESIRED_DEFAULT, checks.SRC: "readers.csv"}, True),
        ({"publica_users_desired_staff": "{{ staff }}"}, True),
    ],
)
def test_whether_users_are_named(variables: dict[str, Any], expected: bool) -> None:
    assert checks.names_users(variables) is expected


def test_the_default_of_the_role_is_an_empty_list() -> None:
    role = COLLECTION / "roles" / "publica_users"
    default = yaml.safe_load((role / "defaults" / "main.yml").read_text("utf-8"))[checks.DESIRED]

    assert default == checks.DESIRED_DEFAULT
    name = default.strip("{} ")
    assert yaml.safe_load((role / "vars" / "main.yml").read_text("utf-8"))[name] == []


def test_lost_words_are_not_shown() -> None:
    message = checks.lost_words(["publica_users_api_token"])

    assert "-e publica_users_api_token" in message
    assert '\'{"publica_offboard_emails": [' in message


@pytest.mark.parametrize("value", [None, True, False, "true", "No", "1", 0])
def test_booleans(value: Any) -> None:
    assert checks.wrong_value("publica_audit_fail", value) is None


@pytest.mark.parametrize("value", ["Ture", "", "y", "verdadero", 2, [], {}])
def test_what_is_no_boolean(value: Any) -> None:
    message = checks.wrong_value("publica_audit_fail", value)

    assert message is not None
    assert message.startswith("publica_audit_fail: ")


def test_languages() -> None:
    assert [checks.wrong_value(checks.LANGUAGE, value) for value in ("en", "es", "pt", None)] == [
        None
    ] * 4
    assert "one of en, es, pt" in str(checks.wrong_value(checks.LANGUAGE, "true"))


GROUPS = {"all": ["a", "b", "c"], "stores": ["a", "b"], "empty": []}


def hosts_of(parts: Any) -> list[str]:
    """A small part of what Ansible does: groups, hosts, a star, and exclusions."""
    found: list[str] = []
    for part in parts:
        if part.startswith("!"):
            found = [host for host in found if host not in hosts_of([part[1:]])]
        elif part.startswith("&"):
            found = [host for host in found if host in hosts_of([part[1:]])]
        elif part.endswith("*"):
            found += [host for host in GROUPS["all"] if host.startswith(part[:-1])]
        else:
            found += GROUPS.get(part, [part] if part in GROUPS["all"] else [])
    return found


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["stores"], None),
        (["c", "a"], None),
        (["empty", "a"], None),
        (["a*"], None),
        (["stores", "!empty"], None),
        (["stores", "!b"], None),
        (["stores", "!z"], "matches z"),
        (["stores", "z"], "matches z"),
        (["z*", "y"], "matches z*, y"),
        (["empty"], "no host matches it"),
        (["stores", "&c"], "no host matches it"),
        (["b"], "does not match a"),
    ],
)
def test_patterns_of_hosts(parts: list[str], expected: str | None) -> None:
    message = checks.unmatched(parts, GROUPS, "a", hosts_of)

    assert message is None if expected is None else expected in str(message)


def test_a_plain_pattern_is_not_evaluated() -> None:
    def fail(_parts: Any) -> list[str]:
        raise AssertionError

    assert checks.unmatched(["stores"], GROUPS, "a", fail) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Store.Example.org/", "https://store.example.org"),
        ("https://store.example.org:443", "https://store.example.org"),
        (" https://store.example.org. ", "https://store.example.org"),
        ("http://store.example.org:80/a/", "http://store.example.org/a"),
        ("https://store.example.org:8443", "https://store.example.org:8443"),
        ("https://user:secret@store.example.org", "https://store.example.org"),
        ("https://[::1]:8000", "https://[::1]:8000"),
        ("https://x:y", ""),
        ("", ""),
    ],
)
def test_normalised_addresses(url: str, expected: str) -> None:
    assert checks.normalised_url(url) == expected


def test_hosts_of_one_store() -> None:
    urls = {
        "a": "https://one.example.org",
        "b": "https://two.example.org",
        "c": "https://ONE.example.org/",
        "d": "",
        "e": "",
    }

    (warning,) = checks.shared_stores(urls, ["c"])

    assert warning.startswith("a, c are the same store, https://one.example.org (c: from PUBLICA_")
    assert checks.shared_stores({"a": urls["a"], "b": urls["b"]}) == []


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("records/press.json", None),
        ("records/faro.json", "faro"),
        ("/srv/faro.last.json", "faro"),
        ("faro", "faro"),
        ("records/faro/record.json", None),
        ("records/.faro", None),
        ("records/last-applied-faro.json", None),
        ("records/press.example.org.json", "press.example.org"),
        ("records/faro.example.org.json", "faro"),
    ],
)
def test_a_record_that_is_named_after_another_host(path: str, other: str | None) -> None:
    hosts = ["press", "faro", "press.example.org"]

    text = checks.foreign_record(path, "press", hosts)

    if other is None:
        assert text is None
    else:
        assert f"'{path}' is named after the host {other}, but" in str(text)
        assert "{{ inventory_hostname }}" in str(text)
        assert checks.foreign_record(path, other, hosts) is None


def test_a_record_of_several_hosts() -> None:
    paths = {"a": "records/a.json", "b": "records/../records/b.json", "c": "records//a.json"}

    assert checks.shared_record(paths, "b") is None
    for host in ("a", "c"):
        text = str(checks.shared_record(paths, host))
        assert text.startswith("publica_users_last_applied: 'records/a.json' is the record of a, c")
        assert "Use {{ inventory_hostname }} in the path." in text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ inventory_dir }}/{{ inventory_hostname }}.json", True),
        ("{{ inventory_dir }}/{{ inventory_hostname_short }}.json", False),
        ("records/press.json", False),
    ],
)
def test_a_path_with_the_name_of_its_host(template: str, expected: bool) -> None:
    assert checks.is_own_record(template) is expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"ansible_loop_var": "store", "_ansible_item_label": "x"}, "store"),
        ({"_ansible_item_label": "x"}, "press"),
    ],
)
def test_the_variable_of_a_loop(variables: dict[str, Any], expected: str | None) -> None:
    control = SimpleNamespace(loop_var="press")
    include = SimpleNamespace(loop=["x"], loop_control=control, _parent=None)
    task = SimpleNamespace(loop=None, _parent=SimpleNamespace(_parent=include))

    assert checks.loop_variable(task, variables) == expected
    assert checks.loop_variable(None, {"_ansible_item_label": "x"}) == "item"
