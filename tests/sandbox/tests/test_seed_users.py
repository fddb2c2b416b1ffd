# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from publica_sandbox.control_client import ControlError
from publica_sandbox.seeding import SeedError, read_users
from publica_sandbox.testing import SandboxStore


def test_made_up_users_are_the_same_for_the_same_seed(store):
    def stored(seed):
        store.reset()
        store.generate_users(40, deactivated=4, admins=2, seed=seed)
        return store.users()

    assert stored(7) == stored(7)
    assert stored(7) != stored(8)
    users = store.users()
    assert [user["id"] for user in users if user["admin"]] == [1, 2]
    assert [user["id"] for user in users if not user["active"]] == [37, 38, 39, 40]
    assert len(store.plans_of(4)) == 1


def test_a_second_batch_continues_the_first(store):
    store.generate_users(5)
    store.generate_users(5)
    assert [user["id"] for user in store.users()] == list(range(1, 11))


def test_users_from_csv(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text(
        "email,external_id,sessions_limit,admin,active,plan_id,plan_valid_to,plan_admin\n"
        "ada@example.org,x,2,true,false,11,2030-01-01,1\n"
        "bob@example.org,,,,,,,\n",
        encoding="utf-8",
    )
    ada, bob = read_users(path)
    assert (ada.sessions_limit, ada.admin, ada.active, ada.plan_admin) == (2, True, False, True)
    assert (ada.plans[0].plan_id, ada.plans[0].valid_to) == (11, "2030-01-01")
    assert (bob.external_id, bob.admin, bob.plans) == (None, False, [])


@pytest.mark.parametrize("content", ["- email: a@b.c", "readers:\n  - email: a@b.c"])
def test_users_from_yaml(tmp_path, content):
    path = tmp_path / "users.yml"
    path.write_text(content, encoding="utf-8")
    assert [user.email for user in read_users(path)] == ["a@b.c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- email: a@b.c\n- mail: x", "users.yml, user 2: email"),
        ("a: 1", "holds no list"),
        ("- 5", "holds no list"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "users.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SeedError, match=message):
        read_users(path)


def test_users_from_behind_the_api(store):
    user = store.add_user(
        "Ada@example.org",
        sessions_limit=3,
        plans=[{"plan_id": 12, "valid_to": "2030-01-01", "cancelled_at": 1_700_000_000}],
    )
    assert (user["external_id"], user["sessions_limit"]) == ("Ada", 3)
    assert store.plans_of(user["id"])[0]["cancelled_at"] == 1_700_000_000
    changed = store.change_user(user["id"], email="Eve@example.org", active=False, admin=True)
    assert store.user(email="eve@EXAMPLE.org") == changed
    assert (changed["active"], changed["admin"], changed["sessions_limit"]) == (False, True, 3)
    store.change_user(user["id"], plans=[{"plan_id": 11}], password="a-password")
    assert [plan["plan_id"] for plan in store.plans_of(user["id"])] == [12, 11]
    assert store.has_password(user["id"], "a-password")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"emial": "x"}, "emial"),
        ({"plans": [{"plan_id": 99}]}, "no plan 99"),
        ({"email": "taken@example.org"}, "UNIQUE"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_reason(store, values, message):
    store.add_user("taken@example.org")
    with pytest.raises(ControlError, match=message):
        store.add_user(**{"email": "ada@example.org", **values})
    assert len(store.users()) == 1


def test_looking_for_one_user(store):
    with pytest.raises(LookupError, match="0 users"):
        store.user(email="nobody@example.org")
    with pytest.raises(TypeError):
        store.user()
    with pytest.raises(ControlError, match="no user 5"):
        store.change_user(5, admin=True)


def test_a_store_that_cannot_be_filled_is_stopped():
    store = SandboxStore(users=[{"email": "a@b.c"}, {"email": "A@b.c"}])
    with pytest.raises(ControlError, match="UNIQUE"):
        store.start()
    with pytest.raises(RuntimeError):
        _ = store.database
