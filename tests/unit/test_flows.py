"""Options survive being stored, and a flow built again from what is stored is the same flow."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Ordering, Sla
from monitor.domain.calendar import BUSINESS
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.errors import ModelError
from monitor.flows import build, problems_of
from monitor.model import Model, dump_model, load_model
from monitor.resources import models
from tests.support.flows import bpmn, tasks

SOURCE = bpmn(f'<startEvent id="s"/> {tasks("A", "B", "C")}\ns -> A -> B -> C')

_durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))
_minutes = st.none() | st.integers(0, 1440)
_limits = st.builds(
    Limit,
    span=st.none() | st.builds(Span, weeks=st.integers(0, 3), days=st.integers(0, 9), time=_durations),
    by=_minutes,
    cutoff=_minutes,
    at=st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)),
    field=st.none() | st.just("data.due"),
    calendar=st.none() | st.just(BUSINESS),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
)
_slas = st.builds(
    Sla,
    name=st.text(max_size=5),
    limit=_limits,
    start=st.none() | st.just("A"),
    end=st.none() | st.just("X"),
    on=st.lists(st.sampled_from(["A", "X"]), max_size=2).map(tuple),
    idle=st.booleans(),
    at_risk=st.none() | st.floats(0.01, 1) | _durations,
    severity=st.sampled_from(["warning", "critical"]),
    pause=st.sets(st.just("A")).map(frozenset),
    resume=st.sets(st.just("Y")).map(frozenset),
)
_options = st.builds(
    Options,
    key=st.none() | st.just("k"),
    name=st.none() | st.text(max_size=5),
    main_key=st.none() | st.just("order"),
    process=st.none() | st.just("test"),
    silent=st.sets(st.just("C")).map(frozenset),
    bind=st.just({"X": "B:end", "Y": "B:start"}),
    slas=st.lists(_slas, max_size=3, unique_by=lambda sla: sla.name).map(tuple),
    timers=st.booleans(),
    ordering=st.builds(Ordering, tolerance=_durations, lateness=_durations),
)


@given(_options)
def test_stored_options_build_the_same_flow(options: Options) -> None:
    model = Model("m.bpmn", SOURCE, options)
    again = load_model("m.bpmn", SOURCE, dump_model(model))
    assert again == model
    assert dump_model(again) == dump_model(model)
    assert build(again) == build(model)


@pytest.mark.parametrize(
    "other",
    [
        Options(silent=frozenset({"A"})),
        Options(bind={"X": "A"}),
        Options(slas=(Sla("x", Limit.of(timedelta(1))),)),
        Options(ordering=Ordering(tolerance=timedelta(1))),
    ],
)
def test_what_a_verdict_depends_on_changes_the_hash(other: Options) -> None:
    assert build(Model("m", SOURCE, other))[1].hash != build(Model("m", SOURCE, Options()))[1].hash


def test_what_a_flow_is_called_does_not() -> None:
    named = Options(key="k", name="n", main_key="order")
    assert build(Model("m", SOURCE, named))[1].hash == build(Model("m", SOURCE, Options()))[1].hash


def test_every_error_of_a_model_is_told_with_its_place() -> None:
    with pytest.raises(ModelError) as told:
        build(Model("m.bpmn", SOURCE, Options(bind={"X": "gone"}, silent=frozenset({"lost"}))))
    assert "gone" in str(told.value)
    assert "lost" in str(told.value)
    assert "m.bpmn:1" in str(told.value)


def test_problems_come_once_and_the_worst_first() -> None:
    path = models() / "order-fulfilment.bpmn"
    options = Options(bind={"X": "gone"})
    found = problems_of(Model(str(path), path.read_bytes(), options))
    assert found[0].code == "no-such-element"
    assert len(set(found)) == len(found)
