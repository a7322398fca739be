"""The circuit breaker and the pauses between attempts, whatever happens in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.commands.base import Broker, Outcome, Patience, Status
from monitor.commands.breaker import LONGEST, begun, ended, given_up, pause, waits_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE = Patience(failures=3)
OUTCOMES = st.sampled_from(list(Outcome))


@given(st.lists(st.tuples(OUTCOMES, st.integers(0, 7200)), max_size=60))
def test_so_many_failures_in_a_row_and_nothing_goes_for_a_while(
    attempts: list[tuple[Outcome, int]],
) -> None:
    broker, now, row = Broker("b", 0, None, None), NOON, 0
    for outcome, seconds in attempts:
        now += timedelta(seconds=seconds)
        waits = waits_until(broker, now)
        assert (waits is not None) <= (row >= PATIENCE.failures)
        if waits is not None:
            assert now < waits <= now + max(LONGEST, PATIENCE.lease)
            continue
        broker = begun(broker, PATIENCE, now)
        if row >= PATIENCE.failures:  # half open: nobody else meanwhile
            assert waits_until(broker, now) == now + PATIENCE.lease
        broker = ended(broker, outcome, "said", PATIENCE, now)
        row = 0 if outcome is Outcome.PUBLISHED else row + 1
        assert broker.failures == row
        assert (waits_until(broker, now) is None) == (row < PATIENCE.failures)


def test_an_attempt_whose_sender_died_does_not_keep_the_circuit_open_for_ever() -> None:
    broker = begun(Broker("b", 5, NOON, None), PATIENCE, NOON)
    assert waits_until(broker, NOON + PATIENCE.lease - timedelta(seconds=1)) is not None
    assert waits_until(broker, NOON + PATIENCE.lease) is None


def test_pauses_double_up_to_the_longest() -> None:
    patience = replace(PATIENCE, base=timedelta(seconds=1), cap=timedelta(seconds=10))
    assert [pause(one, patience).total_seconds() for one in (1, 2, 3, 4, 5, 10**6)] == [1, 2, 4, 8, 10, 10]


def test_given_up_never_claims_more_than_is_known() -> None:
    assert given_up({Outcome.UNCLEAR, Outcome.AWAY}) is Status.UNCONFIRMED
    assert given_up({None, Outcome.AWAY}) is Status.UNCONFIRMED
    assert given_up(set()) is Status.EXPIRED
    assert given_up({Outcome.NACKED, Outcome.AWAY}) is Status.REFUSED  # not "surely never sent"
    assert given_up({Outcome.AWAY}) is Status.FAILED
