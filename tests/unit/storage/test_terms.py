"""What people type into the search, and what is said of what cannot be read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.dashboard.filtering import quoted, term
from monitor.errors import InvalidInput
from monitor.storage.terms import Term, terms


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("o-17", [Term("o-17")]),
        ("  o-17\t x ", [Term("o-17"), Term("x")]),
        ('"o 17"', [Term("o 17", exact=True)]),
        ("order=o-17", [Term("order=o-17", "order", "o-17")]),
        (
            'country="New Zealand" vip=true',
            [Term(None, "country", "New Zealand"), Term("vip=true", "vip", "true")],
        ),
        ('"my key"=x', [Term(None, "my key", "x")]),
        ('a=""', [Term(None, "a", "")]),
        (r'a="say \"hi\" \\"', [Term(None, "a", 'say "hi" \\')]),
        ("YWJj==", [Term("YWJj==", "YWJj", "=")]),
        ("=x", [Term("=x")]),
        ("order=", [Term("order=")]),
        ('5"', [Term('5"')]),
        ('"a=b"', [Term("a=b", exact=True)]),
        ("", []),
    ],
)
def test_terms_are_read(text: str, meant: list[Term]) -> None:
    assert terms(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"open', "not closed"),
        ('country="New Zealand', "not closed"),
        ('"a"b', "blank is missing"),
        ('""', "finds everything"),
        ('"a"=', "is missing"),
        ('"a"= b', "is missing"),
        ("1 2 3 4 5 6 7 8 9", "9 terms"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_mend(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms(text)
    assert said in refused.value.message
    assert refused.value.mend


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert all(term.bare or term.name for term in terms(text))


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_what_the_pages_link_to_means_just_that(name: str, value: str) -> None:
    (read,) = terms(term(name, value))
    assert (read.name, read.value) == (name, value)
    if value:
        assert terms(quoted(value)) == [Term(value, exact=True)]
