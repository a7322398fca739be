"""What comes nearest, where the key may be, and a rule that is valid and does place the message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode import Decoder
from monitor.domain.event import Delivery, InboxReason, Position
from monitor.mapping import FlowLabels, Mapping, Rule
from monitor.mending.advice import Advice, advise, scalar
from monitor.mending.groups import by_detail, normalised
from monitor.mending.outlook import Outlook, outlook
from monitor.mending.paths import likely, shape, spots
from monitor.mending.rules import tried
from monitor.resources import models
from monitor.settings import InvalidConfig, Settings, read_rules
from monitor.settings.yamlfile import read_yaml
from monitor.storage.base import Kept
from monitor.storage.mending import Link

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = FlowLabels("order", frozenset({"Order placed", "PaymentReceived", "GoodsShipped"}), key="order")
RETURNS = FlowLabels(
    "returns", frozenset({"Parcel returned", "Parcel.Returned", "RefundPaid"}), key="returnNo"
)
DECODER = Decoder()
MODEL = models() / "order-fulfilment.bpmn"
SETTINGS = Settings.model_validate(
    {
        "sources": [{"name": "web", "kind": "http"}],
        "models": [{"file": MODEL, "key": "order"}, {"file": MODEL, "key": "returns"}],
    }
)


def kept(body: object, **rest: Any) -> Kept:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    delivery = Delivery("web", raw, Position("q", receipt="1"), NOON, kept=5, **rest)
    return Kept(delivery, InboxReason.UNMAPPED, None, "", None)


def event(type_: str, data: object = None, **rest: Any) -> Kept:
    return kept({"specversion": "1.0", "id": "1", "source": "/s", "type": type_, "data": data, **rest})


def look(one: Kept, *rules: Rule, flows: Sequence[FlowLabels] = (ORDER, RETURNS)) -> Outlook:
    return outlook(DECODER, Mapping(rules, flows), one)


def told(one: Kept, *rules: Rule, known: Sequence[Link] = (), **examples: Sequence[str]) -> Advice:
    some = {("order", "order"): examples.get("order", ())}
    return advise(one, look(one, *rules), (ORDER, RETURNS), rules, known, some)


def placed(one: Kept, advice: Advice, *rules: Rule) -> Outlook:
    assert advice.rule is not None
    return look(one, *tried(advice.rule, SETTINGS), *rules)


def test_unmapped_type_has_the_nearest_labels_and_a_rule_that_places_it() -> None:
    one = event("com.shop.v2.PaymentWasReceived", {"orderId": "o-1", "amount": 3})
    advice = told(one)
    assert (advice.candidates[0].flow, advice.candidates[0].label) == ("order", "PaymentReceived")
    assert advice.candidates[0].likeness > 0.8
    assert [seen.label for seen in placed(one, advice).observations] == ["PaymentReceived"]
    assert placed(one, advice).observations[0].keys == (("order", "o-1"),)


def test_a_key_that_is_known_comes_first() -> None:
    one = event("PaymentCame", {"orderId": "not it", "ref": {"number": "o-1"}})
    advice = told(one, known=[Link("order", "order", "o-1"), Link("returns", "returnNo", "not it")])
    assert advice.paths[0].spot.path == "data.ref.number"
    assert "known" in advice.paths[0].why
    assert placed(one, advice).observations[0].keys == (("order", "o-1"),)


def test_a_key_that_looks_like_others_comes_before_one_named_like_an_identifier() -> None:
    found = spots_of({"customerId": "8812", "what": "AB-1234"})
    assert [one.spot.path for one in likely(found, "order", (), ["XY-1"])] == ["data.what", "data.customerId"]


def test_subject_that_is_found_by_convention_needs_no_key() -> None:
    one = event("PaymentCame", {"customer": "x"}, subject="o-1")
    advice = told(one)
    assert advice.rule is not None
    assert "keys" not in advice.rule
    assert placed(one, advice).observations[0].keys == (("order", "o-1"),)


def test_a_type_that_is_like_nothing_is_to_be_ignored() -> None:
    one = event("zzz.qqq", {"orderId": "o-1"})
    advice = told(one)
    assert advice.candidates == ()
    assert placed(one, advice).is_ignored


def test_what_the_configured_rule_says_stays_in_the_new_one() -> None:
    said = {"keys": {"order": "data.no"}, "keep": ["data.a"], "attributes": {"b": "data.b"}}
    base = Rule.of({"match": {"type": "com.shop.*"}, **said})
    one = event("com.shop.PaymentCameIn", {"no": 7, "a": 1})
    advice = told(one, base)
    assert advice.rule is not None
    (rule,) = tried(advice.rule, SETTINGS)
    assert (rule.keys, rule.keep, rule.attributes) == ({"order": "data.no"}, ("data.a",), {"b": "data.b"})
    assert placed(one, advice, base).observations[0].keys == (("order", "7"),)


def test_ambiguous_type_has_its_candidates_and_a_rule_for_that_flow() -> None:
    one = event("parcel-returned", None, subject="r-1")
    assert look(one).reason is InboxReason.AMBIGUOUS
    advice = told(one)
    assert {candidate.label for candidate in advice.candidates} == {"Parcel returned", "Parcel.Returned"}
    assert [seen.flow for seen in placed(one, advice).observations] == ["returns"]


def test_missing_key_has_its_paths_and_keeps_the_label() -> None:
    base = Rule.of({"match": {"type": "paid"}, "as": "PaymentReceived", "keys": {"order": "data.nothing"}})
    one = event("paid", {"order": {"id": "o-1"}, "lines": [{"sku": "x"}]})
    assert look(one, base).reason is InboxReason.NO_KEY
    advice = told(one, base)
    assert advice.paths[0].spot.path == "data.order.id"
    (seen,) = placed(one, advice, base).observations
    assert (seen.label, seen.keys) == ("PaymentReceived", (("order", "o-1"),))


def test_missing_key_with_nothing_like_one_says_so() -> None:
    one = event("PaymentReceived", {"amount": 3.5, "paid": True, "note": None})
    advice = told(one)
    assert advice.rule is None
    assert "Nothing in it looks like a key" in advice.note


def test_what_cannot_be_read_gets_no_rule() -> None:
    assert told(kept(b"\xff\x00")).rule is None
    assert "envelope" in (told(kept({"what": 1})).setting or "")


def test_too_large_gets_a_limit_that_is_enough() -> None:
    from monitor.decode import DecodeSettings

    one = kept(b'"' + b"x" * 5000 + b'"')
    seen = outlook(Decoder(DecodeSettings(max_bytes=1024)), Mapping((), (ORDER,)), one)
    assert advise(one, seen, (ORDER,), ()).setting == "decode:\n  max_bytes: 8192\n"


def test_what_could_be_placed_by_now_says_so() -> None:
    advice = told(event("PaymentReceived", {}, subject="o-1"))
    assert advice.reason is None
    assert "would be placed" in advice.detail


def spots_of(data: object) -> Any:
    (decoded,) = DECODER.decode(event("X", data).delivery)
    return spots(decoded)  # type: ignore[arg-type]


def test_spots_are_bounded_and_expressions_find_what_they_say() -> None:
    from monitor.expressions import over_event

    wide = {f"a{number}": number for number in range(1000)}
    deep: Any = "x"
    for _ in range(50):
        deep = {"d": deep}
    odd = {'quote"d': 1, "with-dash": 2, "with space": "v", "": 3, "dotted.name": 4, "nul\0": 5}
    assert len(spots_of(wide)) == 300
    assert all("d.d.d.d.d.d.d" not in spot.path for spot in spots_of(deep))
    (decoded,) = DECODER.decode(event("X", {**odd, "list": [{"id": 7}]}, subject="s").delivery)
    found = spots(decoded)  # type: ignore[arg-type]
    assert {"subject", 'data."with space"', "data.list[0].id"} <= {spot.path for spot in found}
    for spot in found:
        assert str(over_event(spot.path)(decoded)) == spot.value, spot  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ("o-17", "o-9"),
        ("270120-00600", "1-2"),
        ("12345", "99999"),
        (NOON.isoformat(), "2025-01-01T00:00:00+00:00"),
    ],
)
def test_shapes(value: str, same: str) -> None:
    assert shape(value) == shape(same)
    assert shape(value) != shape("x y z")


@given(st.text(max_size=300))
def test_every_text_is_a_scalar_that_reads_as_itself(text: str) -> None:
    read = read_yaml(f"- match: {{type: {scalar(text)}}}\n  as: {scalar(text)}\n")
    assert not read.faults
    assert read.value == [{"match": {"type": text}, "as": text}]
    assert all(char.isprintable() for char in scalar(text))


@given(st.text(min_size=1, max_size=400), st.dictionaries(st.text(max_size=20), st.text(max_size=20)))
def test_whatever_is_advised_is_valid_and_never_raises(type_: str, data: dict[str, str]) -> None:
    one = event(type_, data)
    advice = told(one)
    if advice.rule is not None:
        assert placed(one, advice).reason is not InboxReason.UNMAPPED


# rules that are tried -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- match: {type: x}\n  kyes: {order: data.x}", 2, "did you mean 'keys'"),
        ("- match: {type: x}\n  keys:\n    order: 'data.['", 3, "no valid JMESPath"),
        ("- match: {type: x}\n  as: '='", 2, "empty"),
        ("match:\n  data: {'[': 1}", 2, "must be text"),
        ("match:\n  data: {'[': a}", 2, "no valid JMESPath"),
        ("- match: {source: wbe}\n  as: x", 1, "there is no source 'wbe'"),
        ("- match: {type: x}\n  model: nothing", 2, "there is no model 'nothing'"),
        ("", 1, "must hold a rule"),
        ("events: []", 1, "must hold a rule"),
        ("- - - x", 1, "must hold keys"),
        ("a: b: c", 1, "not valid YAML"),
        ("!!python/object/apply:os.system ['id']", 1, "not allowed"),
        ("[" * 5000, 1, "nested"),
        ("x" * 10_001, 1, "can be tried"),
        ("\x00", 1, "not valid YAML"),
        ("- match: {type: x}\n  keys: {order: 'join(to_string(@), data.items)'}", 1, "too much work"),
        ("- match: {type: x}\n  as: '=" + "|".join(["[@,@][]"] * 9) + "'", 1, "too much work"),
        ("- match: {type: x}\n  as: '=[" + ",".join(["@"] * 65) + "]'", 1, "too much work"),
    ],
)
def test_wrong_rules_are_told_with_their_place(text: str, line: int, said: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        tried(text, SETTINGS)
    assert any(one.line == line and said in one.message for one in caught.value.problems), (
        caught.value.problems
    )


def test_aliases_cannot_blow_up() -> None:
    steps = zip("abcdefgh", "bcdefghi", strict=True)
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{name}: &{name} [{','.join(['*' + before] * 9)}]" for before, name in steps]
    with pytest.raises(InvalidConfig) as caught:
        tried("\n".join(lines), SETTINGS)
    assert any("too large" in one.message for one in caught.value.problems)


@pytest.mark.parametrize(
    "text",
    [
        "match: {type: x}\nas: Paid",
        "- match: {type: x}\r\n  as: Paid\r\n",
        "events:\n  - {match: {type: x, source: web}, as: Paid}",
        "- {match: {type: x}, as: Paid, keys: {a: \"join('-', [data.x, data.y])\"}}",
    ],
)
def test_rules_as_people_type_them(text: str) -> None:
    (rule,) = tried(text, SETTINGS)
    assert (rule.match.type, rule.label) == (("x",), "Paid")


def test_the_environment_does_not_show() -> None:
    (rule,) = read_rules("- {match: {type: x}, as: '${HOME}'}", SETTINGS)
    assert rule.label == "${HOME}"


# groups ---------------------------------------------------------------------------------------------------


def test_details_are_divided_by_what_they_have_in_common() -> None:
    found = by_detail(
        [
            (9, "the body is no JSON: line 1 column 137 (char 136)"),
            (8, "no key 'a'"),
            (7, "the body is no JSON: line 1 column 14 (char 13)"),
        ]
    )
    assert [(one.messages, one.newest) for one in found] == [(2, 9), (1, 8)]
    assert found[0].detail == "the body is no JSON: line … column … (char …)"
    assert normalised("id 43b08766-3463-4343-ad55-89354e9e80ef") == "id …"
