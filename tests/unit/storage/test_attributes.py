"""Kept data as attributes to search by: paths, spellings, bounds."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.storage.attributes import MOST_OF_AN_EVENT, attributes, spellings

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def kept(value: object) -> str:
    return orjson.dumps(value).decode()


def test_names_are_paths_and_values_texts() -> None:
    found = attributes(kept({"data.a": {"b": [1, {"c": True}], "d": None}, "e": "x", "f": 12.5, "g": 3.0}))
    assert found == {("data.a.b", "1"), ("data.a.b.c", "true"), ("e", "x"), ("f", "12.5"), ("g", "3")}


def test_there_are_so_many_and_no_more() -> None:
    assert len(attributes(kept({f"f{n}": n for n in range(500)}))) == MOST_OF_AN_EVENT
    assert attributes(kept({"a": [1] * 10_000})) == {("a", "1")}


def test_long_names_and_values_are_cut_and_told_apart() -> None:
    one, other = (attributes(kept({"n" * 5000 + end: "v" * 5000 + end})) for end in "ab")
    ((name, value),) = one
    assert len(name) <= 120
    assert len(value) <= 300
    assert one.isdisjoint(other)
    assert value in spellings("v" * 5000 + "a")


def test_nesting_however_deep() -> None:
    deep = b"[" * 900 + b"1" + b"]" * 900
    assert attributes((b'{"a":' + deep + b"}").decode()) == {("a", "1")}


@pytest.mark.parametrize(
    ("written", "stored"),
    [("12.50", 12.5), ("12.5", 12.5), ("12", 12), ("12.0", 12), ("-3.10", -3.1), ("1e3", 1000), ("0", 0)],
)
def test_numbers_are_equal_however_they_are_written(written: str, stored: object) -> None:
    ((_, value),) = attributes(kept({"a": stored}))
    assert value in spellings(written)


@pytest.mark.parametrize("written", ["0017", "1,5", "0x1f", "1_000", "nan", "inf", "1e999", "", "²"])
def test_what_is_no_number_is_a_text(written: str) -> None:
    assert spellings(written) == [written]


@given(JSON)
def test_every_value_is_found_as_it_is_written(value: object) -> None:
    for _, text in attributes(kept({"a": value})):
        assert text in spellings(text)
