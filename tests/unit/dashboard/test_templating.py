"""What a template puts into a page is inert, wherever it comes from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.dashboard.body import SHOWN_AT_ALL
from monitor.dashboard.templating import environment, query

ENVIRONMENT = environment(lambda: datetime(2026, 7, 1, tzinfo=UTC))


def made(template: str, **values: object) -> str:
    return ENVIRONMENT.from_string(template).render(**values)


def test_texts_are_escaped_and_spelled_out_without_being_asked_for() -> None:
    assert made('<p title="{{ x }}">{{ x }}</p>', x='<b>\u202e\x1b\ud800"') == (
        '<p title="&lt;b&gt;\\u202e\\u001b\\ud800&#34;">&lt;b&gt;\\u202e\\u001b\\ud800&#34;</p>'
    )


def test_sentences_are_too_and_keep_their_times() -> None:
    told = made("{{ x|sentence }}", x=("Order <\u202e ", datetime(2026, 7, 1, 8, tzinfo=UTC)))
    assert told.startswith("Order &lt;\\u202e <time ")


def test_what_is_far_too_long_is_cut() -> None:
    assert made("{{ x }}", x="a" * SHOWN_AT_ALL) == "a" * SHOWN_AT_ALL
    assert made("{{ x }}", x="a" * (SHOWN_AT_ALL + 5)).endswith("… (5 more characters are not shown)")


@pytest.mark.parametrize(("value", "shown"), [(7, "7"), (None, "None"), (1.5, "1.5")])
def test_what_is_no_text_is_as_it_is(value: object, shown: str) -> None:
    assert made("{{ x }}", x=value) == shown


def test_an_address_takes_any_text() -> None:
    assert query({"type": "\ud800 &", "flow": None, "q": ""}) == "?type=%ED%A0%80+%26"
