# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/pipelines: the way of a change in each CI system.

The tests run the shell commands of the examples, and check the databases of the stores.
"""

from __future__ import annotations

import json
from pathlib import Path

from pipeline_support.github import BY_HAND, FORK, Github, workflow
from pipeline_support.gitlab import Gitlab
from pipeline_support.jobs import INSTALL, Checkout, Job, Machine, Pipeline, Script, texts_below
from pipeline_support.site import Site
from support.servers import NoteServer

NEW = {"email": "elena@example.org", "external_id": "staff-1003"}
CANARY = "a-password-that-must-stay-secret"
WITH_PASSWORD = {"email": "heidi@example.org", "external_id": "staff-1005", "password": CANARY}
GONE = {"email": "gone@example.org", "external_id": "staff-0001"}
# In no list and no record.
BUYER = {"email": "farid@example.org", "external_id": "buyer-1"}
BRUNO = "bruno@example.org"


def test_a_change_is_planned_approved_and_applied(
    pipeline: Pipeline, site: Site, machine: Machine
) -> None:
    press = site.stores["press"]
    [gone, _buyer] = press.add_users([GONE, BUYER])
    entries = [{**GONE, "id": gone, "fingerprint": "0123456789abcdef"}]
    record = {"format": 1, "store": press.base_url, "users": entries}
    pipeline.records.write("press.json", json.dumps(record))
    site.add("press", WITH_PASSWORD)

    review = pipeline.review().succeeded()

    assert site.writes() == 0
    planned = json.loads((machine.artifacts_of("plans") / "approve.json").read_text("utf-8"))
    assert set(planned["publica_plans"]) == set(site.stores)
    assert all(hash_ in pipeline.shown() for hash_ in planned["publica_plans"].values())

    assert any(machine.artifacts.rglob("index.html"))

    applied = pipeline.apply()

    assert applied is not None
    applied.succeeded()
    declared = site.declared()
    assert site.active() == {**declared, "press": declared["press"] | {BUYER["email"]}}
    assert pipeline.records.names() == ["press.json", "university.json"]
    for name in site.stores:
        users = json.loads(pipeline.records.read(f"{name}.json"))["users"]
        assert {user["email"] for user in users} == declared[name]
    pipeline.audit().succeeded()

    before = site.writes()
    press.change_user(press.user(email=BRUNO)["id"], sessions_limit=9)
    audit = pipeline.audit()

    assert audit.failed
    report = json.loads((audit.checkout / "report" / "report.json").read_text("utf-8"))
    assert [store["name"] for store in report["stores"]] == list(site.stores)
    assert (audit.checkout / "report" / "junit.xml").is_file()
    assert BRUNO in audit.output
    assert site.writes() == before
    runs = (review, applied, audit)
    kept = [text for run in runs for text in texts_below(run.checkout / "report").values()]
    assert any(WITH_PASSWORD["email"] in text for text in kept)
    for text in (*kept, *(run.output for run in runs)):
        assert [secret for secret in (*site.tokens.values(), CANARY) if secret in text] == []


def test_a_change_after_the_review_is_refused(pipeline: Pipeline, site: Site) -> None:
    pipeline.plan().succeeded()
    site.add("press", NEW)

    applied = pipeline.apply()

    assert applied is not None
    assert applied.failed
    assert "The approved plan is" in applied.output
    assert not site.stores["press"].journal(writes=True)
    # The plan of the other store was approved.
    assert site.active()["university"] == site.declared()["university"]


def test_without_a_difference_no_approval_is_needed(github: Github, site: Site) -> None:
    site.fill()

    github.plan().succeeded()

    # The stores have no difference. The rows are new in the records.
    assert "record only" in github.shown()
    applied = github.apply()
    assert applied is not None
    applied.succeeded()
    assert site.writes() == 0
    press = site.stores["press"]
    bruno = press.user(email=BRUNO)
    press.change_user(bruno["id"], sessions_limit=9)
    press.clear_journal()

    github.plan().succeeded()

    assert github.apply() is None
    assert "nothing to do" in github.shown()
    assert len(press.journal()) <= 1

    github.plan(BY_HAND).succeeded()
    corrected = github.apply(BY_HAND)

    assert corrected is not None
    corrected.succeeded()
    assert press.user(id=bruno["id"])["sessions_limit"] == 2


def test_without_an_answer_of_a_store_there_is_no_plan_to_approve(
    github: Github, site: Site, machine: Machine
) -> None:
    site.stores["press"].fault(403, times=None)

    plan = github.plan()

    assert plan.failed
    assert not (machine.artifacts / "plans").exists()
    assert github.apply() is None


def test_a_store_without_an_approved_plan_is_not_changed(site: Site, machine: Machine) -> None:
    approved = """ansible-playbook apply.yml --extra-vars '{"publica_plans": {}}'"""

    steps = [Checkout("records"), Script(INSTALL), Script(approved)]
    run = machine.run(Job("apply", steps, site.tokens))

    assert run.failed == approved
    assert "The approved plan is 0000000000000000" in run.output
    assert site.writes() == 0


def test_a_pull_request_from_a_fork_gets_no_token(github: Github) -> None:
    assert github.job("stores.yml", "plan", FORK) is None
    assert github.job("stores.yml", "apply", FORK) is None


def test_the_plan_becomes_a_comment_of_the_pull_request(
    github: Github, machine: Machine, tmp_path: Path
) -> None:
    plan = machine.artifacts / "plans" / "comment.md"
    plan.parent.mkdir(parents=True)
    plan.write_text("## Plan\n", "utf-8")
    program = machine.programs / "gh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "$GH_REPO" > {tmp_path}/words\n', "utf-8")
    program.chmod(0o755)

    run = github.comment().succeeded()

    words = (tmp_path / "words").read_text("utf-8").split()
    assert words[:5] == ["pr", "comment", "12", "--body-file", "plans/comment.md"]
    assert words[-1] == "press/stores"
    # The job that can write to the pull request has no access to a store.
    assert [path.name for path in (run.checkout / "plans").iterdir()] == ["comment.md"]
    assert "PUBLICA_TOKEN" not in str(workflow("stores.yml")["jobs"]["comment"])


def test_the_plan_becomes_a_note_of_the_merge_request(
    site: Site, machine: Machine, note_server: NoteServer
) -> None:
    plan = machine.artifacts / "plan" / "plans" / "note.md"
    plan.parent.mkdir(parents=True)
    plan.write_text("## Plan & more\n", "utf-8")
    variables = {
        "PUBLICA_NOTE_TOKEN": "token-of-the-note-0123456789",
        "CI_API_V4_URL": note_server.url,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "12",
    }

    Gitlab(site, machine, variables).note().succeeded()

    path = "/projects/7/merge_requests/12/notes"
    assert note_server.notes == [(path, variables["PUBLICA_NOTE_TOKEN"], "## Plan & more\n")]
