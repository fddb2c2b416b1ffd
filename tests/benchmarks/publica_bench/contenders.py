# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who does the job, and by which command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "peers"
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@dataclass(frozen=True)
class Contender:
    """One way to do a job.

    :ivar peer: the file in ``peers``: a playbook or a script.
    :ivar processes: how many of it run at once, each with its part of the users.
    """

    name: str
    title: str
    peer: str
    processes: int = 1

    def command(self, users: Path) -> list[str]:
        """The command for the users in a file; address and token come from the environment."""
        peer = str(PEERS / self.peer)
        if self.peer.endswith(".py"):
            return [sys.executable, peer, str(users)]
        return [str(ANSIBLE_PLAYBOOK), "-e", f"users_file={users}", peer]


SCRIPT = Contender("script", "script by hand", "hand_script.py")
URI_LOOP = Contender("uri-loop", "ansible.builtin.uri in a loop", "uri_loop.yml")
USER_LOOP = Contender("user-loop", "publica_user in a loop", "publica_user_loop.yml")
BULK = Contender("bulk", "publica_user_bulk, users", "publica_user_bulk.yml")
BULK_SRC = Contender("bulk-src", "publica_user_bulk, src", "publica_user_bulk_src.yml")
FOUR_BULK = Contender("four-bulk", "4 publica_user_bulk at once", BULK.peer, processes=4)

LOOPS = (URI_LOOP, USER_LOOP)
ALL = (URI_LOOP, USER_LOOP, BULK, BULK_SRC, SCRIPT)
