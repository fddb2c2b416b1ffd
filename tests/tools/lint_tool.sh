#!/bin/sh
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run one of the programs of tests/requirements/checks.txt, for the hooks of .pre-commit-config.yaml.
# The sessions of nox have them on PATH; git's hooks use the environment that `make hooks` builds.

set -eu

if [ -z "${NOX_CURRENT_SESSION:-}" ]; then
    bin=$(git rev-parse --show-toplevel)/.cache/environments/newest/bin
    if [ ! -x "$bin/$1" ]; then
        echo "$bin has no $1. Run \`make hooks\` first." >&2
        exit 1
    fi
    PATH=$bin:$PATH
    export PATH
fi
exec "$@"
