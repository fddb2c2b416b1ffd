# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP clients that a module could use, beside each other: python -m publica_bench.clients.

Each sends the same small POSTs from as many threads to a server that does next to nothing, so that
the client is what takes the time. They take turns, round by round, and each is held against the
`requests` of its own round. The figures are ratios: seconds would belong to the machine. Without
TLS; with it, a client that opens a connection for each request pays for a handshake each time too.
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

TOKEN = "token-of-the-client-benchmark-0123456789"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
BODY = json.dumps({"email": "ana@example.org", "external_id": "staff-1001"}).encode()
BASE = "requests, one session"
THREADS = 16

Post = Callable[[str], int]  # posts to an address and returns the status


def clients(threads: int) -> dict[str, Post]:
    """Each client as the function that posts once."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=threads))
    pool = urllib3.PoolManager(maxsize=threads)
    return {
        BASE: lambda url: int(session.post(url, data=BODY, headers=HEADERS).status_code),
        "urllib3, one pool": lambda url: (
            pool.request("POST", url, body=BODY, headers=HEADERS).status
        ),
        "requests, a connection each": lambda url: int(
            requests.post(url, data=BODY, headers=HEADERS, timeout=30).status_code
        ),
        "open_url of ansible-core": _by_open_url,
    }


def _by_open_url(url: str) -> int:
    with open_url(url, method="POST", data=BODY, headers=HEADERS, timeout=30) as answer:
        answer.read()
        return int(answer.status)


def race(url: str, amount: int, rounds: int, threads: int = THREADS) -> dict[str, list[float]]:
    """Seconds of each client, one figure a round.

    Args:
        url: Where to post.
        amount: How many requests each sends in a round.
        rounds: How often; each round begins with another client.
        threads: How many send at once.

    Raises:
        RuntimeError: if an answer is not 200.
    """
    names = clients(threads)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with ThreadPoolExecutor(threads) as workers:
        for number in range(-1, rounds):
            order = list(names)
            turn = max(number, 0) % len(order)
            for name in order[turn:] + order[:turn]:
                took = _sent(names[name], workers, url, amount)
                # The first round opens connections and fills caches, and does not count.
                if number >= 0:
                    seconds[name].append(took)
    return seconds


def _sent(post: Post, workers: ThreadPoolExecutor, url: str, amount: int) -> float:
    began = time.perf_counter()
    statuses = set(workers.map(post, [url] * amount))
    took = time.perf_counter() - began
    if statuses != {200}:
        raise RuntimeError(f"The server answered {sorted(statuses)}.")
    return took


def ratios(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """How many times as long each client took as the first one, the median of the rounds."""
    return {
        name: statistics.median(own / base for own, base in zip(times, seconds[BASE]))
        for name, times in seconds.items()
    }


class Counting:
    """A server that counts the POSTs with the right token and body, and tells it on GET."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """One request of ASGI."""
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
    """The address of such a server, in a process of its own."""
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
    config = uvicorn.Config(Counting(), log_level="error", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


def table(measured: Mapping[str, float], amount: int, rounds: int) -> str:
    """The ratios as a table in Markdown."""
    lines = [f"| Client | Times as long as {BASE} |", "|---|--:|"]
    lines += [f"| {name} | {ratio:.1f} |" for name, ratio in measured.items()]
    foot = f"{amount} POSTs a round from {THREADS} threads, the median of {rounds} rounds."
    return "\n".join([*lines, "", foot])


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print. Returns 1 if the server did not get every request, else 0."""
    parser = argparse.ArgumentParser(prog="publica_bench.clients", description=__doc__)
    parser.add_argument("--amount", type=int, default=400, help="requests of a client in a round")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count")
    options = parser.parse_args(words)
    with counting_server() as url:
        seconds = race(url, options.amount, options.rounds)
        counted = int(requests.get(url, timeout=30).text)
    expected = len(seconds) * options.amount * (options.rounds + 1)
    if counted != expected:
        print(f"{counted} of {expected} requests came in.", file=sys.stderr)
        return 1
    print(table(ratios(seconds), options.amount, options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
