"""What the sweep does for commands when things go wrong around it, and how effects are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from monitor.commands.base import (
    Command,
    CommandStore,
    Found,
    Message,
    Outcome,
    Patience,
    Publisher,
    Request,
    Status,
    Unpublished,
)
from monitor.commands.declared import Mode, When
from monitor.commands.dispatch import WATCHED, Dispatcher, standing
from monitor.domain.verdict import FindingKind
from monitor.errors import StorageUnavailable
from monitor.metrics import Metrics
from monitor.storage.views import FindingRow
from tests.unit.dashboard.commanding import Shelf, a_command, an_item, commander
from tests.unit.dashboard.conftest import Rows, finding_row, trace_detail, trace_row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Claiming(Shelf):
    """Hands out commands to be sent, and notes what came of them. ``away``: records fail."""

    def __init__(self, *rows: Command) -> None:
        super().__init__(list(rows))
        self.recorded: list[tuple[int, Outcome, str]] = []
        self.away: set[int] = set()

    async def claim(self, worker: str, patience: Patience, now: datetime, limit: int) -> list[Command]:
        del worker, now
        taken, self.rows = self.rows[:limit], self.rows[limit:]
        return [replace(one, attempts=1, next_at=NOW + patience.lease) for one in taken]

    async def record(
        self, command: Command, outcome: Outcome, told: str, patience: Patience, now: datetime
    ) -> Command | None:
        del patience, now
        if command.id in self.away:
            raise StorageUnavailable
        self.recorded.append((command.id, outcome, told))
        return command


class Says:
    """A publisher that raises what it is given, or confirms."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.sent: list[Message] = []

    async def publish(self, message: Message) -> str:
        self.sent.append(message)
        await asyncio.sleep(0)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return "confirmed"


def dispatcher(store: Claiming, publisher: Publisher | None, at: datetime = NOW) -> Dispatcher:
    async def judged() -> Mapping[str, datetime]:
        return {}

    publishers = {} if publisher is None else {("release", "rabbitmq shop:5672/"): publisher}
    return Dispatcher(
        commander(store, NOW),
        cast("CommandStore", store),  # nothing but sending is asked of it here
        Rows(),
        publishers,
        Metrics(),
        worker="w",
        now=lambda: at,
        judged=judged,
    )


async def test_each_outcome_is_recorded() -> None:
    store = Claiming(*(a_command(NOW, id=number) for number in range(3)))
    refused = Unpublished(Outcome.REFUSED, "It may not.", mend="Let it.")
    publisher = Says(None, refused, ZeroDivisionError())
    assert await dispatcher(store, publisher).send() == 3
    assert store.recorded == [
        (0, Outcome.PUBLISHED, "confirmed"),
        (1, Outcome.REFUSED, "It may not. Let it."),
        (2, Outcome.UNCLEAR, "Sending it failed in a way nobody foresaw: ZeroDivisionError."),
    ]


async def test_a_record_that_fails_is_told_as_what_it_is_and_keeps_nobody_else_from_theirs() -> None:
    store = Claiming(*(a_command(NOW, id=number) for number in range(3)))
    store.away = {1}
    with pytest.raises(StorageUnavailable):  # the sweep tries again; anything else would stop the service
        await dispatcher(store, Says()).send()
    assert [id_ for id_, *_ in store.recorded] == [0, 2]


async def test_a_command_that_the_configuration_no_longer_has_is_not_sent() -> None:
    store = Claiming(a_command(NOW))
    await dispatcher(store, None).send()
    ((_, outcome, told),) = store.recorded
    assert (outcome, "any more" in told) == (Outcome.REFUSED, True)


async def test_whoever_was_held_up_past_the_lease_does_not_send() -> None:
    store, publisher = Claiming(a_command(NOW)), Says()
    await dispatcher(store, publisher, NOW + Patience().lease).send()
    assert publisher.sent == []
    assert store.recorded == []


def sent(**changed: Any) -> Command:
    given = {
        "status": Status.PUBLISHED,
        "published": NOW,
        "due": NOW + timedelta(minutes=5),
        "expect": "Paid",
    }
    return a_command(NOW, **{**given, **changed})


@pytest.mark.parametrize("late", [False, True])
def test_what_followed_is_told_with_how_long_it_took(late: bool) -> None:
    found = Found(NOW + timedelta(minutes=6 if late else 4), "e")
    status, told, again = standing(sent(), found, None, NOW + timedelta(hours=1))
    assert (status, again) == (Status.EFFECTIVE, None)
    assert told.endswith("later than expected.") == late


def test_nothing_is_told_absent_before_the_sources_are_read_so_far() -> None:
    much_later = NOW + timedelta(days=3)
    for judged in (None, NOW + timedelta(minutes=4.9)):
        status, _, again = standing(sent(), None, judged, much_later)
        assert status is Status.PUBLISHED
        assert again is not None
    status, _, again = standing(sent(), None, NOW + timedelta(minutes=5), much_later)
    assert status is Status.INEFFECTIVE
    assert again is not None


def test_it_is_looked_for_less_and_less_often_and_at_last_no_more() -> None:
    pauses = []
    now = NOW
    for _ in range(60):
        *_, again = standing(sent(), None, None, now)
        assert again is not None
        pauses.append(again - now)
        now = again
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=0.5), timedelta(seconds=15))
    late = sent(status=Status.INEFFECTIVE)
    assert standing(late, None, None, NOW + timedelta(hours=23))[2] is not None
    assert standing(late, None, None, NOW + timedelta(minutes=5) + WATCHED)[2] is None


class Asking(Shelf):
    """Tells of confirmed findings and keeps what is asked for."""

    def __init__(self, found: Sequence[FindingRow]) -> None:
        super().__init__()
        self.found = found
        self.once: list[str | None] = []

    async def confirmed(
        self, flow: str, since: datetime, until: datetime, limit: int, after: FindingRow | None = None
    ) -> Sequence[FindingRow]:
        assert flow == "order"
        rows = [row for row in self.found if row.confirmed and since < row.confirmed <= until]
        return rows[0 if after is None else rows.index(after) + 1 :][:limit]

    async def known(self, once: Sequence[str]) -> set[str]:
        return {one for one in once if one in self.once}

    async def in_vain(self, name: str) -> int:
        del name
        return 0

    async def request(self, request: Request, now: datetime) -> Command:
        self.once.append(request.once)
        return await super().request(request, now)


async def test_of_many_findings_confirmed_at_one_instant_none_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.commands.dispatch.BATCH", 2)
    found = [finding_row(trace=number, confirmed=NOW, time=NOW) for number in range(5)]
    store = Asking(found)
    when = When(findings=frozenset({FindingKind.OUT_OF_ORDER}))
    details = {row.trace: trace_detail(trace_row(row.trace), findings=(row,)) for row in found}

    async def judged() -> Mapping[str, datetime]:
        return {}

    asking = Dispatcher(
        commander(store, NOW, an_item(mode=Mode.AUTOMATIC, when=when)),
        cast("CommandStore", store),
        Rows(details=details),
        {},
        Metrics(),
        worker="w",
        now=lambda: NOW,
        judged=judged,
    )
    assert await asking.ask() == 5
    assert await asking.ask() == 0
    assert [row.trace for row in store.rows] == [0, 1, 2, 3, 4]
