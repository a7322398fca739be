"""Measuring and wrapping."""

from __future__ import annotations

import pytest

from monitor.diagram.text import LINE, LONGEST, fit, measure, wrap


def test_lines_break_at_blanks() -> None:
    assert wrap("pay the bill", 60).lines == ("pay the", "bill")


def test_long_words_break_where_a_part_begins() -> None:
    assert wrap("PaymentReceived", 70).lines == ("Payment", "Received")
    assert wrap("order_id_of_customer", 60).lines[0].endswith("_")


def test_every_line_keeps_to_the_width_and_nothing_is_lost() -> None:
    text = "Overlong WordsThatNobody_would.write plus 漢字かな and WWWWWWWWWWWW"
    for width in (30, 50, 90, 200):
        block = wrap(text, width)
        assert all(measure(line, 12) <= width for line in block.lines)
        assert "".join(block.lines).replace(" ", "") == text.replace(" ", "")


def test_marks_stay_with_their_letters() -> None:
    block = wrap("é" * 40, 50)
    assert not any(line.startswith("\u0301") for line in block.lines)


def test_given_line_breaks_stay() -> None:
    assert wrap("one\ntwo", 500).lines == ("one", "two")
    assert wrap("one\n\ntwo\n", 500).lines == ("one", "", "two")


def test_too_many_lines_end_in_an_ellipsis() -> None:
    block = wrap("one two three four five six", 40, max_lines=2)
    assert len(block.lines) == 2
    assert block.lines[-1].endswith("…")


@pytest.mark.parametrize(
    "name", ["Pay", "Check the customer's creditworthiness with two agencies", "x" * 300, ""]
)
def test_what_is_fitted_fits(name: str) -> None:
    block = fit(name, 86, 60)
    assert block.height <= 60
    assert block.width <= 86
    assert block.height == pytest.approx(len(block.lines) * block.size * LINE)


def test_short_names_keep_the_large_size() -> None:
    assert fit("Pay", 86, 60).size == 12
    assert fit("Check the customer's creditworthiness with two agencies", 86, 60).size < 12


def test_wide_characters_are_wide_and_joiners_have_no_width() -> None:
    assert measure("漢", 10) > measure("a", 10)
    assert measure("e\u0301", 10) == measure("e", 10)


def test_nobody_waits_for_a_name_without_end() -> None:
    assert sum(len(line) for line in wrap("x" * 1_000_000, 80).lines) <= LONGEST
    assert wrap("x" * 1_000_000, 80).lines[-1].endswith("…")
    assert fit("x" * 1_000_000, 86, 60).height <= 60
