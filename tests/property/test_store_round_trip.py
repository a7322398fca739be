"""What is stored comes back equal, whatever producers send."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.event import Delivery, Event, Key, Observation, Position, TimeOrigin
from monitor.storage.base import KeyGroup, Placement, Trace, TraceUpdate
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store
from monitor.storage.types import escape, exact_json, from_micros, to_micros, unescape
from tests.support.effort import examples

texts = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["\x00", "\x1a0000", "\ud800", "\x1a", "\\N\t\n"]
)
times = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(-(2**200), 2**200)
json = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
observations = st.builds(
    Observation,
    flow=st.just("order"),
    label=texts,
    time=times,
    identity=st.binary(min_size=16, max_size=16),
    keys=st.just(()),
    event_id=st.none() | texts,
    producer=st.none() | texts,
    lane=st.none() | texts,
    offset=st.none() | st.integers(-(2**63), 2**63 - 1),
    sequence=st.none() | numbers,
    cause=st.none() | texts,
    attributes=st.lists(st.tuples(texts, json), max_size=3).map(tuple),
)
batches = st.lists(observations, min_size=1, max_size=5, unique_by=lambda one: one.identity)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        if request.param == "sqlite":
            url = f"sqlite:///{Path(folder)}/store.db"
            upgrade(url)
            yield url
        else:
            from tests.services.databases import fresh_database

            with fresh_database(request.getfixturevalue("postgres_server_url")) as url:
                upgrade(url)
                yield url


async def stored(url: str, seen: list[Observation], extra: Any) -> tuple[list[Observation], Any, Any]:
    """Store under a key of its own; give back the history, and what search and page show."""
    key = Key("order", f"{extra}{seen[0].identity.hex()}")
    store = await open_store(url)
    try:
        async with store.ingest() as batch:
            delivery = Delivery(
                "s", b"", Position(extra, exchange=extra, receipt=extra), seen[0].time, {extra: extra}
            )
            events = [
                Event(
                    extra,
                    one.time,
                    TimeOrigin.PRODUCER,
                    one.identity,
                    delivery,
                    one.event_id,
                    extra,
                    extra,
                    attributes={extra: extra},
                )
                for one in seen
            ]
            await batch.events(events, [exact_json({extra: extra})] * len(events))
            (chain,) = await batch.chains([KeyGroup("order", (key,))], {"order": 1})
            trace = chain.traces[0] if chain.traces else await batch.new_trace(chain, key.value, 1)
            earlier = (await batch.history([chain.id]))[chain.id]
            trace.events, trace.first, trace.last = len(seen), seen[0].time, seen[0].time
            await batch.save([_update(trace, extra)], [Placement(trace.id, one, fresh=True) for one in seen])
        async with store.ingest() as batch:
            (again,) = await batch.chains([KeyGroup("order", (key,))], {"order": 1})
            history = (await batch.history([again.id]))[again.id]
        detail = await store.views.trace(trace.id)
        return [one for one in history if one not in earlier], detail, again.traces[0]
    finally:
        await store.close()


def _update(trace: Trace, extra: str) -> TraceUpdate:
    trace.state = extra
    return TraceUpdate(trace, 0, True, False, (extra,), (extra, extra), (extra,))


@given(seen=batches, extra=texts)
@examples(20)
def test_round_trip(store_url: str, seen: list[Observation], extra: str) -> None:
    history, detail, trace = asyncio.run(stored(store_url, seen, extra))
    assert sorted(history, key=lambda one: one.identity) == sorted(seen, key=lambda one: one.identity)
    assert (trace.state, trace.first) == (extra, seen[0].time)
    assert detail is not None
    assert detail.row.expected == (extra,)
    assert detail.visited == (extra, extra)
    shown = detail.events[0]
    assert (shown.type, shown.channel, shown.subject) == (extra, extra, extra)
    assert shown.data == exact_json({extra: extra})
    assert shown.attributes == {extra: extra}


@given(texts, texts)
def test_escaped_text_is_safe_exact_and_keeps_prefixes(text: str, more: str) -> None:
    safe = escape(text)
    assert "\x00" not in safe
    safe.encode()
    assert unescape(safe) == text
    assert escape(text + more) == safe + escape(more)


@given(times)
def test_micros_are_exact_and_sortable(time: datetime) -> None:
    assert from_micros(to_micros(time)) == time
    assert (to_micros(time) < to_micros(datetime(2000, 1, 1, tzinfo=UTC))) == (
        time < datetime(2000, 1, 1, tzinfo=UTC)
    )
