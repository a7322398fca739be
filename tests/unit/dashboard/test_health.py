"""Blindness of sources, and of clocks that nobody can judge meanwhile (DESIGN 3.6)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from monitor.dashboard.health import seen_until, shown_clock, source_health
from monitor.domain.verdict import ClockState


def test_a_source_read_to_now_is_not_blind(make: SimpleNamespace) -> None:
    health = source_health(make.source_row(), make.NOW)
    assert not health.blind
    assert not health.silent
    assert health.state == "caught_up"


@pytest.mark.parametrize(("seconds", "blind"), [(59, False), (61, True)])
def test_a_source_is_blind_from_a_minute_on(make: SimpleNamespace, seconds: int, blind: bool) -> None:
    row = make.source_row(watermark=make.ago(seconds=seconds))
    health = source_health(row, make.NOW)
    assert health.blind is blind
    assert health.since == row.watermark


def test_a_source_that_was_never_caught_up_is_blind_without_a_since(make: SimpleNamespace) -> None:
    health = source_health(make.source_row(watermark=None), make.NOW)
    assert health.blind
    assert health.since is None


def test_a_finite_source_at_its_end_is_never_blind(make: SimpleNamespace) -> None:
    shard = make.shard_row(state="ended", updated=make.ago(days=2))
    health = source_health(make.source_row(watermark=make.ago(days=2), shards=(shard,)), make.NOW)
    assert not health.blind
    assert not health.silent


def test_the_worst_shard_speaks_for_the_source_and_errors_are_told_once(make: SimpleNamespace) -> None:
    shards = (
        make.shard_row(),
        make.shard_row(shard="orders/1", state="connecting", error="refused"),
        make.shard_row(shard="orders/2", state="connecting", error="refused"),
    )
    health = source_health(make.source_row(shards=shards), make.NOW)
    assert health.state == "connecting"
    assert health.errors == ("refused",)


@pytest.mark.parametrize("shards", [(), None])
def test_a_source_nobody_reports_on_is_silent(make: SimpleNamespace, shards: tuple[()] | None) -> None:
    silent = (make.shard_row(updated=make.ago(minutes=5)),) if shards is None else shards
    assert source_health(make.source_row(shards=silent), make.NOW).silent


def test_absence_is_judged_at_the_slowest_source_that_feeds_the_flow(make: SimpleNamespace) -> None:
    sources = [
        make.source_row("fast", watermark=make.ago(seconds=1)),
        make.source_row("slow", watermark=make.ago(minutes=9)),
    ]
    assert seen_until("order", sources, {}, make.NOW) == make.ago(minutes=9)
    assert seen_until("order", sources, {"order": ["fast"]}, make.NOW) == make.ago(seconds=1)
    assert seen_until("order", [*sources, make.source_row("new", watermark=None)], {}, make.NOW) is None


def test_ended_sources_and_none_at_all_hold_nothing_back(make: SimpleNamespace) -> None:
    ended = make.source_row("file", watermark=make.ago(days=9), shards=(make.shard_row(state="ended"),))
    assert seen_until("order", [ended], {}, make.NOW) == make.NOW
    assert seen_until("order", [], {}, make.NOW) == make.NOW


def test_a_clock_past_due_beyond_what_was_read_is_blind(make: SimpleNamespace) -> None:
    clock = make.clock(due=make.ago(minutes=5))
    assert shown_clock(clock, make.ago(minutes=6), make.NOW).state is ClockState.BLIND
    assert shown_clock(clock, None, make.NOW).state is ClockState.BLIND


def test_a_clock_is_not_blind_when_read_past_its_due_time_or_not_due_yet(make: SimpleNamespace) -> None:
    past, ahead = make.clock(due=make.ago(minutes=5)), make.clock(due=make.NOW + timedelta(minutes=1))
    assert shown_clock(past, make.ago(minutes=4), make.NOW) == past
    assert shown_clock(ahead, make.ago(hours=4), make.NOW) == ahead


def test_the_usual_delay_is_no_blindness(make: SimpleNamespace) -> None:
    clock = make.clock(due=make.ago(seconds=3))
    assert shown_clock(clock, make.ago(seconds=5), make.NOW) == clock


def test_what_is_breached_already_stays_so(make: SimpleNamespace) -> None:
    clock = make.clock(state=ClockState.BREACHED, due=make.ago(hours=1))
    assert shown_clock(clock, make.ago(hours=2), make.NOW) == clock
