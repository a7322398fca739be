"""Notices: of one kind and subject one lasts at a time, on both dialects."""

import asyncio

from monitor.domain.notice import Notice, NoticeKind
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import at

BLIND = Notice(NoticeKind.BLIND, "kafka", "kafka is not read.", at(1), at(2))


async def test_one_spell_is_one_notice(store: SqlStore) -> None:
    assert await store.begin_notice(BLIND)
    worse = Notice(NoticeKind.BLIND, "kafka", "Still not.", at(5), at(6), severity="critical")
    assert not await store.begin_notice(worse)
    (lasting,) = await store.notices()
    assert lasting == Notice(NoticeKind.BLIND, "kafka", "Still not.", at(1), at(2), severity="critical")


async def test_it_ends_once_and_may_begin_anew(store: SqlStore) -> None:
    await store.begin_notice(BLIND)
    assert not await store.end_notice(NoticeKind.BLIND, "rabbit", at(3))
    assert await store.end_notice(NoticeKind.BLIND, "kafka", at(3))
    assert not await store.end_notice(NoticeKind.BLIND, "kafka", at(4))
    assert await store.notices() == []
    assert await store.begin_notice(BLIND)


async def test_kinds_and_subjects_are_apart(store: SqlStore) -> None:
    burn = Notice(NoticeKind.BURN_RATE, "kafka", "Too fast.", at(1), at(3), flow="order")
    assert await store.begin_notice(BLIND)
    assert await store.begin_notice(burn)
    assert await store.notices() == [burn, BLIND]
    assert await store.notices(NoticeKind.BLIND) == [BLIND]


async def test_two_workers_begin_one(store: SqlStore) -> None:
    async def begin() -> bool:
        return await store.begin_notice(BLIND)

    told = await asyncio.gather(*(begin() for _ in range(5)), return_exceptions=True)
    assert told.count(True) == 1
    assert len(await store.notices()) == 1
