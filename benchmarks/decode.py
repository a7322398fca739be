"""Time of decoding and mapping one event, against the official CloudEvents SDK.

Run: python -m benchmarks decode    (all figures from one run on one machine; ratios are what counts)
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from datetime import UTC, datetime

from cloudevents.core.bindings import http, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from monitor.decode import Decoder
from monitor.domain.event import Delivery, Event, Position
from monitor.mapping import FlowLabels, Mapping, Rule

NOW = datetime(2024, 5, 1, tzinfo=UTC)
CALLS = 5_000
ROUNDS = 7

EVENT = CloudEvent(
    {
        "specversion": "1.0",
        "id": "3f1c9a52-7a3b-4a55-9d7e-0a1b2c3d4e5f",
        "source": "/shop/orders",
        "type": "com.shop.OrderPlaced",
        "subject": "o-1001",
        "time": datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC),
        "datacontenttype": "application/json",
        "correlationid": "c-1",
    },
    {
        "orderId": "o-1001",
        "customer": {"id": 7, "name": "Ada Lovelace"},
        "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
        "total": 99.5,
    },
)
FLOW = FlowLabels("order", {"OrderPlaced", "PaymentReceived", "GoodsShipped"}, key="order")
RULE = Rule.of(
    {
        "match": {"source": "shop", "type": "com.shop.*"},
        "as": "OrderPlaced",
        "keys": {"order": "data.orderId"},
    }
)


def microseconds(call: Callable[[], object]) -> float:
    """The best of several rounds: the others were disturbed."""
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def main() -> None:
    form = JSONFormat()
    decoder = Decoder()
    position = Position("orders", 0, 1)
    written = http.to_structured(EVENT, form)
    structured = Delivery("shop", written.body, position, NOW, content_type=written.headers["content-type"])
    message = kafka.to_binary(EVENT, form)
    binary = Delivery("shop", message.value, position, NOW, headers=message.headers)
    flat = json.dumps(
        {"case": "o-1001", "type": "OrderPlaced", "time": "2024-05-01T12:00:00Z", "total": 99.5}
    )
    plain = Delivery("shop", flat.encode(), position, NOW, content_type="application/json")
    (event,) = decoder.decode(structured)
    assert isinstance(event, Event)
    by_convention, by_rule = Mapping([], [FLOW]), Mapping([RULE], [FLOW])

    pairs = [
        ("structured", lambda: decoder.decode(structured), lambda: http.from_structured(written, form)),
        ("binary, Kafka", lambda: decoder.decode(binary), lambda: kafka.from_binary(message, form)),
    ]
    for name, ours, theirs in pairs:
        mine, sdk = microseconds(ours), microseconds(theirs)
        print(f"{name:24} {mine:6.2f} us   SDK {sdk:6.2f} us   {sdk / mine:4.1f} times as fast")
    for name, call in [
        ("plain JSON", lambda: decoder.decode(plain)),
        ("mapping by convention", lambda: by_convention.observe(event)),
        ("mapping by a rule", lambda: by_rule.observe(event)),
    ]:
        print(f"{name:24} {microseconds(call):6.2f} us")


if __name__ == "__main__":
    main()
