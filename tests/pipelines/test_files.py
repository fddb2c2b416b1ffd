# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/pipelines: checks of the files without running them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_support import gitlab, jenkins
from pipeline_support.github import workflow
from pipeline_support.paths import COLLECTION, GITHUB, GITLAB, PROJECT, run_program

WORKFLOWS = sorted(path.name for path in GITHUB.glob("*.yml"))
STAGES = ("Audit", "Plan", "Apply")
# The allowed parts of a declarative pipeline of Jenkins.
STAGE_PARTS = {"agent", "environment", "input", "options", "post", "steps", "when"}
PIPELINE_PARTS = {"agent", "environment", "options", "parameters", "post", "stages", "triggers"}


@pytest.mark.parametrize(
    "words",
    [
        ("vendor.github-workflows", *(str(GITHUB / name) for name in WORKFLOWS)),
        ("vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(GITLAB)),
    ],
    ids=["github", "gitlab"],
)
def test_the_files_match_the_schema_of_their_system(words: tuple[str, ...]) -> None:
    checked = run_program("check-jsonschema", "--builtin-schema", *words)

    assert checked.returncode == 0, checked.stdout


def test_the_workflows_are_safe() -> None:
    """No injection into scripts, minimal permissions, pinned actions."""
    checked = run_program("zizmor", "--offline", "--no-progress", "--persona=pedantic", str(GITHUB))

    assert checked.returncode == 0, checked.stdout


def scripts() -> Iterator[Any]:
    """Every script of the examples, and the shell of its system."""
    for name in WORKFLOWS:
        for job, content in workflow(name)["jobs"].items():
            for number, step in enumerate(content["steps"]):
                if "run" in step:
                    yield pytest.param(step["run"], "bash", id=f"github-{job}-{number}")
    for job, content in gitlab.content().items():
        if isinstance(content, dict):
            for part in ("before_script", "script"):
                if part in content:
                    yield pytest.param("\n".join(content[part]), "bash", id=f"gitlab-{job}-{part}")
    for name in STAGES:
        [steps] = jenkins.calls(jenkins.stage(name), "steps")
        for number, call in enumerate(jenkins.calls(steps, "sh")):
            yield pytest.param(jenkins.literals(call)[-1], "sh", id=f"jenkins-{name}-{number}")


@pytest.mark.parametrize(("script", "shell"), list(scripts()))
def test_shellcheck_accepts_the_scripts(script: str, shell: str, tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text(script, "utf-8")

    checked = run_program("shellcheck", f"--shell={shell}", str(path))

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("script", [pytest.param(one.values[0], id=one.id) for one in scripts()])
def test_no_secret_is_in_a_script(script: str) -> None:
    """Arguments are visible in the process list, and expressions are pasted into the script."""
    assert "${{" not in script
    assert not re.search(r"secrets\.|PUBLICA_TOKEN|--token", script)
    if "PUBLICA_NOTE_TOKEN" in script:
        assert script.startswith("printf ")


def test_a_job_that_changes_a_store_runs_alone_and_is_not_cancelled() -> None:
    on_github = workflow("stores.yml")["jobs"]["apply"]
    assert on_github["concurrency"] == {"group": "stores-apply", "cancel-in-progress": False}
    assert on_github["environment"] == "stores-apply"

    on_gitlab = gitlab.content()["apply"]
    assert on_gitlab["resource_group"]
    assert on_gitlab["interruptible"] is False
    [rule] = on_gitlab["rules"]
    assert rule["when"] == "manual"
    assert rule["allow_failure"] is False

    assert list(jenkins.calls(jenkins.tree(), "disableConcurrentBuilds"))
    assert list(jenkins.calls(jenkins.stage("Apply"), "input"))


def test_gitlab_runs_only_the_expected_jobs() -> None:
    assert gitlab.job_names(gitlab.MERGE_REQUEST) == ["plan"]
    assert gitlab.job_names({**gitlab.MERGE_REQUEST, "PUBLICA_NOTE_TOKEN": "x"}) == ["plan", "note"]
    assert gitlab.job_names(gitlab.PUSH) == ["plan", "apply"]
    assert gitlab.job_names(gitlab.SCHEDULE) == ["audit"]
    assert gitlab.job_names({"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "a"}) == []


def test_the_jenkinsfile_is_a_declarative_pipeline() -> None:
    tree = jenkins.tree()

    assert not tree.has_error
    [pipeline] = jenkins.calls(tree, "pipeline")
    assert set(jenkins.parts(pipeline)) <= PIPELINE_PARTS
    names = [jenkins.literals(node)[0] for node in jenkins.calls(pipeline, "stage")]
    assert names == list(STAGES)
    for name in names:
        parts = jenkins.parts(jenkins.stage(name))
        assert set(parts) <= STAGE_PARTS
        assert len(parts) == len(set(parts)), name
        assert {"agent", "options", "steps", "when"} <= set(parts)
        credentials = list(jenkins.calls(jenkins.stage(name), "credentials"))
        assert [jenkins.literals(call)[0] for call in credentials] == [
            "publica-token-press",
            "publica-token-university",
        ]
    assert "branch" in jenkins.parts_of_when("Apply")
    assert "beforeInput true" in jenkins.text_of(jenkins.stage("Apply"))


def test_the_versions_are_those_of_the_tests() -> None:
    requirements = COLLECTION / "tests" / "requirements"
    tested = "\n".join(
        path.read_text("utf-8")
        for path in (requirements / "ansible-core" / "2.21.txt", requirements / "runtime.txt")
    )
    pinned = re.findall(r"^[\w-]+==.*$", (PROJECT / "requirements.txt").read_text("utf-8"), re.M)

    assert len(pinned) == 2
    assert all(line in tested for line in pinned)


def test_the_project_uses_the_archive_of_this_version() -> None:
    version = yaml.safe_load((COLLECTION / "galaxy.yml").read_text("utf-8"))["version"]
    wanted = yaml.safe_load((PROJECT / "collections" / "requirements.yml").read_text("utf-8"))

    assert [one["name"] for one in wanted["collections"]] == [
        f"collections/publica-la-{version}.tar.gz"
    ]
