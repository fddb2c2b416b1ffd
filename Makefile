# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Short names for the sessions of noxfile.py. Everything is set up in .cache at the first use; it
# needs Python 3.11 or newer, git and make.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The ansible-core to use; without it, the newest one that this machine has a Python for.
CORE ?=
# Words for pytest, or for the benchmarks, the mutations and ansible-test.
ARGS ?=
# `make bench PUBLISH=1` updates the tables and charts of the documentation.
PUBLISH ?=
# `make report-demo REPORT_LANGUAGE=es`: en, es or pt.
REPORT_LANGUAGE ?=
# `make release`: the version, and whether to leave the clone unchanged.
VERSION ?=
DRY_RUN ?=
# `make secrets`: why the new findings are not secrets.
REASON ?=
export CORE PUBLISH REPORT_LANGUAGE VERSION DRY_RUN REASON

TOOLS := .cache/tools
NOX := $(TOOLS)/bin/python -m nox
READY := $(TOOLS)/ready
FIND_PYTHON := $(TOOLS)/bin/python tests/tools/find_python.py --install

# As in tests/sessions/environment.py, for the commands of this file.
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.cache/python
export UV_SYSTEM_CERTS := true
# A Python environment of the user must not change the results.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

# The targets that run the session, or the sessions with the tag, of the same name.
SESSIONS := lint types docs build format secrets release release-test docs-links-online \
	sandbox-test contract faults soak report-page pipelines \
	bench bench-test report-demo report-pictures mutation
TAGS := unit integration demo sanity

.PHONY: help test test-all matrix target-python bench-quick hooks clean $(SESSIONS) $(TAGS)

help:
	@echo 'make test             Lint, types, documentation, and the test suites (8 minutes)'
	@echo 'make test-all         The rest: slow tests, report in Chromium, archive, pipelines, benchmarks,'
	@echo '                      ansible-core 2.16, Python 3.9 (27 minutes); `.ci/run` runs both'
	@echo
	@echo 'Tests; select with ARGS="tests/unit/plan -k removal", CORE=2.16 sets the ansible-core:'
	@echo 'make unit             Unit tests'
	@echo 'make integration      Playbooks against sandbox stores, and the documented examples'
	@echo 'make faults           Failures at every endpoint, random lists and failures'
	@echo 'make soak             The same with new random examples for SOAK_MINUTES (30)'
	@echo 'make sandbox-test     Tests of the sandbox store'
	@echo 'make contract         The OpenAPI description against sandbox store and client'
	@echo 'make report-page      The report in Chromium'
	@echo 'make pipelines        Examples for CI systems, AWX, ansible-builder, LDAP, SQLite'
	@echo 'make bench-test       Tests of the benchmarks'
	@echo 'make release-test     Tests of the release tool'
	@echo 'make mutation         Mutation testing, such as ARGS="plan --draw 20 --seed 1"'
	@echo 'make matrix           Unit tests, integration tests and sanity on every ansible-core'
	@echo 'make target-python    Unit and integration tests with modules on Python 3.9'
	@echo
	@echo 'Checks:'
	@echo 'make lint             Style, spelling, YAML, licences, secrets, changelog, ansible-lint'
	@echo 'make types            mypy'
	@echo 'make sanity           ansible-test sanity'
	@echo 'make docs             Build and check the documentation site'
	@echo 'make docs-links-online  Check the links to other hosts (needs the internet)'
	@echo 'make build            Build the archive into dist and check it as Galaxy does'
	@echo
	@echo 'Other tasks:'
	@echo 'make demo             Provision two sandbox stores from an example inventory'
	@echo 'make format           Format the Python files'
	@echo 'make hooks            Run the lint hooks before every commit'
	@echo 'make secrets          Record why findings are not secrets, REASON="made up"'
	@echo 'make bench            Benchmarks against other tools (one to two hours)'
	@echo 'make bench-quick      The same with small sizes (one minute)'
	@echo 'make report-demo      Write example reports, REPORT_LANGUAGE=en, es or pt'
	@echo 'make report-pictures  Update the pictures in the documentation'
	@echo 'make release          Prepare the release VERSION=X.Y.Z; DRY_RUN=1 shows it only'
	@echo 'make clean            Remove everything that these commands created'

test: $(READY)
	@$(NOX) --parallel auto --tags test

test-all: $(READY)
	@$(FIND_PYTHON) --for 'ansible-core 2.16' 3.11 3.12 >/dev/null
	@$(FIND_PYTHON) --for 'the oldest executing hosts' 3.9 >/dev/null
	@$(NOX) --parallel auto --tags test-all

$(SESSIONS): $(READY)
	@$(NOX) --session $@ -- $(ARGS)

$(TAGS): $(READY)
	@$(NOX) --tags $@ -- $(ARGS)

matrix: $(READY)
	@$(FIND_PYTHON) --for 'ansible-core 2.16 to 2.21' 3.12 >/dev/null
	@$(NOX) --parallel auto --tags sanity-matrix unit-matrix integration-matrix

target-python: $(READY)
	@$(FIND_PYTHON) --for 'ansible-core 2.16' 3.11 3.12 >/dev/null
	@$(FIND_PYTHON) --for 'the oldest executing hosts' 3.9 >/dev/null
	@$(NOX) --session unit-target cores-target integration-target

bench-quick: $(READY)
	@$(NOX) --session bench -- --quick

hooks: $(READY)
	@CORE= $(NOX) --tags environment
	@.cache/environments/newest/bin/pre-commit install

clean:
	rm -rf .cache dist tests/output

# The newest ansible-core needs a newer Python than the oldest one accepted here. If there is none,
# the sessions use an older ansible-core.
$(READY): tests/requirements/bootstrap.txt tests/tools/bootstrap.sh
	@tests/tools/bootstrap.sh $(TOOLS)
	@$(FIND_PYTHON) --for 'the newest ansible-core' 3.13 3.12 3.14 >/dev/null || true
	@touch $@
