# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the get-pip script that ansible-test would download for its environments.

It does what that script does, with the pip that was installed into the folder `pip` beside it: it
installs pip into the environment whose interpreter runs it. So ansible-test needs nothing but the
package index that everything else comes from.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "pip"))
options = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--upgrade", "--force-reinstall", *options]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
