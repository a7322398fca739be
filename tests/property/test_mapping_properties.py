"""Mapping: total, the same with and without its memory, and indifferent to spelling by convention."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.event import Delivery, Event, Misfit, Position, TimeOrigin
from monitor.mapping import FlowLabels, Mapping, Rule
from monitor.mapping.naming import Naming
from monitor.mapping.rules import RuleBook
from tests.support.effort import examples

NOW = datetime(2024, 5, 1, tzinfo=UTC)
FLOWS = (
    FlowLabels(
        "a", {"Order placed", "PaymentReceived", "X"}, {"T1": ("X",)}, key="order", attributes=("data.due",)
    ),
    FlowLabels("b", {"PaymentReceived", "payment_received"}, starts={"PaymentReceived": "X"}),
)

WORDS = st.sampled_from(
    ["OrderPlaced", "payment_received", "PaymentReceived", "X", "T1", "com.shop", "v1", ""]
)
TYPES = st.lists(WORDS, min_size=1, max_size=3).map(".".join).filter(bool) | st.text(min_size=1, max_size=8)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "due", "k"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["correlationid", "case", "sequence", "causationid", "lifecycle:transition"]),
    st.text(max_size=6) | st.sampled_from(["start", "complete", "12", "\ud800"]),
    max_size=3,
)
EVENTS = st.builds(
    lambda type_, source, routing_key, subject, data, attributes: Event(
        type_, NOW, TimeOrigin.PRODUCER, b"i" * 16,
        Delivery(source, b"", Position("q", None, None, "e", routing_key), NOW, headers={"h": b"\xff"}),
        "e-1", "/p", subject, data, attributes,
    ),
    TYPES, st.sampled_from(["s1", "s2"]), st.sampled_from(["a.b", "a", ""]), st.none() | st.text(max_size=5),
    DATA, ATTRIBUTES,
)  # fmt: skip

EXPRESSIONS = st.sampled_from(
    ["data.id", "data", "subject", "headers.h", "length(data)", "data.k[0]", "sum(data.*)"]
)
RULES = st.fixed_dictionaries(
    {
        "match": st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["*", "com.*", "X"]),
                "source": st.sampled_from(["s1", "s*"]),
                "routing_key": st.sampled_from(["a.#", "*", "a*"]),
                "data": st.dictionaries(
                    st.sampled_from(["id", "data.k", "keys(@)"]), st.sampled_from([1, "*", None]), max_size=1
                ),
            },
        )
    },
    optional={
        "as": st.sampled_from(["X", "Order placed", "nowhere", "=data.id", "=data"]),
        "model": st.sampled_from(["a", "b", ["a", "b"]]),
        "keys": st.dictionaries(st.sampled_from(["order", "other"]), EXPRESSIONS, max_size=2),
        "attributes": st.dictionaries(st.sampled_from(["n"]), EXPRESSIONS, max_size=1),
        "keep": st.lists(EXPRESSIONS, max_size=2),
        "ignore": st.booleans(),
    },
)  # fmt: skip


@examples(120)
@given(st.lists(RULES, max_size=4), st.lists(EVENTS, min_size=1, max_size=5), st.booleans())
def test_mapping_never_raises_and_its_memory_never_shows(
    rules: list[dict[str, Any]], events: list[Event], strict: bool
) -> None:
    flows = FLOWS[:1] if strict else FLOWS

    def fresh() -> Mapping:
        return Mapping(map(Rule.of, rules), flows, strict_unknown=strict)

    remembering = fresh()
    for event in events + events:
        found = remembering.observe(event)
        assert found == fresh().observe(event)
        assert remembering.kept(event) == fresh().kept(event)
        kept = remembering.kept(event)
        assert kept is None or isinstance(json.loads(kept), dict)
        if isinstance(found, Misfit):
            assert found.detail
            assert found.mend
            assert "\ud800" not in found.detail + found.mend
            continue
        assert len({observation.flow for observation in found}) == len(found)
        for observation in found:
            assert observation.keys
            assert hash(observation)
            for key in observation.keys:
                assert key.value == key.value.strip()
                assert 0 < len(key.value.encode()) <= 2048
                assert "\0" not in key.value


CAMEL = st.lists(
    st.sampled_from(["Order", "Placed", "Payment", "Refund", "Check", "Goods"]), min_size=2, max_size=4
)


@given(
    CAMEL,
    st.sampled_from(["", "com.shop.", "urn:x:", "https://h/e/"]),
    st.sampled_from(["", "Event", "_event", ".event"]),
    st.sampled_from(["", ".v1", "V2", "_v3"]),
    st.sampled_from(["", "_", "-", " "]),
    st.booleans(),
)
def test_every_spelling_of_a_label_means_it(
    words: list[str], prefix: str, ending: str, version: str, joint: str, lower: bool
) -> None:
    label = " ".join(words)
    decoy = " ".join([*words, "Twice"])
    if lower and ending == "Event":
        ending = "_event"  # all in lower case, an ending needs something before it to be seen
    if version == "V2" and ending.endswith("event") and lower:
        version = ".v2"
    spelt = joint.join(words)
    spelt = prefix + (spelt.lower() if lower and joint else spelt) + ending + version
    assert Naming([label, decoy], {}).resolve(spelt) == (label,)


TOPIC_WORDS = st.lists(st.sampled_from(["a", "b", ""]), max_size=5)


@given(st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=5), TOPIC_WORDS)
def test_routing_keys_match_as_amqp_has_it(pattern: list[str], words: list[str]) -> None:
    routing_key = ".".join(words)
    # each word of the pattern takes its words with the dot after them
    taken = {"*": r"[^.]*\.", "#": r"(?:[^.]*\.)*"}
    regex = "".join(taken.get(word, re.escape(word) + r"\.") for word in pattern)
    expected = re.fullmatch(regex, routing_key + ".") is not None
    book = RuleBook([Rule.of({"match": {"routing_key": ".".join(pattern)}})])
    event = Event(
        "T", NOW, TimeOrigin.RECEIVED, b"", Delivery("s", b"", Position("q", routing_key=routing_key), NOW)
    )
    assert bool(book.matching(event)) is expected
