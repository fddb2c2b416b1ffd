# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The race of the HTTP clients: it is run, by all of them, and its figures are what they say."""

from __future__ import annotations

import pytest
from publica_bench import clients


def test_every_client_sends_every_request(capsys):
    # The command itself fails where the server has not counted each of them.
    assert clients.main(["--amount", "20", "--rounds", "1"]) == 0

    table = capsys.readouterr().out
    assert f"| {clients.BASE} | 1.0 |" in table
    assert all(f"| {name} | " in table for name in clients.clients(1))


def test_a_ratio_is_that_of_the_same_round():
    # A machine that is ten times as slow in the second round is so for both.
    seconds = {clients.BASE: [1.0, 10.0, 1.0], "other": [3.0, 30.0, 4.0]}

    assert clients.ratios(seconds) == {clients.BASE: 1.0, "other": 3.0}


def test_a_refused_request_ends_the_race(monkeypatch):
    monkeypatch.setattr(clients, "clients", lambda _threads: {clients.BASE: lambda _url: 503})

    with pytest.raises(RuntimeError, match="503"):
        clients.race("http://127.0.0.1:9/", 2, 1)
