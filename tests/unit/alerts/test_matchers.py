"""Matchers as Alertmanager writes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.matchers import InvalidMatcher, Matcher, Operator, matches, parse


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('severity="critical"', {"severity": "critical"}, True),
        ("severity=critical", {"severity": "critical"}, True),
        ('severity="critical"', {"severity": "Critical"}, False),
        ('severity!="critical"', {}, True),
        ('severity=""', {}, True),
        ('flow=~"order|refund"', {"flow": "refund"}, True),
        ('flow=~"order"', {"flow": "orders"}, False),
        ('flow!~"order.*"', {"flow": "orders"}, False),
        ('{flow="order", severity=~"crit.*"}', {"flow": "order", "severity": "critical"}, True),
        ('{flow="order", severity=~"crit.*"}', {"flow": "order", "severity": "info"}, False),
        ("  flow = order , severity = info ", {"flow": "order", "severity": "info"}, True),
        (r'key="a \"b\" \\ c"', {"key": 'a "b" \\ c'}, True),
        ('key="a,b"', {"key": "a,b"}, True),
        ('key="line\\nend"', {"key": "line\nend"}, True),
        ('key=~"a.c"', {"key": "a\nc"}, True),
        ("{}x=", {}, None),
        ("{}", {}, True),
        ("", {}, True),
    ],
)
def test_what_holds(text: str, labels: dict[str, str], holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(InvalidMatcher):
            parse(text)
    else:
        assert matches(parse(text), labels) is holds


@pytest.mark.parametrize(
    "text",
    [
        "severity",
        'severity=="x"',
        'severity="x" flow="y"',
        '{severity="x"',
        'severity="x"}',
        'flow=~"("',
        "=x",
        'flow="x',
        'flow=~"(a+)+"',
        'flow=~"a*b*c*d*"',
        'flow=~"' + "a" * 400 + '"',
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidMatcher):
        parse(text)


@pytest.mark.parametrize("text", ['a=~"x.*|y.*|z.*|v.*"', r'a=~"\\(\\)*b"', 'a=~"[*+{]x"'])
def test_what_cannot_take_for_ever_is_taken(text: str) -> None:
    assert len(parse(text)) == 1


NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["=", "!="]), st.text()), max_size=4))
def test_what_is_written_is_read_as_it_was(made: list[tuple[str, str, str]]) -> None:
    matchers = tuple(Matcher(name, Operator(operator), value) for name, operator, value in made)
    assert parse("{" + ", ".join(map(str, matchers)) + "}" if matchers else "") == matchers


@given(st.text(max_size=40))
def test_reading_is_total(text: str) -> None:
    try:
        parse(text)
    except InvalidMatcher:
        return


@given(st.sampled_from(["a", "b.", "a|b", "[ab]c?", "x.*"]), st.text("abcx.", max_size=4))
def test_a_pattern_has_to_match_the_whole(pattern: str, value: str) -> None:
    (matcher,) = parse(f'l=~"{pattern}"')
    assert matcher.matches({"l": value}) is (re.fullmatch(pattern, value) is not None)
