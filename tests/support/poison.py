"""Messages nobody should send, and everybody does at last: seeded, each of its own content."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

MEGABYTE = 1 << 20
BATCH = "#batch"
"""In the ids of good events that come beside others that are none."""

TYPES: tuple[str | None, ...] = (
    None,
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/cloudevents+avro",
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=no-such-charset",
    "application/x-protobuf",
    "text/plain",
    "text/xml; charset=latin1",
    "image/png",
    "\u202e/;;=\x00",
    "x" * 200,
)
ENCODINGS: tuple[str | None, ...] = (
    None,
    None,
    None,
    "gzip",
    "deflate",
    "br",
    "gzip, gzip",
    "\x00",
    "identity",
)
HEADERS: tuple[dict[str, Any], ...] = (
    {},
    {"": ""},
    {"ce-specversion": "1.0", "ce-id": "", "ce-type": "com.shop.OrderPlaced", "ce-source": "%00%ff"},
    {"cloudEvents:specversion": "0.3", "cloudEvents:type": "x" * 5000},
    {"ce_specversion": "1.0", "ce_time": "yesterday", "ce_id": "1", "ce_source": "/", "ce_type": "T"},
    {"\u202eevil\x00": "<script>\x1b[2J", "tracestate": "\x00"},
    {"content-type": "nonsense", "Content-Encoding": "gzip", "content-encoding": "zip"},
    {f"h{number}": "v" * 50 for number in range(200)},
    {"long": "x" * 20_000},
)
ONLY_AMQP: tuple[dict[str, Any], ...] = (
    {"deep": {"a": {"b": {"c": {"d": [[[[{"e": None}]]]]}}}}},
    {"tiny": 1e-40, "huge": 3e38, "big": 2**63 - 1, "small": -(2**63), "money": Decimal("-1.5")},
    {
        "bytes": bytearray(b"\xff\x00\xfe"),
        "when": datetime(9999, 1, 2, tzinfo=UTC),
        "yes": True,
        "none": None,
    },
    {"ce-specversion": 1.0, "ce-id": [1], "ce-type": {"a": 1}, "ce-source": bytearray(b"\xff")},
)


@dataclass(frozen=True)
class Poison:
    body: bytes
    content_type: str | None = None
    content_encoding: str | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    key: bytes | None = None


def poison(seed: int, count: int, *, big: int) -> Iterator[Poison]:
    """``big``: one in so many has ten million bytes."""
    dice = random.Random(seed)
    for number in range(count):
        body = _BODIES[number % len(_BODIES)](dice, f"{seed}/{number}")
        if number % big == big // 2:
            body = (f"{number}:".encode() + dice.randbytes(64)) * (10 * MEGABYTE // 64)
            body = body[: 10 * MEGABYTE]
        fitting = dice.random() < 0.5  # else what surrounds the body would hide what is in it
        yield Poison(
            body,
            dice.choice(TYPES[:2] if fitting else TYPES),
            None if fitting else dice.choice(ENCODINGS),
            {} if fitting else dice.choice(HEADERS),
            dice.choice((None, b"", b"\xff\xfe\x00", b"k" * 3000)),
        )


def _event(dice: random.Random, mark: str, **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "specversion": "1.0",
        "id": mark,
        "source": "/poison",
        "type": "com.shop.OrderPlaced",
        "time": "2026-03-01T12:00:00Z",
        "data": {"orderId": f"p-{mark}", "n": dice.random()},
    }
    return said | more


_ODD: dict[str, tuple[Any, ...]] = {
    "time": ("0000-00-00", "9999-12-31T23:59:60Z", 1e400, -1, "", [], "2026-02-30T00:00:00Z"),
    "id": ("", 0, None, {}, "\0MARK", "\ud800MARK", "MARK" + "i" * 100_000),
    "type": (None, "", "com.shop.\0", "com.shop.Nothing", 7, "t" * 100_000),
    "source": (None, "", "\ud800", ["/"]),
    "specversion": ("0.1", "", None, 1, "2.0"),
    "data": (None, 0, "", [], {}, {"orderId": None}, {"orderId": {"a": 1}}, {"orderId": ["x"]}),
    "order": ("\0MARK", "\ud800", "MARK" + "o" * 100_000, "MARK\u202e", 10**400, True),
    "data_base64": ("!", "eyJ", 5, "AAAA"),
    "sequence": (10**40, "x", -1, {}),
    "subject": ({"a": 1}, ["MARK"], "\u202eMARK"),
    "extension": ({"deep": [1]}, "\0"),
}


def _odd_field(dice: random.Random, mark: str) -> bytes:
    """An event in which one thing is what it must not be."""
    name = dice.choice(tuple(_ODD))
    odd = dice.choice(_ODD[name])
    if isinstance(odd, str):
        odd = odd.replace("MARK", mark)
    told = {"data": {"orderId": odd}} if name == "order" else {name: odd}
    return json.dumps(_event(dice, mark, **told)).encode()


def _number(dice: random.Random, mark: str) -> bytes:
    value = dice.choice(
        ["NaN", "-Infinity", "1e999999", "9" * 5000, "-0", "0x10", "01", "1" + "0" * 400, "1e-400"]
    )
    text = json.dumps(_event(dice, mark, data={"orderId": f"p-{mark}", "n": "HERE"}))
    return text.replace('"HERE"', value).encode()


def _deep(dice: random.Random, mark: str) -> bytes:
    depth = dice.choice([99, 101, 1000, 100_000])
    inside = json.dumps(mark)
    nested = (
        "[" * depth + inside + "]" * depth if dice.random() < 0.5 else '{"a":' * depth + inside + "}" * depth
    )
    whole = json.dumps(_event(dice, mark, data={"orderId": f"p-{mark}", "n": "HERE"}))
    return dice.choice([nested, whole.replace('"HERE"', nested)]).encode()


def _truncated(dice: random.Random, mark: str) -> bytes:
    whole = json.dumps(_event(dice, mark)).encode()
    return whole[: dice.randrange(len(mark) + 40, len(whole))]


def _flipped(dice: random.Random, mark: str) -> bytes:
    whole = bytearray(json.dumps(_event(dice, mark)).encode())
    for _ in range(dice.randrange(1, 6)):
        whole[dice.randrange(len(whole))] = dice.randrange(256)
    return bytes(whole)


def _wrongly_encoded(dice: random.Random, mark: str) -> bytes:
    text = json.dumps(
        _event(dice, mark, subject="häß€\u202e" if dice.random() < 0.5 else "hä"), ensure_ascii=False
    )
    return text.encode(
        dice.choice(["utf-16", "utf-16-le", "utf-32", "cp1252", "utf-8-sig", "utf-7"]), "replace"
    )


def _bomb(dice: random.Random, mark: str) -> bytes:
    """Some kilobytes that are many megabytes once unpacked, or lie about being packed at all."""
    inside = json.dumps(_event(dice, mark)).encode() + b" " * dice.choice([0, 9 * MEGABYTE])
    packed = gzip.compress(inside) if dice.random() < 0.5 else zlib.compress(inside)
    return dice.choice([packed, packed[:-7], gzip.compress(packed), b"\x1f\x8b" + mark.encode()])


def _noise(dice: random.Random, mark: str) -> bytes:
    return mark.encode() + dice.randbytes(dice.randrange(1, 300))


def _no_object(dice: random.Random, mark: str) -> bytes:
    values: list[Any] = [mark, [mark], {mark: 1}, [[mark]], [{}, mark], {"": {mark: []}}]
    return json.dumps(dice.choice(values)).encode()


def _batch(dice: random.Random, mark: str) -> bytes:
    """Good events among others that are none."""
    good = [_event(dice, f"{mark}{BATCH}{number}") for number in range(dice.randrange(4))]
    return json.dumps([*good, dice.choice([mark, None, {"specversion": "1.0", "id": mark}, [mark]])]).encode()


def _twice(dice: random.Random, mark: str) -> bytes:
    """One id for many events, and names that come twice."""
    text = json.dumps(_event(dice, f"same-{dice.randrange(5)}", data={"orderId": f"p-{mark}"}))
    return text.replace('"specversion"', '"id": 1, "specversion"', dice.randrange(2)).encode()


def _wide(dice: random.Random, mark: str) -> bytes:
    many = {f"{mark}/{number}": number for number in range(dice.choice([10, 20_000]))}
    return json.dumps(_event(dice, mark, **(many if dice.random() < 0.5 else {"data": many}))).encode()


_BODIES: tuple[Callable[[random.Random, str], bytes], ...] = (
    _odd_field,
    _number,
    _deep,
    _truncated,
    _flipped,
    _wrongly_encoded,
    _bomb,
    _noise,
    _no_object,
    _batch,
    _twice,
    _wide,
    _odd_field,
)
