# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A comparison of HTTP clients that a module could use: python -m publica_bench.clients.

Each client sends the same small POSTs from the same number of threads to a server that does almost
nothing, so that the client takes most of the time. The clients take turns, and each is compared
with `requests` in the same round. The figures are ratios, because seconds depend on the machine.
Without TLS: with it, a client that opens a connection for each request also pays for a handshake.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
import uvicorn
from ansible.module_utils.urls import open_url

HEADERS = {
    "Authorization": "Bearer token-of-the-client-benchmark-0123456789",
    "Content-Type": "application/json",
}
BODY = json.dumps({"email": "ana@example.org", "external_id": "staff-1001"}).encode()
BASE = "requests, one session"
THREADS = 16

Post = Callable[[str], int]  # posts to an address and returns the status


def clients(threads: int) -> dict[str, Post]:
    """Each client as a function that sends one POST."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=threads))
    pool = urllib3.PoolManager(maxsize=threads)

    def open_url_post(url: str) -> int:
        with open_url(url, method="POST", data=BODY, headers=HEADERS, timeout=30) as answer:
            answer.read()
            return int(answer.status)

    return {
        BASE: lambda url: int(session.post(url, data=BODY, headers=HEADERS).status_code),
        "urllib3, one pool": lambda url: (
            pool.request("POST", url, body=BODY, headers=HEADERS).status
        ),
        "requests, a connection each": lambda url: int(
            requests.post(url, data=BODY, headers=HEADERS, timeout=30).status_code
        ),
        "open_url of ansible-core": open_url_post,
    }


def race(url: str, amount: int, rounds: int, threads: int = THREADS) -> dict[str, list[float]]:
    """Seconds of each client by round.

    Args:
        url: Where to post.
        amount: Number of requests of each client in a round.
        rounds: Number of rounds; each begins with another client.
        threads: Number of concurrent requests.

    Raises:
        RuntimeError: if an answer is not 200.
    """
    posts = clients(threads)
    names = list(posts)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with ThreadPoolExecutor(threads) as workers:
        # Round -1 opens connections and fills caches, and does not count.
        for number in range(-1, rounds):
            turn = max(number, 0) % len(names)
            for name in names[turn:] + names[:turn]:
                began = time.perf_counter()
                statuses = set(workers.map(posts[name], [url] * amount))
                if number >= 0:
                    seconds[name].append(time.perf_counter() - began)
                if statuses != {200}:
                    raise RuntimeError(f"The server answered {sorted(statuses)}.")
    return seconds


def ratios(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The time of each client divided by that of ``BASE``: the median of the rounds."""
    return {
        name: statistics.median(own / base for own, base in zip(times, seconds[BASE]))
        for name, times in seconds.items()
    }


class CountingServer:
    """An ASGI application that counts the POSTs with the right token and body. GET returns it."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        sent = dict(scope["headers"]).get(b"authorization") == HEADERS["Authorization"].encode()
        if scope["method"] == "POST" and sent and body == BODY:
            self.count += 1
        answer = str(self.count).encode()
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@contextmanager
def counting_server() -> Iterator[str]:
    """The address of a counting server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_serve, args=(listening,), daemon=True)
        process.start()
        try:
            yield address
        finally:
            process.terminate()
            process.join()


def _serve(listening: socket.socket) -> None:
    config = uvicorn.Config(CountingServer(), log_level="error", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns 1 if the server did not get every request, else 0."""
    parser = argparse.ArgumentParser(prog="publica_bench.clients", description=__doc__)
    parser.add_argument("--amount", type=int, default=400, help="requests of a client in a round")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count")
    options = parser.parse_args(arguments)
    with counting_server() as url:
        seconds = race(url, options.amount, options.rounds)
        counted = int(requests.get(url, timeout=30).text)
    expected = len(seconds) * options.amount * (options.rounds + 1)
    if counted != expected:
        print(f"The server received {counted} of {expected} requests.", file=sys.stderr)
        return 1
    print(f"| Client | Time / time of {BASE} |\n|---|--:|")
    for name, ratio in ratios(seconds).items():
        print(f"| {name} | {ratio:.1f} |")
    print(
        f"\n{options.amount} POSTs in a round from {THREADS} threads, "
        f"the median of {options.rounds} rounds."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
