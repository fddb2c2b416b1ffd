# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The short commands. Each sets up what it needs in .cache, once; all of them together need
# Python 3.11 or newer, git and make. The sessions behind them are in noxfile.py.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# PUBLISH=1 has `make bench` refresh the documentation's tables and pictures.
PUBLISH ?=
export PUBLISH
# An ansible-core to use instead of the newest one that a Python was found for.
CORE ?=
export CORE
# The language of the reports of `make report-demo`.
REPORT_LANGUAGE ?=
export REPORT_LANGUAGE
# For `make release`: the version, and whether to leave the clone as it is.
VERSION ?=
DRY_RUN ?=
# For `make secrets`: why what is new is none.
REASON ?=
export VERSION DRY_RUN REASON
TOOLS := .cache/tools
NOX := $(TOOLS)/bin/python -m nox
READY := $(TOOLS)/ready
FIND_PYTHON := $(TOOLS)/bin/python tests/tools/find_python.py --install

# As in noxfile.py, for what comes before it.
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.cache/python
export UV_SYSTEM_CERTS := true
# For the recipes of this file alone: a session's Python and tools are its environment's.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help
help: ## List these commands
	@echo 'Commands; CORE=2.16 (to 2.21) chooses an ansible-core for those that run Ansible:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## Provision two sandbox stores from an example inventory
	@$(NOX) --tags demo

.PHONY: test
test: $(READY) ## Run every check and every test once
	@$(NOX)

.PHONY: matrix
matrix: $(READY) ## Unit and integration tests on every supported ansible-core
	@$(FIND_PYTHON) --for 'ansible-core 2.16 to 2.21' 3.12 >/dev/null
	@$(NOX) --tags matrix

.PHONY: target-python
target-python: $(READY) ## Unit and integration tests with the modules on the oldest Python
	@$(FIND_PYTHON) --for 'the oldest executing hosts' 3.9 >/dev/null
	@$(NOX) --session unit-target integration-target

.PHONY: unit
unit: $(READY) ## Unit tests
	@$(NOX) --tags unit

.PHONY: integration
integration: $(READY) ## Playbooks against sandbox stores, and the documentation's examples
	@$(NOX) --tags integration

.PHONY: sandbox-test
sandbox-test: $(READY) ## The sandbox store's own tests
	@$(NOX) --session sandbox

.PHONY: contract
contract: $(READY) ## The API's description against the sandbox store and the client
	@$(NOX) --session contract

.PHONY: pipelines
pipelines: $(READY) ## The examples of pipelines, AWX, builder, navigator and ARA
	@$(NOX) --session pipelines

.PHONY: bench
bench: $(READY) ## Benchmarks beside the collection's peers (one to two hours)
	@$(NOX) --session bench

.PHONY: bench-quick
bench-quick: $(READY) ## The same at small sizes, in a minute
	@$(NOX) --session bench -- --quick

.PHONY: bench-clients
bench-clients: $(READY) ## HTTP clients beside each other, in a minute
	@$(NOX) --session bench-clients

.PHONY: bench-test
bench-test: $(READY) ## The benchmarks' own tests
	@$(NOX) --session bench-test

.PHONY: faults
faults: $(READY) ## Every fault at every endpoint, and random lists and faults
	@$(NOX) --session faults

.PHONY: soak
soak: $(READY) ## The same in full, with new examples for SOAK_MINUTES (30)
	@$(NOX) --session soak

.PHONY: mutation
mutation: $(READY) ## What the unit tests of the engine would not notice (an hour or more)
	@$(NOX) --session mutation

.PHONY: report-page
report-page: $(READY) ## The report's page in a real browser
	@$(NOX) --session report-page

.PHONY: report-demo
report-demo: $(READY) ## Reports to look at; REPORT_LANGUAGE=en, es or pt
	@$(NOX) --session report-demo

.PHONY: report-pictures
report-pictures: $(READY) ## Renew the documentation's pictures of a report
	@$(NOX) --session report-pictures

.PHONY: sanity
sanity: $(READY) ## ansible-test sanity
	@$(NOX) --tags sanity

.PHONY: sanity-matrix
sanity-matrix: $(READY) ## ansible-test sanity on every supported ansible-core
	@$(FIND_PYTHON) --for 'ansible-core 2.16 to 2.21' 3.12 >/dev/null
	@$(NOX) --tags sanity-matrix

.PHONY: lint
lint: $(READY) ## Style, spelling, YAML, changelog, ansible-lint
	@$(NOX) --session lint

.PHONY: hooks
hooks: $(READY) ## Have git look at what you commit, by .pre-commit-config.yaml
	@$(NOX) --session lint --install-only
	@.cache/nox/lint/bin/pre-commit install

.PHONY: secrets
secrets: $(READY) ## Note what looks like a secret and is none, REASON='what it is'
	@$(NOX) --session secrets

.PHONY: format
format: $(READY) ## Bring the Python files into shape
	@$(NOX) --session format

.PHONY: types
types: $(READY) ## Type checks
	@$(NOX) --session types

.PHONY: docs
docs: $(READY) ## Build the documentation site, and check its pages and links
	@$(NOX) --session site

.PHONY: docs-links-online
docs-links-online: $(READY) ## Try the documentation's links to other hosts
	@$(NOX) --session links-online

.PHONY: docs-lint
docs-lint: $(READY) ## Check the documentation of modules and role
	@$(NOX) --session docs

.PHONY: build
build: $(READY) ## Build the archive into dist, and check it as Galaxy will
	@$(NOX) --session build

.PHONY: release
release: $(READY) ## Prepare the release VERSION=X.Y.Z; DRY_RUN=1 only shows it
	@$(NOX) --session release

.PHONY: release-test
release-test: $(READY) ## The release tool's own tests
	@$(NOX) --session release-test

.PHONY: clean
clean: ## Remove all that these commands have made
	rm -rf .cache dist tests/output

# The newest ansible-core needs a Python newer than the oldest that will do here: get one if it can
# be had, and if not go on; the sessions then say what they use instead.
$(READY): tests/requirements/bootstrap.txt tests/tools/bootstrap.sh
	@tests/tools/bootstrap.sh $(TOOLS)
	@$(FIND_PYTHON) --for 'the newest ansible-core' 3.13 3.12 3.14 >/dev/null || true
	@touch $@
