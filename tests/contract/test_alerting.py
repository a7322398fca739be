"""Alerts put together: with and without settings, a growing inbox, the heartbeat, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from monitor.alerting import Alerts, _digest_of, _digest_of_routes
from monitor.alerts.base import Undeliverable
from monitor.alerts.outbound import Answer
from monitor.domain.event import Delivery, InboxReason, Misfit, Position
from monitor.domain.notice import Notice, NoticeKind
from monitor.metrics import Metrics
from monitor.settings import Settings
from monitor.settings.alerts import AlertSettings
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import at
from tests.support.telling import BEGIN, Telling

HOOK = {"url": "https://ops.invalid/"}
GIVEN = {
    "receivers": [{"name": "ops", "webhook": HOOK}],
    "route": {"receiver": "ops"},
    "heartbeat": {"url": "https://beat.invalid/", "every": "1m"},
    "inbox_growth": {"messages": 4, "within": "10m"},
}


def settings(**changed: object) -> AlertSettings:
    found = Settings.model_validate({"alerts": {**GIVEN, **changed}}).alerts
    assert found is not None
    return found


@dataclass
class Heart:
    """Whoever waits for the heartbeat."""

    beats: int = 0
    away: bool = False
    told: list[bytes] = field(default_factory=list)

    async def post(self, body: bytes, headers: Mapping[str, str], path: str = "") -> Answer:
        if self.away:
            raise Undeliverable("away")
        self.beats += 1
        return Answer(200, "OK", {}, b"")

    def check(self, answer: Answer, now: datetime) -> str:
        return str(answer.status)

    async def close(self) -> None:
        return None


@dataclass
class World:
    store: SqlStore
    now: datetime = BEGIN
    alive: bool = True
    heart: Heart = field(default_factory=Heart)

    def alerts(self, given: AlertSettings | None) -> Alerts:
        telling = Telling(self.store.alerts) if given is not None else None
        return Alerts(
            given,
            self.store,
            self.store.alerts,
            Metrics(),
            telling.dispatcher if telling is not None else None,
            now=lambda: self.now,
            alive=lambda: self.alive,
            heart=self.heart,  # type: ignore[arg-type]
        )

    async def lasting(self, kind: NoticeKind) -> list[str]:
        return [notice.subject for notice in await self.store.notices(kind)]


@pytest.fixture
def world(store: SqlStore) -> World:
    return World(store)


async def misfits(store: SqlStore, source: str, count: int, received: datetime) -> None:
    async with store.ingest() as batch:
        await batch.misfits(
            [
                Misfit(
                    Delivery(source, b"?", Position("q", receipt=f"{received}-{n}"), received),
                    InboxReason.UNMAPPED,
                    "no flow knows it",
                    "",
                    "Odd",
                )
                for n in range(count)
            ]
        )


async def test_a_growing_inbox_is_told_until_it_grows_no_more(world: World) -> None:
    alerts = world.alerts(settings())
    await misfits(world.store, "rabbit", 4, BEGIN)
    await misfits(world.store, "kafka", 5, BEGIN)
    assert await alerts.inbox() == 1
    assert await world.lasting(NoticeKind.INBOX_GROWING) == ["kafka"]
    (row,) = (await world.store.alerts.alerts()).rows
    assert row.alert.labels["alertname"] == "InboxGrowing"
    assert "More than 4 messages of “kafka” could not be placed within 10 min" in row.alert.summary
    await misfits(world.store, "kafka", 3, BEGIN + timedelta(minutes=9))
    world.now += timedelta(minutes=12)
    await alerts.inbox()
    assert await world.lasting(NoticeKind.INBOX_GROWING) == ["kafka"]  # 3 are more than half as many
    world.now += timedelta(minutes=10)
    assert await alerts.inbox() == 0
    assert await world.lasting(NoticeKind.INBOX_GROWING) == []


async def test_no_growth_is_told_where_none_is_wanted(world: World) -> None:
    await misfits(world.store, "kafka", 200, BEGIN)
    assert await world.alerts(settings(inbox_growth=None)).inbox() == 0
    assert await world.alerts(None).inbox() == 1  # what people see without receivers


async def test_the_heart_beats_while_all_is_well(world: World) -> None:
    alerts = world.alerts(settings())
    for _ in range(9):
        await alerts.beat()
        world.now += timedelta(seconds=20)
    assert world.heart.beats == 3
    other = world.alerts(settings())  # another sweeper on the same database
    await other.beat()
    await alerts.beat()
    assert world.heart.beats == 4


@pytest.mark.parametrize(
    "kind", [NoticeKind.BLIND, NoticeKind.RECEIVER_DISABLED, NoticeKind.RECEIVER_FAILING]
)
async def test_it_stops_while_something_is_wrong_with_the_monitor(world: World, kind: NoticeKind) -> None:
    alerts = world.alerts(settings())
    await world.store.begin_notice(Notice(kind, "it", "Something is wrong.", at(1), at(1)))
    assert await alerts.unwell() == "Something is wrong."
    await alerts.beat()
    assert world.heart.beats == 0
    await world.store.end_notice(kind, "it", at(2))
    await alerts.beat()
    assert world.heart.beats == 1


async def test_it_stops_while_the_sweep_or_a_message_does_not_get_on(world: World) -> None:
    alerts = world.alerts(settings())
    await alerts.begin()
    world.alive = False
    assert await alerts.unwell() == "the sweep does not get on"
    world.alive = True
    assert await alerts.unwell() is None
    await world.store.alerts.test("ops", "1", [], "ann", world.now)
    world.now += timedelta(minutes=16)
    assert "on its way for too long" in (await alerts.unwell() or "")


async def test_a_beat_that_does_not_arrive_stops_nothing(world: World) -> None:
    alerts = world.alerts(settings())
    world.heart.away = True
    assert await alerts.beat() == 0


async def test_without_settings_alerts_begin_and_nobody_is_told(world: World) -> None:
    alerts = world.alerts(None)
    await world.store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "Blind.", at(1), at(1)))
    assert await alerts.route() == 1
    assert await alerts.route() == 0
    assert len((await world.store.alerts.alerts()).rows) == 1
    assert {name for name, _, _ in alerts.ticks()} == {"alert routing", "alert upkeep", "inbox growth"}


async def test_what_lasts_is_told_once_there_is_somebody_to_tell(world: World) -> None:
    await world.store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "Blind.", at(1), at(1)))
    await world.alerts(None).route()
    telling = Telling(world.store.alerts)
    await telling.begin(routing="some")
    await telling.go()
    await telling.go(seconds=31)
    assert telling.ops.told == [[("SourceBlind", "firing")]]


async def test_upkeep_lets_go_of_what_is_old(world: World) -> None:
    await world.store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "Blind.", at(1), at(1)))
    await world.store.end_notice(NoticeKind.BLIND, "kafka", at(2))
    alerts = world.alerts(settings(keep="P1D"))
    await alerts.route()
    telling = Telling(world.store.alerts)
    await telling.go(minutes=10)
    assert await alerts.upkeep() == 0
    world.now += timedelta(days=3)
    assert await alerts.upkeep() == 1
    assert (await world.store.alerts.alerts()).rows == []


def test_other_secrets_are_other_settings() -> None:
    def digest(url: str) -> str:
        return _digest_of(settings(receivers=[{"name": "ops", "webhook": {"url": url}}]).receivers[0])

    assert digest("https://ops.invalid/a") == digest("https://ops.invalid/a")
    assert digest("https://ops.invalid/a") != digest("https://ops.invalid/b")
    assert "invalid" not in digest("https://ops.invalid/a")


def test_a_digest_is_another_way_into_groups() -> None:
    def routes(**receiver: object) -> str:
        return _digest_of_routes(settings(receivers=[{"name": "ops", "webhook": HOOK, **receiver}]))

    assert routes() == routes(send_resolved=False)
    assert routes() != routes(digest={"every": "PT1H"})
    assert routes(digest={"at": "08:00"}) == routes(digest={"every": "PT1H"})
