# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins standard input and output to a socket on this machine, as ssh does to a remote command.

Run as ``worker_link.py PORT``.
"""

from __future__ import annotations

import shutil
import socket
import sys
import threading


def main(port: int) -> None:
    """Copy both directions until the other side closes the connection."""
    with socket.create_connection(("127.0.0.1", port)) as link:

        def send() -> None:
            with link.makefile("wb") as outgoing:
                shutil.copyfileobj(sys.stdin.buffer, outgoing)
            link.shutdown(socket.SHUT_WR)

        threading.Thread(target=send, daemon=True).start()
        with link.makefile("rb") as incoming:
            while piece := incoming.read1():
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
