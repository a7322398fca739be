"""Encodings, character sets, limits: from bytes to JSON."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.decode import Decoder, DecodeSettings
from monitor.domain.event import Delivery, Event, InboxReason, Misfit, Position

NOW = datetime(2024, 5, 1, tzinfo=UTC)
BODY = b'{"type":"OrderPlaced","n":"\xc3\xa4"}'


def gzipped(data: bytes) -> bytes:
    """The same bytes every time: they are part of the tests' names."""
    return gzip.compress(data, mtime=0)


def decode(
    body: bytes, content_type: str | None = None, settings: DecodeSettings | None = None, **more: Any
) -> Event | Misfit:
    given = Delivery("s", body, Position("q"), NOW, content_type=content_type, **more)
    (result,) = Decoder(settings).decode(given)
    if isinstance(result, Misfit):
        assert result.delivery is given
        assert result.detail
    return result


def event(*args: Any, **more: Any) -> Event:
    result = decode(*args, **more)
    assert isinstance(result, Event), result
    return result


def misfit(*args: Any, **more: Any) -> Misfit:
    result = decode(*args, **more)
    assert isinstance(result, Misfit), result
    return result


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzipped(BODY)),
        ("GZIP", gzipped(BODY)),
        ("x-gzip", gzipped(BODY[:5]) + gzipped(BODY[5:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("deflate, gzip", gzipped(zlib.compress(BODY))),
        ("identity", BODY),
        ("utf-8", BODY),
        ("", BODY),
    ],
)
def test_content_encodings(encoding: str, body: bytes) -> None:
    assert event(body, content_encoding=encoding).data["n"] == "ä"


def test_content_encoding_as_a_header() -> None:
    assert event(gzipped(BODY), headers={"Content-Encoding": b"gzip"}).type == "OrderPlaced"


@pytest.mark.parametrize(
    ("encoding", "body", "told"),
    [
        ("br", BODY, "'br' is not supported"),
        ("gzip", BODY, "not valid gzip"),
        ("gzip", gzipped(BODY)[:-9], "ends too early"),
        ("gzip", b"", "empty"),
        ("deflate", b"\xff\xff\xff", "not valid deflate"),
    ],
)
def test_broken_content_encodings(encoding: str, body: bytes, told: str) -> None:
    assert told in misfit(body, content_encoding=encoding).detail


@pytest.mark.parametrize("layers", [1, 2])
def test_a_decompression_bomb_is_refused_whole_and_small(layers: int) -> None:
    bomb = b"\0" * (50 << 20)
    for _ in range(layers):
        bomb = gzip.compress(bomb, 9, mtime=0)
    result = misfit(bomb, content_encoding=",".join(["gzip"] * layers))
    assert result.reason is InboxReason.OVERSIZED
    assert result.delivery.body is bomb


def test_a_bomb_of_many_members_is_refused_too() -> None:
    body = gzipped(b" " * 100_000) * 100
    assert misfit(body, content_encoding="gzip").reason is InboxReason.OVERSIZED


def test_the_limit_of_unpacked_bytes_is_exact() -> None:
    settings = DecodeSettings(max_unpacked_bytes=len(BODY))
    assert event(gzipped(BODY), content_encoding="gzip", settings=settings).type == "OrderPlaced"
    over = misfit(gzipped(BODY + b" "), content_encoding="gzip", settings=settings)
    assert over.reason is InboxReason.OVERSIZED


def test_the_limit_of_bytes_is_exact() -> None:
    settings = DecodeSettings(max_bytes=len(BODY))
    assert event(BODY, settings=settings).type == "OrderPlaced"
    assert misfit(BODY + b" ", settings=settings).reason is InboxReason.OVERSIZED


TEXT = BODY.decode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("utf-16"), None),
        (TEXT.encode("utf-16-le"), None),
        (TEXT.encode("utf-16-be"), None),
        (TEXT.encode("utf-32"), None),
        (TEXT.encode("utf-32-be"), None),
        (TEXT.encode("utf-16-le"), "application/json; charset=utf-16"),
        (TEXT.encode("latin1"), 'application/json; charset="ISO-8859-1"'),
        (TEXT.encode("cp1252"), "application/json;x=y;charset=windows-1252"),
        (b"\0\0\0\0\x07" + BODY, "application/json"),
    ],
)
def test_json_that_is_not_plain_utf8(body: bytes, content_type: str | None) -> None:
    assert event(body, content_type).data["n"] == "ä"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "no JSON"),
        (b"hello", "no JSON"),
        (b"{", "no JSON"),
        (b'{"type":"A"}{"type":"B"}', "no JSON"),
        (TEXT.encode("latin1"), "no JSON"),
        (b"\xff\xfe\x00", "not valid utf-16"),
        (b'{"type":"A","n":NaN}', "NaN and Infinity"),
        (b'{"type":"A","n":-Infinity}', "NaN and Infinity"),
        (b'{"type":"A","n":1e999}', "infinity"),
        (b'{"type":"A","n":' + b"9" * 5000 + b"}", "infinity"),
        (b"null", "null"),
        (b"true", "truth value"),
        (b"7", "number"),
        (b'"text"', "a text"),
        (b"[7]", "member 1 of 1"),
        (b"\0\0\0\0\x07\x02avro", "no JSON"),
    ],
)
def test_bodies_that_are_no_event(body: bytes, told: str) -> None:
    result = misfit(body)
    assert result.reason is InboxReason.UNDECODABLE
    assert told in result.detail


def test_a_schema_registrys_binary_is_guessed() -> None:
    assert "schema registry" in misfit(b"\0\0\0\0\x07\x02avro").mend


@pytest.mark.parametrize(
    "content_type",
    ["application/avro", "application/x-protobuf", "application/msgpack", "image/png", "text/csv"],
)
def test_foreign_formats_are_refused_with_what_is_supported(content_type: str) -> None:
    result = misfit(b"whatever", content_type)
    assert content_type in result.detail
    assert "plain JSON" in result.mend


def test_big_numbers_do_not_crash() -> None:
    assert event(b'{"type":"A","n":123456789012345678901234567890}').data["n"] == pytest.approx(
        1.2345678901234568e29
    )


def test_duplicate_fields_keep_the_last() -> None:
    assert event(b'{"type":"A","type":"B"}').type == "B"


def nested(depth: int) -> bytes:
    """``depth`` counts the message object too."""
    return b'{"type":"A","d":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_nesting_is_limited_exactly() -> None:
    assert event(nested(100)).type == "A"
    assert "more than 100 levels" in misfit(nested(101)).detail
    assert misfit(nested(100_000)).reason is InboxReason.UNDECODABLE
    wide = json.dumps({"type": "A", "d": [{} for _ in range(5000)]}).encode()
    assert event(wide).type == "A"


def test_content_types_and_shapes_do_not_fill_the_memory() -> None:
    decoder = Decoder()
    for number in range(5000):
        given = Delivery(
            "s", b'{"type":"A","f%d":1}' % number, Position("q"), NOW, content_type=f"x/{number}"
        )
        (result,) = decoder.decode(given)
        assert isinstance(result, Event)
    assert len(decoder._media) <= 1024
    assert len(decoder._plain._plans) <= 1024
