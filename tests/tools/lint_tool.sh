#!/bin/sh
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run one of the tools of tests/requirements/lint.txt, for the hooks of .pre-commit-config.yaml.
# A session of nox has them on its PATH; before a commit they are those that `make hooks` has set up.

set -eu

if [ -z "${NOX_CURRENT_SESSION:-}" ]; then
    bin=$(git rev-parse --show-toplevel)/.cache/nox/lint/bin
    if [ ! -x "$bin/$1" ]; then
        echo "There is no $1 in .cache/nox/lint yet: run \`make hooks\` once." >&2
        exit 1
    fi
    PATH=$bin:$PATH
    export PATH
fi
exec "$@"
