"""The exact bytes: what templates may name, and what strangers' values cannot do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.commands.base import NotPossible
from monitor.commands.declared import Item, Mode, Target, Template, When
from monitor.commands.rendering import digest, rendered, values_of
from monitor.domain.event import Key
from monitor.storage.views import EventRow, TraceDetail, TraceRow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "11111111-2222-4333-8444-555555555555"


def an_item(body: Any = None, **changed: Any) -> Item:
    given: dict[str, Any] = {
        "name": "release",
        "title": "Release",
        "flow": "order",
        "when": When(),
        "mode": Mode.MANUAL,
        "target": Target("rabbitmq", "rabbitmq r:5672/", "shop", Template("orders.{{ keys.order }}")),
        "type": "com.shop.Release",
        "source": "/choreoscope",
        "subject": Template("{{ keys.order }}"),
        "headers": {"flow": Template("{{ trace.flow }}")},
        "body": {} if body is None else body,
    }
    return Item(**{**given, **changed})


def values(order: str = "o-1", **more: Any) -> dict[str, Any]:
    return {"keys": {"order": order}, "trace": {"flow": "order"}, "finding": None, "events": {}, **more}


def text(template: str) -> Template:
    return Template(template, "json")


def body_of(body: Any, given: dict[str, Any]) -> Any:
    return json.loads(rendered(an_item(body), given, ID, NOON).body)


def test_attributes_are_headers() -> None:
    message = rendered(an_item({"a": [1, None, True, Template("{{ keys.order }}")]}), values(), ID, NOON)
    assert message.body == b'{"a":[1,null,true,"o-1"]}'
    assert (message.id, message.key, message.place) == (ID, "orders.o-1", "shop")
    assert message.headers == {
        "flow": "order",
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": ID,
        "cloudEvents_source": "/choreoscope",
        "cloudEvents_type": "com.shop.Release",
        "cloudEvents_time": "2026-03-01T12:00:00.000Z",
        "cloudEvents_subject": "o-1",
    }


def test_or_around_the_body() -> None:
    item = an_item(text('{"order": "{{ keys.order }}"}'), structured=True)
    message = rendered(item, values(), ID, NOON)
    assert message.content_type == "application/cloudevents+json"
    assert json.loads(message.body)["data"] == {"order": "o-1"}
    assert message.headers == {"flow": "order"}


def test_kafka_has_its_own_names() -> None:
    item = an_item(target=Target("kafka", "kafka k:9092", "orders", Template("{{ keys.order }}")))
    assert rendered(item, values(), ID, NOON).headers["ce_id"] == ID


@given(st.text())
def test_no_value_can_leave_its_place(value: str) -> None:
    escaped = value.encode("utf-8", "replace").decode()
    template = text('{"order": "{{ keys.order }}", "same": {{ keys.order|tojson }}}')
    told = values("o-1") | {"keys": {"order": value}}
    item = replace(an_item(template), target=Target("kafka", "k", "t", Template("")), subject=None)
    body = json.loads(rendered(item, told, ID, NOON).body)
    assert list(body) == ["order", "same"]
    assert body["order"] == escaped
    whole = replace(item, body={"order": Template("{{ keys.order }}")})
    try:
        made = json.loads(rendered(whole, told, ID, NOON).body)
    except NotPossible:
        assert escaped != value  # half a surrogate pair is nothing JSON can hold
    else:
        assert made == {"order": value}


@pytest.mark.parametrize("value", ["a\r\nx: y", "\x00", "\u0085"])
def test_headers_and_keys_hold_only_what_prints(value: str) -> None:
    with pytest.raises(NotPossible, match="do not print"):
        rendered(an_item(), values(value), ID, NOON)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (text('{"a": {{ nothing }}}'), "nothing"),
        (text("{{ keys.order }}"), "cannot be made"),
        (text('{"a": "{{ 1 / 0 }}"}'), "ZeroDivision"),
        (text("\"{{ 'x' * 999999999 }}\""), "cannot be made"),
        (text("[{% for i in range(90000) %}[{{ i }}],{% endfor %}0]"), "longer than"),
        (text('"{{ keys.__class__.__mro__ }}"'), "cannot be made"),
        ({"a": Template("{{ events.Paid.data.amount }}")}, "Paid"),
    ],
)
def test_what_cannot_be_made_says_why(body: Any, said: str) -> None:
    with pytest.raises(NotPossible, match=said):
        rendered(an_item(body), values(), ID, NOON)


def test_a_key_is_not_longer_than_a_broker_takes() -> None:
    with pytest.raises(NotPossible, match="255 bytes"):
        rendered(an_item(), values("ü" * 128), ID, NOON)


def test_the_digest_names_every_part_of_the_message() -> None:
    message = rendered(an_item(), values(), ID, NOON)
    others = [
        replace(message, id="x"),
        replace(message, broker="x"),
        replace(message, place="x"),
        replace(message, key="x"),
        replace(message, headers={}),
        replace(message, body=b"x"),
        replace(message, content_type="x"),
    ]
    assert len({digest(one) for one in (message, *others)}) == 8
    assert digest(message) == digest(replace(message, headers=dict(reversed(list(message.headers.items())))))


def an_event(label: str, data: str | None) -> EventRow:
    given: dict[str, Any] = dict.fromkeys(EventRow.__dataclass_fields__)
    return EventRow(**{**given, "label": label, "data": data, "attributes": {}})


def test_kept_fields_are_found_by_their_paths() -> None:
    row = TraceRow(7, "order", 2, "o-1", NOON, NOON, 3, True, False, False, 0, 0, 0, None, (), ())
    events = (
        an_event("Paid", '{"data.amount": 1}'),
        an_event("Paid", '{"data.amount": 42, "data.card.kind": "x", "data[0]": 3}'),
        an_event("Placed", '{"data": {"note": "n"}, "data.note": "n"}'),
        an_event("Sent", None),
    )
    keys = (Key("order", "o-1"), Key("order", "o-2"), Key("payment", "p-1"))
    detail = TraceDetail(row, None, keys, events, False, (), (), (), 1, ())
    told = values_of(detail, None, "https://monitor.example.com")
    assert told["keys"] == {"order": "o-1", "payment": "p-1"}
    assert told["trace"]["url"] == "https://monitor.example.com/traces/7"
    item = an_item(
        text(
            "[{{ events.Paid.data.amount }}, {{ events.Paid.data.card.kind|tojson }},"
            " {{ events.Paid['data[0]'] }}, {{ events.Placed.data.note|tojson }}]"
        )
    )
    assert json.loads(rendered(item, told, ID, NOON).body) == [42, "x", 3, "n"]
