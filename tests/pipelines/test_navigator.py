# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/navigator: a plan and its application in ansible-navigator, without a container."""

from __future__ import annotations

import shutil

import yaml

from pipeline_support.jobs import INSTALL, Checkout, Job, Machine, Script, texts_below
from pipeline_support.paths import EXAMPLES
from pipeline_support.site import Site

SETTINGS = EXAMPLES / "navigator" / "ansible-navigator.yml"


def test_a_run_with_the_settings_of_the_example(site: Site, machine: Machine) -> None:
    shutil.copy2(SETTINGS, site.folder)
    plan = "ansible-navigator run plan.yml --execution-environment false"
    apply = "ansible-navigator run apply.yml --execution-environment false"
    approved = f"{apply} --extra-vars @plans/approve.json"

    run = machine.run(
        Job(
            "navigator",
            [Checkout("records"), Script(INSTALL), Script(plan), Script(approved)],
            site.tokens,
        )
    )

    run.succeeded()
    assert site.active() == site.declared()
    assert "2 desired: 2 created" in run.output
    # No artifact of the run, and no token in any file.
    assert not list(run.checkout.glob("*artifact*"))
    texts = texts_below(run.checkout.parent)
    assert texts
    for token in site.tokens.values():
        assert [path for path, text in texts.items() if token in text] == []
        assert token not in run.output


def test_a_container_gets_only_the_tokens(site: Site) -> None:
    settings = yaml.safe_load(SETTINGS.read_text("utf-8"))["ansible-navigator"]

    environment = settings["execution-environment"]["environment-variables"]
    assert environment == {"pass": sorted(site.tokens)}
    assert settings["playbook-artifact"]["enable"] is False
