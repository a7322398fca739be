"""Templates of people's own: what they can and what they cannot do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sandbox import LONGEST, TemplateFailed, problem_of, render


def test_values_are_filled_in() -> None:
    assert render("{{ a }} and {{ b.c | upper }}", {"a": 1, "b": {"c": "x"}}) == "1 and X"
    assert render("{{ '2026-07-01T08:00:00Z' | local('Europe/Berlin') }}", {}) == "Wed 1 Jul 2026, 10:00 CEST"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_within_quotes_of_json_stays_one(text: str) -> None:
    assert json.loads(render('{"a": "{{ x }}", "b": {{ x | tojson }}}', {"x": text}, "json")) == {
        "a": text,
        "b": text,
    }


@pytest.mark.parametrize("value", [None, True, 3, 1.5, ["a", {"b": None}], {"a": '"'}])
def test_other_values_are_json_as_they_are(value: object) -> None:
    assert json.loads(render("{{ x }}", {"x": value}, "json")) == value


@pytest.mark.parametrize(
    "template",
    [
        "{{ missing }}",
        "{{ a.b.c }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ a.__init__.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ (1).__class__.__base__ }}",
        "{% set _ = l.append(1) %}",
        "{% include '/etc/passwd' %}",
        "{{ 'x' * 1000000000 }}",
        "{{ 10 ** 1000000000 }}",
        "{{ '%999999999d' % 1 }}",
        "{% for n in range(1000000000) %}x{% endfor %}",
        "{% for n in range(99999) %}{{ l }}{{ l }}{{ l }}{{ l }}{{ l }}{{ l }}{% endfor %}",
        "{{ 1 / 0 }}",
    ],
)
def test_what_must_not_be_is_refused(template: str) -> None:
    with pytest.raises(TemplateFailed):
        render(template, {"a": "text", "l": [1, 2, 3, 4, 5, 6, 7, 8, 9]})


def test_how_much_is_yielded_is_bounded() -> None:
    with pytest.raises(TemplateFailed, match=f"more than {LONGEST} characters"):
        render("{% for n in range(90000) %}{{ x }}{% endfor %}", {"x": "y" * 1000})


def test_what_is_no_template_is_told() -> None:
    assert problem_of("{{ a }}") is None
    assert problem_of("a\n{% if %}") == (
        "is not a template: line 2: Expected an expression, got 'end of statement block'"
    )
    assert "No filter named 'nope'" in (problem_of("{{ a | nope }}") or "")
