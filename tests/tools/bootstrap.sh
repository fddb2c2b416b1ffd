#!/bin/sh
# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Build the environment of nox and uv in the given directory.
# It needs Python 3.11 or newer with its venv module.

set -eu

target=$1
requirements=$(dirname "$0")/../requirements/bootstrap.txt

fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# python3 first: it is the user's choice.
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
    if fits "$python"; then
        echo "Setting up the test tools in ${target} (once) with $("$python" --version)"
        rm -rf "$target"
        "$python" -m venv "$target"
        "$target/bin/python" -m pip --disable-pip-version-check install --quiet \
            --requirement "$requirements"
        exit 0
    fi
done

echo "Python 3.11 or newer with its venv module is needed and was not found: install it" \
    "(on Debian and Ubuntu: python3 and python3-venv) or name it: make PYTHON=/path/to/python3" >&2
exit 1
