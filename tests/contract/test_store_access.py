"""Users, sessions, tokens and failed logins on each dialect."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.domain.access import ADDRESS, PAIR, Limit, Role
from monitor.storage.access import Client, Identity, LastAdmin, NameTaken, NoSuchUser, User
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import NOON, at

HERE = Client("10.0.0.1", "Browser/1")
LATER = at(60 * 24)


async def user(store: SqlStore, name: str = "ann", role: Role = Role.ADMIN) -> User:
    await store.access.add_user(name, f"hash of {name}", role, "local", NOON)
    found = await store.access.credential(name)
    assert found is not None
    return found.user


async def session(store: SqlStore, of: User, digest: bytes = b"d", minute: float = 0) -> bool:
    return await store.access.begin_session(of.id, digest, HERE, at(minute), LATER)


async def audited(store: SqlStore) -> list[tuple[str, str, str]]:
    entries = (await store.views.audit()).rows
    return [(entry.who, entry.action, entry.subject) for entry in entries]


async def test_a_user_is_kept(store: SqlStore) -> None:
    assert not await store.access.has_users()
    ann = await user(store)
    assert (ann.name, ann.role, ann.disabled, ann.issuer, ann.created) == (
        "ann",
        Role.ADMIN,
        False,
        None,
        NOON,
    )
    found = await store.access.credential("ann")
    assert found is not None
    assert found.password == "hash of ann"
    assert await store.access.has_users()
    assert await store.access.credential("bob") is None
    with pytest.raises(NameTaken):
        await user(store)
    assert await audited(store) == [("local", "user.add", "ann")]


async def test_users_are_listed_in_pages(store: SqlStore) -> None:
    for name in ("ann", "bob", "cat"):
        await user(store, name)
    first = await store.access.users(NOON, limit=2)
    assert [row.name for row in first.rows] == ["ann", "bob"]
    rest = await store.access.users(NOON, first.next, 2)
    assert ([row.name for row in rest.rows], rest.next) == (["cat"], None)


async def test_a_session_leads_to_its_user_as_they_are_now(store: SqlStore) -> None:
    ann = await user(store)
    await user(store, "bob")
    assert await session(store, ann)
    held = await store.access.session(b"d")
    assert held is not None
    assert (held.user.name, held.created, held.expires) == ("ann", NOON, LATER)
    assert (held.address, held.agent, held.user.last_login) == ("10.0.0.1", "Browser/1", NOON)
    await store.access.set_role("ann", Role.VIEWER, "bob", at(1))
    await store.access.session_seen(b"d", at(2))
    held = await store.access.session(b"d")
    assert held is not None
    assert (held.user.role, held.seen) == (Role.VIEWER, at(2))
    assert [one.digest for one in await store.access.sessions(ann.id, NOON)] == [b"d"]
    assert [row.sessions for row in (await store.access.users(NOON)).rows] == [1, 0]
    assert await store.access.session(b"e") is None


async def test_sessions_end(store: SqlStore) -> None:
    ann, bob = await user(store), await user(store, "bob")
    for number, of in enumerate((ann, ann, ann, bob)):
        await session(store, of, bytes([number]))
    assert not await store.access.end_session(b"\x03", ann.id, "ann", at(1), logout=False)
    assert await store.access.end_session(b"\x00", ann.id, "ann", at(1), logout=True)
    await store.access.set_password("ann", "new", "ann", at(2), keep=b"\x01")
    assert [one.digest for one in await store.access.sessions(ann.id, NOON)] == [b"\x01"]
    await store.access.set_disabled("ann", True, "bob", at(3))
    assert await store.access.session(b"\x01") is None
    assert await store.access.session(b"\x03") is not None
    assert not await session(store, ann, b"x")
    await store.access.set_disabled("ann", False, "bob", at(4))
    assert await session(store, ann, b"x")
    told = [(who, action) for who, action, _ in await audited(store)]
    assert told[:5] == [
        ("ann", "login.done"),
        ("bob", "user.enable"),
        ("bob", "user.disable"),
        ("ann", "user.password"),
        ("ann", "login.out"),
    ]


async def test_sessions_past_their_end_are_deleted(store: SqlStore) -> None:
    ann = await user(store)
    await store.access.begin_session(ann.id, b"old", HERE, NOON, at(1))
    await session(store, ann, b"new", minute=2)
    assert await store.access.session(b"old") is None
    assert await store.access.session(b"new") is not None


async def test_the_last_admin_stays(store: SqlStore) -> None:
    await user(store)
    await user(store, "olga", Role.OPERATOR)
    for change in (
        store.access.set_role("ann", Role.VIEWER, "ann", NOON),
        store.access.set_disabled("ann", True, "ann", NOON),
        store.access.remove_user("ann", "ann", NOON),
    ):
        with pytest.raises(LastAdmin):
            await change
    await store.access.set_role("olga", Role.ADMIN, "ann", NOON)
    await store.access.remove_user("ann", "olga", NOON)
    assert await store.access.credential("ann") is None


async def test_two_admins_who_demote_each_other_leave_one(store: SqlStore) -> None:
    await user(store)
    await user(store, "bob")
    told = await asyncio.gather(
        store.access.set_role("ann", Role.VIEWER, "bob", NOON),
        store.access.set_role("bob", Role.VIEWER, "ann", NOON),
        return_exceptions=True,
    )
    assert [type(one) for one in told if one is not None] == [LastAdmin]
    rows = (await store.access.users(NOON)).rows
    assert sorted(row.role for row in rows) == [Role.ADMIN, Role.VIEWER]


async def test_who_is_not_there_is_told(store: SqlStore) -> None:
    for change in (
        store.access.set_role("x", Role.ADMIN, "ann", NOON),
        store.access.set_password("x", "p", "ann", NOON),
        store.access.set_disabled("x", True, "ann", NOON),
        store.access.remove_user("x", "ann", NOON),
    ):
        with pytest.raises(NoSuchUser):
            await change
    assert await audited(store) == []


# failed logins --------------------------------------------------------------------------------------------


async def test_who_keeps_failing_waits_longer_and_longer(store: SqlStore) -> None:
    limit = Limit(2, timedelta(seconds=10), timedelta(seconds=40), timedelta(hours=1))
    now, waited = NOON, []
    for _ in range(7):
        assert await store.access.attempt({b"k": limit}, now) is None
        wait = await store.access.attempt({b"k": limit}, now)
        if wait is None:  # that was a free one, and counts
            continue
        waited.append(wait.total_seconds())
        now += wait
    assert waited == [10, 20, 40, 40, 40, 40]
    assert await store.access.attempt({b"other": limit}, now) is None
    assert await store.access.attempt({b"k": limit}, now + timedelta(hours=2)) is None
    assert await store.access.attempt({b"k": limit}, now + timedelta(hours=2)) is None


async def test_a_right_one_makes_up_for_it(store: SqlStore) -> None:
    limits = {b"pair": PAIR, b"address": ADDRESS}
    for _ in range(4):
        assert await store.access.attempt(limits, NOON) is None
    assert await store.access.attempt(limits, NOON) is None
    await store.access.succeeded([b"pair"], [b"address"])
    for _ in range(5):
        assert await store.access.attempt(limits, NOON) is None
    # the address has failed nine times by now, the name five times
    assert await store.access.attempt({b"address": ADDRESS._replace(free=9)}, NOON) is None
    assert await store.access.attempt({b"address": ADDRESS._replace(free=9)}, NOON) is not None


async def test_many_at_once_do_not_slip_through(store: SqlStore) -> None:
    told = await asyncio.gather(*(store.access.attempt({b"k": PAIR}, NOON) for _ in range(12)))
    assert sum(wait is None for wait in told) == PAIR.free + 1


async def test_failed_logins_are_put_down_and_what_may_be_a_password_is_not(store: SqlStore) -> None:
    await store.access.failed("ann", HERE, "wrong password", NOON)
    await store.access.failed(None, HERE, "no such user", NOON)
    assert await audited(store) == [
        ("nobody", "login.failed", "A name that no user has"),
        ("ann", "login.failed", "ann"),
    ]


# providers ------------------------------------------------------------------------------------------------


async def test_a_providers_user_is_made_once_and_follows_its_word(store: SqlStore) -> None:
    known = Identity("https://login.example", "u-1", "Ann", Role.OPERATOR, Role.VIEWER)
    first = await store.access.identified(known, NOON)
    assert (first.name, first.role, first.issuer) == ("ann", Role.OPERATOR, "https://login.example")
    again = await store.access.identified(known._replace(name="Else", role=Role.ADMIN), at(1))
    assert (again.id, again.name, again.role) == (first.id, "ann", Role.ADMIN)
    stays = await store.access.identified(known._replace(role=None), at(2))
    assert stays.role is Role.ADMIN
    other = await store.access.identified(known._replace(subject="u-2", role=None), at(3))
    assert (other.name, other.role) == ("ann#2", Role.VIEWER)
    with pytest.raises(NoSuchUser, match="no password here"):
        await store.access.set_password("ann", "p", "ann", NOON)


async def test_two_first_logins_at_once_are_one_user(store: SqlStore) -> None:
    known = Identity("https://login.example", "u-1", "Ann", Role.ADMIN, Role.VIEWER)
    made = await asyncio.gather(*(store.access.identified(known, NOON) for _ in range(4)))
    assert len({one.id for one in made}) == 1


# tokens and secrets ---------------------------------------------------------------------------------------


async def test_a_token_is_kept_until_it_is_revoked_and_after(store: SqlStore) -> None:
    made = await store.access.create_token("grafana", b"t", "chs_abc", Role.VIEWER, at(60), "ann", NOON)
    assert (made.name, made.expires, made.is_valid(at(59)), made.is_valid(at(60))) == (
        "grafana",
        at(60),
        True,
        False,
    )
    with pytest.raises(NameTaken):
        await store.access.create_token("grafana", b"u", "chs_abd", Role.VIEWER, None, "ann", NOON)
    await store.access.token_used(made.id, at(1))
    found = await store.access.token(b"t")
    assert found is not None
    assert found.used == at(1)
    assert await store.access.revoke_token(made.id, "ann", at(2))
    assert not await store.access.revoke_token(made.id, "ann", at(3))
    found = await store.access.token(b"t")
    assert found is not None
    assert not found.is_valid(at(3))
    again = await store.access.create_token("grafana", b"u", "chs_abd", Role.ADMIN, None, "ann", at(4))
    page = await store.access.tokens(limit=1)
    assert [row.id for row in page.rows] == [again.id]
    rest = await store.access.tokens(page.next, 5)
    assert [row.revoked_by for row in rest.rows] == ["ann"]
    assert await store.access.token(b"x") is None
    assert [action for _, action, _ in await audited(store)] == [
        "token.create",
        "token.revoke",
        "token.create",
    ]


async def test_a_secret_is_the_same_for_all(store: SqlStore) -> None:
    made = await asyncio.gather(*(store.access.secret("forms", bytes([n]) * 32, NOON) for n in range(4)))
    assert len(set(made)) == 1
    assert await store.access.secret("forms", b"another", NOON) == made[0]
    assert await store.access.secret("other", b"another", NOON) == b"another"
