"""CloudEvents in structured, batch and binary mode, on every protocol."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.decode import Decoder, DecodeSettings
from monitor.domain.event import Delivery, Event, InboxReason, Misfit, Position, TimeOrigin

RECEIVED = datetime(2024, 5, 1, 12, 0, 5, tzinfo=UTC)
STAMPED = datetime(2024, 5, 1, 12, 0, 1, tzinfo=UTC)
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def delivery(body: bytes | str | object, content_type: str | None = None, **more: Any) -> Delivery:
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    more.setdefault("position", Position("orders", 0, 5))
    return Delivery("shop", body, received=RECEIVED, content_type=content_type, **more)


def one(given: Delivery) -> Event:
    (event,) = Decoder().decode(given)
    assert isinstance(event, Event), event
    return event


def refused(given: Delivery) -> Misfit:
    (misfit,) = Decoder().decode(given)
    assert isinstance(misfit, Misfit), misfit
    assert misfit.delivery is given
    assert misfit.event is None
    return misfit


def cloudevent(**attributes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/shop",
        "type": "com.shop.OrderPlaced",
        **attributes,
    }


def test_structured() -> None:
    given = delivery(
        cloudevent(
            subject="o-1",
            time="2024-05-01T14:00:00.5+02:00",
            datacontenttype="application/json",
            data={"orderId": "o-1"},
            correlationid="c-1",
            sequence="42",
        ),
        STRUCTURED + "; charset=UTF-8",
    )
    event = one(given)
    assert (event.type, event.id, event.producer, event.subject) == (
        "com.shop.OrderPlaced",
        "e-1",
        "/shop",
        "o-1",
    )
    assert event.time == datetime(2024, 5, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    assert event.time.tzinfo is UTC
    assert event.time_origin is TimeOrigin.PRODUCER
    assert event.data == {"orderId": "o-1"}
    assert event.attributes == {
        "datacontenttype": "application/json",
        "correlationid": "c-1",
        "sequence": "42",
    }
    assert event.delivery is given


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain", "application/octet-stream"])
def test_structured_is_recognised_without_its_content_type(content_type: str | None) -> None:
    assert one(delivery(cloudevent(data=1), content_type)).data == 1


def test_extensions_become_text_and_null_is_absence() -> None:
    event = one(delivery(cloudevent(flag=True, number=7, none=None, odd={"a": [1]}, subject=12)))
    assert event.attributes == {"flag": "true", "number": "7", "odd": '{"a":[1]}'}
    assert event.subject == "12"


def test_time_falls_back_to_the_broker_and_then_to_us() -> None:
    stamped = one(delivery(cloudevent(), timestamp=STAMPED))
    assert (stamped.time, stamped.time_origin) == (STAMPED, TimeOrigin.BROKER)
    unset = one(delivery(cloudevent(), timestamp=datetime.min.replace(tzinfo=UTC)))
    assert (unset.time, unset.time_origin) == (RECEIVED, TimeOrigin.RECEIVED)
    bare = one(delivery(cloudevent(time=None)))
    assert (bare.time, bare.time_origin) == (RECEIVED, TimeOrigin.RECEIVED)


@pytest.mark.parametrize(
    "time", ["yesterday", "", 1714564800, True, {}, "2024-13-01T00:00:00Z", "0001-01-01T00:00:00Z"]
)
def test_an_invalid_time_is_undecodable(time: object) -> None:
    misfit = refused(delivery(cloudevent(time=time)))
    assert misfit.reason is InboxReason.UNDECODABLE
    assert "time" in misfit.detail
    assert misfit.type == "com.shop.OrderPlaced"


@pytest.mark.parametrize("missing", ["id", "source", "type"])
@pytest.mark.parametrize("value", [None, ""])
def test_required_attributes(missing: str, value: str | None) -> None:
    misfit = refused(delivery(cloudevent(**{missing: value})))
    assert f"no {missing}" in misfit.detail


def test_all_missing_attributes_are_named_at_once() -> None:
    assert "no id and no source and no type" in refused(delivery({"specversion": "1.0"})).detail


@pytest.mark.parametrize("name", ["source", "type"])
def test_attributes_of_the_wrong_kind(name: str) -> None:
    assert f"{name} is no text" in refused(delivery(cloudevent(**{name: [1]}))).detail


def test_a_number_as_id_is_taken_for_its_text() -> None:
    assert one(delivery(cloudevent(id=7))).id == "7"


@pytest.mark.parametrize("version", ["0.3", "2.0", 1.0, None])
def test_other_versions_are_refused(version: object) -> None:
    assert "specversion" in refused(delivery(cloudevent(specversion=version))).detail


def test_structured_content_type_without_specversion() -> None:
    assert "no specversion" in refused(delivery({"type": "X"}, STRUCTURED)).detail


def test_data_base64() -> None:
    encoded = base64.b64encode(b'{"a":1}').decode()
    assert one(delivery(cloudevent(data_base64=encoded))).data == {"a": 1}
    assert one(delivery(cloudevent(data_base64=encoded, datacontenttype="text/xml"))).data == '{"a":1}'
    avro = one(delivery(cloudevent(data_base64=encoded, datacontenttype="avro/binary")))
    assert avro.data == encoded
    assert one(delivery(cloudevent(data_base64=None, data=5))).data == 5
    for wrong in ("###", 5, "a"):
        assert "data_base64" in refused(delivery(cloudevent(data_base64=wrong))).detail


def test_data_that_is_not_json_stays_as_it_is() -> None:
    event = one(delivery(cloudevent(datacontenttype="application/xml", data="<order/>")))
    assert event.data == "<order/>"


@pytest.mark.parametrize(
    "content_type",
    ["application/cloudevents+avro", "application/cloudevents+protobuf", "application/cloudevents+xml"],
)
def test_other_cloudevents_formats_are_refused_with_what_is_supported(content_type: str) -> None:
    misfit = refused(delivery(b"\x00\x01", content_type))
    assert content_type in misfit.detail
    assert "JSON" in misfit.mend


# batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [BATCH, "application/json", None])
def test_batch(content_type: str | None) -> None:
    given = delivery([cloudevent(id="a"), cloudevent(id="b")], content_type)
    events = Decoder().decode(given)
    assert [(event.id, event.index) for event in events if isinstance(event, Event)] == [("a", 0), ("b", 1)]
    assert len({event.identity for event in events if isinstance(event, Event)}) == 2


def test_members_without_producer_id_differ_by_their_place() -> None:
    events = Decoder().decode(delivery([{"type": "A"}, {"type": "A"}]))
    assert len({event.identity for event in events if isinstance(event, Event)}) == 2


def test_bad_members_are_told_of_in_one_misfit_beside_the_good_events() -> None:
    given = delivery([cloudevent(id="a"), 7, cloudevent(id="c"), cloudevent(type="")], BATCH)
    *events, misfit = Decoder().decode(given)
    assert [event.id for event in events if isinstance(event, Event)] == ["a", "c"]
    assert isinstance(misfit, Misfit)
    assert misfit.delivery is given
    assert "member 2 of 4: it is a number" in misfit.detail
    assert "member 4 of 4: the CloudEvent has no type" in misfit.detail


def test_a_batch_of_rubbish_is_one_short_misfit() -> None:
    (misfit,) = Decoder().decode(delivery([1] * 10_000, BATCH))
    assert isinstance(misfit, Misfit)
    assert "and 9995 more" in misfit.detail
    assert len(misfit.detail) < 1000


def test_an_empty_batch_holds_nothing() -> None:
    assert list(Decoder().decode(delivery([], BATCH))) == []
    assert "empty list" in refused(delivery([], "application/json")).detail


def test_one_event_is_no_batch_and_a_batch_no_event() -> None:
    assert "not a list of CloudEvents" in refused(delivery(cloudevent(), BATCH)).detail
    assert "not an object" in refused(delivery([cloudevent()], STRUCTURED)).detail


# binary mode ------------------------------------------------------------------------------------------

ATTRIBUTES = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "OrderPlaced",
    "subject": "o-1",
    "time": "2024-05-01T12:00:00Z",
    "correlationid": "c-1",
}


@pytest.mark.parametrize("prefix", ["ce_", "cloudEvents:", "cloudEvents_", "ce-", "CE-", "Ce-"])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_binary(prefix: str, as_bytes: bool) -> None:
    headers = {prefix + name: value.encode() if as_bytes else value for name, value in ATTRIBUTES.items()} | {
        "other": "x"
    }
    event = one(delivery(b'{"orderId":"o-1"}', "application/json", headers=headers))
    assert (event.type, event.id, event.producer, event.subject) == ("OrderPlaced", "e-1", "/shop", "o-1")
    assert event.time == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert event.data == {"orderId": "o-1"}
    assert event.attributes == {"correlationid": "c-1", "datacontenttype": "application/json"}


def kafka(body: bytes, content_type: str | None, **attributes: Any) -> Delivery:
    return delivery(
        body, content_type, headers={f"ce_{name}": value for name, value in (ATTRIBUTES | attributes).items()}
    )


def http(**attributes: str) -> Delivery:
    headers = {f"ce-{name}": value for name, value in (ATTRIBUTES | attributes).items()}
    return delivery(b"", headers=headers, position=Position("/api/v1/events", receipt="r1"))


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        (b"", "application/json", None),
        (b"[1]", "application/vnd.shop+json", [1]),
        (b"[1]", None, [1]),
        (b"plain", None, "plain"),
        (b"<a/>", "application/xml", "<a/>"),
        ("käse".encode("latin1"), "text/plain; charset=ISO-8859-1", "käse"),
        (b"\xff\xfe\xfd", "text/plain", "//79"),
        (b"\x00\x01", "application/avro", "AAE="),
        (b"\x00\x01", "application/x-unheard-of", "AAE="),
    ],
)
def test_binary_data_of_any_type(body: bytes, content_type: str | None, data: object) -> None:
    assert one(kafka(body, content_type)).data == data


def test_binary_data_that_is_not_the_json_it_claims_to_be() -> None:
    assert "no JSON" in refused(kafka(b"{", "application/json")).detail


def test_binary_content_type_may_be_a_header() -> None:
    given = delivery(
        b"<a/>",
        headers={f"ce_{name}": value for name, value in ATTRIBUTES.items()} | {"Content-Type": "text/xml"},
    )
    assert one(given).attributes["datacontenttype"] == "text/xml"


def test_amqp_native_types() -> None:
    event = one(kafka(b"", None, time=1714564800123, flag=True, sequence=7))
    assert event.time == datetime(2024, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    assert (event.attributes["flag"], event.attributes["sequence"]) == ("true", "7")
    assert one(kafka(b"", None, time=STAMPED)).time == STAMPED


def test_http_values_are_percent_decoded_once_and_unquoted() -> None:
    assert one(http(subject="Euro%20%E2%82%AC%20%F0%9F%98%80")).subject == "Euro € 😀"
    assert one(http(subject="100%2525")).subject == "100%25"
    assert one(http(subject=r'"a \"quoted\" \\ text"')).subject == r'a "quoted" \ text'
    assert "percent-encoded" in refused(http(subject="%FF")).detail


def test_values_on_a_broker_are_not_percent_decoded() -> None:
    headers = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"ce-subject": "50%25"}
    queue = Position("q", exchange="shop", routing_key="a", receipt="r")
    assert one(delivery(b"", headers=headers, position=queue)).subject == "50%25"


def test_headers_that_only_look_alike_are_not_binary_mode() -> None:
    event = one(delivery({"type": "A"}, headers={"ce_id": "1", "ce_x": b"\xff", "cert": "x", "ce": b"\xff"}))
    assert event.type == "A"


def test_binary_headers_that_are_not_text() -> None:
    assert "ce_subject is not UTF-8" in refused(kafka(b"", None, subject=b"\xff")).detail


def test_structured_wins_over_headers() -> None:
    headers = {f"ce_{name}": value for name, value in ATTRIBUTES.items()}
    assert one(delivery(cloudevent(id="inside"), STRUCTURED, headers=headers)).id == "inside"


# what no database takes -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["type", "id", "source", "subject", "correlationid"])
def test_nul_in_an_attribute(name: str) -> None:
    misfit = refused(delivery(cloudevent(**{name: "a\0b"})))
    assert f"{name} holds a NUL" in misfit.detail
    assert "\0" not in misfit.detail + (misfit.type or "")


def test_nul_in_an_attribute_name_and_in_a_header() -> None:
    misfit = refused(delivery(cloudevent(**{"a\0": "x"})))
    assert "\0" not in misfit.detail
    assert "NUL" in refused(kafka(b"", None, subject="a\0")).detail


def test_nul_in_a_body_of_another_encoding() -> None:
    body = json.dumps(cloudevent(**{"a\0": "x"})).encode("utf-16")
    assert "NUL" in refused(delivery(body)).detail


def test_nul_in_data_is_the_datas_own_business() -> None:
    assert one(delivery(cloudevent(data={"a": "\0"}))).data == {"a": "\0"}


def test_lone_surrogates() -> None:
    assert "surrogate" in refused(delivery(b'{"specversion":"1.0","id":"\\ud800"}', STRUCTURED)).detail
    assert "surrogate pair" in refused(kafka(b"", None, subject="\ud800")).detail


def test_overlong_attributes() -> None:
    assert one(delivery(cloudevent(id="x" * 512))).id == "x" * 512
    assert "id is longer than 512 bytes" in refused(delivery(cloudevent(id="x" * 513))).detail
    assert "source is longer" in refused(delivery(cloudevent(source="ä" * 257))).detail
    assert "subject is longer than 1024" in refused(delivery(cloudevent(subject="x" * 1025))).detail
    misfit = refused(delivery(cloudevent(type="x" * 100_000)))
    assert len(misfit.detail) + len(misfit.type or "") < 2000


def test_data_is_not_limited_but_by_the_body() -> None:
    assert one(delivery(cloudevent(data="x" * 500_000))).data == "x" * 500_000
    settings = DecodeSettings(max_bytes=1000)
    given = delivery(cloudevent(data="x" * 1000))
    (misfit,) = Decoder(settings).decode(given)
    assert isinstance(misfit, Misfit)
    assert misfit.reason is InboxReason.OVERSIZED
    assert misfit.delivery.body == given.body
