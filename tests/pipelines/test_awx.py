# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/awx: the arguments of its modules, and whether the parts fit together.

The playbook runs with modules that only record their arguments instead of those of awx.awx.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import jinja2
import pytest
import yaml

from pipeline_support.paths import EXAMPLES, PROJECT, run_program

EXAMPLE = EXAMPLES / "awx"
TOKENS = {f"PUBLICA_TOKEN_{name}": f"token-for-awx-of-{name}-1" for name in ("PRESS", "UNIVERSITY")}
Arguments = dict[str, list[dict[str, Any]]]
# The parts of a survey, by AWX's documentation.
QUESTION_KEYS = {"question_name", "variable", "type", "required"}
QUESTION_TYPES = {
    "text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float",
}  # fmt: skip


def modules_used() -> list[str]:
    """The modules of awx.awx that the playbook names."""
    text = (EXAMPLE / "configure.yml").read_text("utf-8")
    return sorted(set(re.findall(r"^ +awx\.awx\.(\w+):", text, re.MULTILINE)))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Arguments:
    """The arguments of each module in the playbook."""
    folder = tmp_path_factory.mktemp("awx")
    shutil.copytree(EXAMPLE, folder / "example")
    modules = folder / "collections" / "ansible_collections" / "awx" / "awx" / "plugins" / "modules"
    modules.mkdir(parents=True)
    for name in modules_used():
        (modules / f"{name}.py").write_text(recorder(name), "utf-8")
    finished = run_program(
        "ansible-playbook",
        "configure.yml",
        "-vv",
        folder=folder / "example",
        ANSIBLE_COLLECTIONS_PATH=str(folder / "collections"),
        AWX_ARGUMENTS=str(folder / "arguments.jsonl"),
        **TOKENS,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert [token for token in TOKENS.values() if token in finished.stdout] == []
    found: Arguments = {}
    for line in (folder / "arguments.jsonl").read_text("utf-8").splitlines():
        name, arguments = json.loads(line)
        found.setdefault(name, []).append(arguments)
    return found


def recorder(name: str) -> str:
    """A module that records its arguments. WANT_JSON lets Ansible pass them in a file."""
    return f'''#!/usr/bin/python
# WANT_JSON
import json, os, sys
arguments = json.load(open(sys.argv[1]))
recorded = {{key: value for key, value in arguments.items() if not key.startswith("_ansible")}}
with open(os.environ["AWX_ARGUMENTS"], "a") as file:
    file.write(json.dumps(["{name}", recorded]) + "\\n")
print(json.dumps({{"changed": False}}))
'''


def test_the_credential_gives_each_store_its_token(recorded: Arguments) -> None:
    [kind] = recorded["credential_type"]
    [credential] = recorded["credential"]
    fields = {field["id"] for field in kind["inputs"]["fields"]}

    assert kind["kind"] == "cloud"
    assert all(field["secret"] for field in kind["inputs"]["fields"])
    assert fields == set(kind["inputs"]["required"]) == set(credential["inputs"])
    assert credential["credential_type"] == kind["name"]
    # AWX renders these templates with Jinja when a job starts.
    injected = {
        name: jinja2.Template(text).render(credential["inputs"])
        for name, text in kind["injectors"]["env"].items()
    }
    assert injected == TOKENS
    stores = yaml.safe_load((PROJECT / "inventory" / "stores.yml").read_text("utf-8"))
    hosts = stores["publica_stores"]["hosts"]
    assert set(injected) == {f"PUBLICA_TOKEN_{name.upper()}" for name in hosts}


def test_the_templates_run_what_the_project_has(recorded: Arguments) -> None:
    [source] = recorded["inventory_source"]
    [project] = recorded["project"]

    assert (PROJECT / source["source_path"]).is_file()
    assert (PROJECT / "collections" / "requirements.yml").is_file()
    for template in recorded["job_template"]:
        assert (PROJECT / template["playbook"]).is_file()
        assert template["project"] == project["name"]
        assert template["credentials"] == [recorded["credential"][0]["name"]]
        assert template["job_slice_count"] == 1
        assert not template["allow_simultaneous"]
        assert not template["ask_variables_on_launch"]
        # The directory of a job is deleted after it.
        assert template["extra_vars"]["publica_records_dir"].startswith("/var/lib/")


def test_nothing_is_applied_before_it_was_approved(recorded: Arguments) -> None:
    [workflow] = recorded["workflow_job_template"]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    after = {
        name: [one["identifier"] for one in node.get("related", {}).get("success_nodes", [])]
        for name, node in nodes.items()
    }
    kinds = {name: node["unified_job_template"]["type"] for name, node in nodes.items()}
    playbooks = {one["name"]: one["playbook"] for one in recorded["job_template"]}

    assert after == {"plan": ["approve"], "approve": ["apply"], "apply": []}
    assert all(set(node.get("related", {})) <= {"success_nodes"} for node in nodes.values())
    assert kinds["approve"] == "workflow_approval"
    assert playbooks[nodes["plan"]["unified_job_template"]["name"]] == "plan.yml"
    assert playbooks[nodes["apply"]["unified_job_template"]["name"]] == "apply.yml"
    assert not workflow["allow_simultaneous"]


def test_the_survey_asks_for_what_the_playbooks_read(recorded: Arguments) -> None:
    [workflow] = recorded["workflow_job_template"]
    survey = workflow["survey_spec"]

    assert workflow["survey_enabled"]
    assert set(survey) == {"name", "description", "spec"}
    for question in survey["spec"]:
        assert set(question) >= QUESTION_KEYS
        assert question["type"] in QUESTION_TYPES
        assert question["type"] != "integer" or isinstance(question["default"], int)
        assert question["default"] in question.get("choices", [question["default"]])
    variables = {question["variable"] for question in survey["spec"]}
    # The store's address and the approved plan are not in the survey.
    assert variables == {
        "publica_hosts",
        "publica_users_rate_limit_share",
        "publica_users_verify",
    }
