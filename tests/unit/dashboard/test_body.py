"""What strangers sent, made safe to look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.dashboard.body import (
    HEX_BYTES,
    SHOWN_BYTES,
    SHOWN_DATA,
    hex_dump,
    inert,
    pretty_json,
    show,
    spell_out,
)


def test_json_is_indented() -> None:
    shown = show(b'{"a":[1,2]}')
    assert shown.kind == "json"
    assert shown.text == '{\n  "a": [\n    1,\n    2\n  ]\n}'


def test_broken_json_is_text() -> None:
    assert show(b'{"a":').kind == "text"
    assert show(b'{"a":').text == '{"a":'


def test_an_empty_message() -> None:
    assert show(b"").kind == "empty"


@pytest.mark.parametrize("body", [b"\x00\x01\x02\x03", b"\xff\xfe\x00", bytes(range(256)), b"\x80abc"])
def test_what_is_not_text_is_dumped(body: bytes) -> None:
    assert show(body).kind == "hex"


def test_a_dump_has_offset_bytes_and_letters() -> None:
    lines = hex_dump(b"GET / HTTP/1.1\r\n\x00").splitlines()
    assert lines[0] == "000000  47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1.."
    assert lines[1].startswith("000010  00 ")


def test_long_bodies_are_cut_and_say_so() -> None:
    assert show(b"\xff" * (HEX_BYTES + 5)).cut == 5
    long_text = show("é".encode() * SHOWN_BYTES)
    assert long_text.kind == "text"
    assert long_text.cut == SHOWN_BYTES


def test_a_character_cut_in_half_at_the_end_is_no_reason_to_dump() -> None:
    body = b"a" + "é".encode() * SHOWN_BYTES
    assert show(body).kind == "text"


def test_direction_overrides_and_invisible_characters_are_spelled_out() -> None:
    assert spell_out("a\u202eb\u200bc\x1b[0m\td\n") == "a\\u202eb\\u200bc\\u001b[0m\td\n"


def test_marks_may_not_be_piled_into_towers() -> None:
    assert spell_out("e\u0301 o\u0323\u0302") == "e\u0301 o\u0323\u0302"
    tower = spell_out("e" + "\u0301" * 30)
    assert tower.count("\u0301") == 4
    assert tower.endswith("\\u0301")


def test_long_texts_are_cut_and_say_by_how_much() -> None:
    assert inert("a" * 10, 10) == "a" * 10
    assert inert("a\u202e" * 10, 10) == "a\\u202e" * 5 + "… (10 more characters are not shown)"
    assert pretty_json('"' + "a" * 1_000_000 + '"').endswith(
        f"({1_000_002 - SHOWN_DATA} more characters are not shown)"
    )


def test_stored_json_and_what_is_none() -> None:
    assert pretty_json('{"a":1}') == '{\n  "a": 1\n}'
    assert pretty_json("not json") == "not json"
    assert pretty_json(None) == ""


@given(st.binary(max_size=300))
def test_nothing_invisible_ever_comes_through(body: bytes) -> None:
    text = show(body).text
    assert all(character.isprintable() or character in "\t\n" or character.isspace() for character in text)


@given(st.binary(max_size=200))
def test_a_dump_holds_every_byte(body: bytes) -> None:
    dumped = "".join(line[8:55].replace(" ", "") for line in hex_dump(body).splitlines())
    assert bytes.fromhex(dumped) == body
