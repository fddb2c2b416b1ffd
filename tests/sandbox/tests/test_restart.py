# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import ssl
import time

import pytest
import trustme
from api_client import Api

from publica_sandbox.testing import SandboxStore


def test_a_restart_keeps_users_journal_and_switches(tmp_path):
    database = tmp_path / "store.sqlite3"
    with SandboxStore(database, users=2, put="replace") as store:
        Api(store.base_url, store.token).list()
        before = store.users()
    with SandboxStore(database) as store:
        assert store.users() == before
        assert len(store.journal()) == 1
        assert store.switches()["put"] == "replace"
        store.reset()
        assert (store.users(), store.journal()) == ([], [])


def test_a_temporary_database_is_deleted():
    with SandboxStore() as store:
        folder = store.database.parent
        assert folder.exists()
    assert not folder.exists()


def test_stopping_does_not_wait_for_a_request_that_hangs():
    with SandboxStore() as store:
        api = Api(store.base_url, store.token)
        store.fault("hang", seconds=60)
        with pytest.raises(Exception, match="timed out"):
            api.http.get("/integration-api/v1/dashboard/users", timeout=0.05)
        started = time.monotonic()
    assert time.monotonic() - started < 3


def test_a_store_in_a_process_of_its_own():
    with SandboxStore(process=True, users=2, put="replace", retry_after=False) as store:
        api = Api(store.base_url, store.token)
        assert len(api.records()) == len(store.users()) == 2
        assert store.switches()["put"] == "replace"
        assert store.switches()["retry_after"] is False
        store.fault("close_before")
        with pytest.raises(Exception, match="without sending a response"):
            api.list()


def test_a_process_that_cannot_start(capfd):
    with pytest.raises(RuntimeError, match="did not start"):
        SandboxStore(process=True, put="nonsense").start()
    assert "put cannot be 'nonsense'" in capfd.readouterr().err


@pytest.mark.parametrize("process", [False, True])
def test_tls(tmp_path, process):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(cert)
    certificate.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with SandboxStore(process=process, users=1, tls_cert=cert, tls_key=key) as store:
        assert store.base_url.startswith("https://127.0.0.1:")
        api = Api(store.base_url, store.token, verify=context)
        assert len(api.records()) == 1
        for kind in ("close_after", "cut"):
            store.fault(kind)
            with pytest.raises(Exception, match=r"without sending|incomplete|EOF"):
                api.list()
    shutil.rmtree(tmp_path)
