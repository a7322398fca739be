"""The watermark of a shard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.frontier import Frontier

T = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return T + timedelta(seconds=seconds)


def test_nothing_is_known_at_first() -> None:
    frontier = Frontier()
    frontier.probe(at(1), 0)
    assert frontier.watermark is None


def test_an_empty_shard_is_read_at_once() -> None:
    frontier = Frontier(reached=0)
    frontier.probe(at(1), 0)
    assert frontier.watermark == at(1)


def test_moves_once_what_stood_there_is_stored() -> None:
    frontier = Frontier(reached=0)
    frontier.probe(at(1), 5)
    frontier.reach(4)
    assert frontier.watermark is None
    frontier.probe(at(2), 8)
    frontier.reach(6)
    assert frontier.watermark == at(1)
    frontier.reach(8)
    assert frontier.watermark == at(2)


def test_restart_keeps_the_watermark_and_forgets_the_numbers() -> None:
    frontier = Frontier(reached=0)
    frontier.probe(at(1), 0)
    frontier.probe(at(2), 5)
    frontier.restart(0)
    frontier.reach(5)
    assert frontier.watermark == at(1)


def test_a_clock_that_is_put_back_leaves_no_watermark_ahead_of_it() -> None:
    frontier = Frontier(reached=0)
    frontier.probe(at(3600), 0)
    frontier.probe(at(3601), 5)  # an hour ahead
    frontier.probe(at(2), 9)  # put right
    assert frontier.watermark is None
    frontier.reach(5)
    assert frontier.watermark is None
    frontier.reach(9)
    assert frontier.watermark == at(2)


def test_a_clock_that_is_put_right_by_little_changes_nothing() -> None:
    frontier = Frontier(reached=0)
    frontier.probe(at(10), 0)
    frontier.probe(at(10) - timedelta(milliseconds=200), 4)
    assert frontier.watermark == at(10)


def test_far_behind_it_stays_small_and_still_ends_right() -> None:
    frontier = Frontier(reached=0)
    for second in range(10_000):
        frontier.probe(at(second), second + 1)
    assert len(frontier._probes) < 100
    frontier.reach(10_000)
    assert frontier.watermark == at(9_999)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("probe"), st.integers(0, 9)), st.tuples(st.just("reach"), st.integers(0, 9))
        )
    )
)
def test_never_ahead_and_never_back(steps: list[tuple[str, int]]) -> None:
    """Against the definition: the watermark is at most the last probe whose end was reached."""
    frontier = Frontier(reached=0)
    end = reached = 0
    asked: list[tuple[datetime, int]] = []
    before: datetime | None = None
    for second, (step, more) in enumerate(steps):
        if step == "probe":
            end += more
            asked.append((at(second), end))
            frontier.probe(at(second), end)
        else:
            reached = min(end, reached + more)
            frontier.reach(reached)
        known = [time for time, stood in asked if stood <= reached]
        assert frontier.watermark == (max(known) if known else None) or len(asked) > 60
        assert before is None or (frontier.watermark is not None and frontier.watermark >= before)
        before = frontier.watermark
