"""Records of log files, as the file source hands them over, become events with a case."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.decode import Decoder
from monitor.domain.event import Delivery, Event, Misfit, Position
from monitor.mapping import FlowLabels, Mapping
from monitor.sources.logs import records

NOW = datetime(2024, 6, 1, tzinfo=UTC)
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)

XES = """<?xml version="1.0"?><log xes.version="1.0"><trace><string key="concept:name" value="o-1"/><event>
<string key="concept:name" value="Order placed"/>
<date key="time:timestamp" value="2024-05-01T14:00:00.000+02:00"/>
<string key="lifecycle:transition" value="%s"/></event></trace></log>"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"case":"o-1","type":"OrderPlaced","time":"2024-05-01T12:00:00Z"}\n'),
        ("b.jsonl", '{"trace":"o-1","activity":"OrderPlaced","time":"2024-05-01T12:00:00+00:00"}\n'),
        ("c.csv", "Case ID,Activity,Complete Timestamp\no-1,Order placed,2024/05/01 12:00:00.000\n"),
        ("d.csv", "case:concept:name;concept:name;time:timestamp\no-1;Order placed;2024-05-01 12:00:00\n"),
        ("e.csv", "case_id,activity,timestamp,resource\no-1,order_placed,2024-05-01T12:00:00Z,\n"),
        ("f.xes", XES % "complete"),
    ],
)
def test_records(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    mapping = Mapping([], [FlowLabels("order", {"Order placed"}, key="order")])
    for record in records(path):
        assert record is not None
        position = Position(name, None, record.number)
        (event,) = Decoder().decode(
            Delivery("log", record.body, position, NOW, content_type=record.content_type)
        )
        assert isinstance(event, Event), event
        assert event.time == NOON
        found = mapping.observe(event)
        assert not isinstance(found, Misfit), found
        (seen,) = found
        assert (seen.label, [tuple(key) for key in seen.keys]) == ("Order placed", [("order", "o-1")])
        assert (seen.lane, seen.offset) == (None, None)


def test_the_start_of_an_activity_is_not_its_completion(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES % "start")
    (record,) = records(path)
    assert record is not None
    (event,) = Decoder().decode(
        Delivery("log", record.body, Position("log"), NOW, content_type=record.content_type)
    )
    assert isinstance(event, Event)
    assert Mapping([], [FlowLabels("order", {"Order placed"})]).observe(event) == []


def test_a_row_that_does_not_fit_is_told_as_such() -> None:
    (misfit,) = Decoder().decode(
        Delivery("log", b"a,b", Position("log", None, 1), NOW, content_type="text/csv")
    )
    assert isinstance(misfit, Misfit)
    assert "does not fit the header" in misfit.detail
