"""Charts: what is drawn is said, hostile text stays text, nothing divides by nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from monitor.dashboard import charts
from monitor.dashboard.charts import Bar, Column, Line
from monitor.dashboard.sparks import sketch, sparkline

HOSTILE = '<script>alert(1)</script>" onload="x\x07\u202e' + "long" * 10_000


def parsed(markup: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{markup}</div>")


def every() -> list[Markup]:
    rows = [Bar(HOSTILE, 3, HOSTILE, href="/traces?a=1&b=2", note=HOSTILE), Bar("b", 1, "1", "bad", mark=2)]
    shown = [Column(HOSTILE, 4, HOSTILE, tick=HOSTILE), Column("b", 0, "0")]
    return [
        charts.bar(0.4, tone="ok", mark=0.5),
        charts.bars(rows, caption=HOSTILE, heads=("Element", "Share", "Drop")),
        charts.columns(
            shown, name="c", title=HOSTILE, desc=HOSTILE, heads=("Took", "Traces"), lines=[Line(1, HOSTILE)]
        ),
        charts.shares(rows, name="s", title=HOSTILE),
        sparkline([1, None, 3, 2], name="l", title=HOSTILE, told=HOSTILE),
        sketch([1, 0, 3], name="k", title=HOSTILE, told=HOSTILE, limit=2),
    ]


@pytest.mark.parametrize("markup", every())
def test_is_well_formed_inert_and_without_style(markup: Markup) -> None:
    root = parsed(markup)
    assert not [one for one in root.iter() if one.tag == "script" or "onload" in one.attrib]
    assert not [one for one in root.iter() if "style" in one.attrib]
    assert "\u202e" not in markup
    assert len(markup) < 20_000


@pytest.mark.parametrize("markup", every())
def test_pictures_are_named_or_hidden(markup: Markup) -> None:
    for svg in parsed(markup).iter("svg"):
        if svg.get("role") == "img":
            ids = {one.get("id") for one in svg.iter()}
            assert set((svg.get("aria-labelledby") or "").split()) <= ids
        else:
            assert svg.get("aria-hidden") == "true"


def test_a_bar_is_as_long_as_its_share_and_no_longer_than_its_place() -> None:
    widths = [
        rect.get("width")
        for share in (-1, 0.4, 7)
        for rect in parsed(charts.bar(share)).iter("rect")
        if "fill" in (rect.get("class") or "")
    ]
    assert widths == ["0.00%", "40.00%", "100.00%"]


def test_bars_are_measured_against_the_largest_or_the_whole() -> None:
    rows = [Bar("a", 50, "50"), Bar("b", 25, "25")]
    assert 'width="50.00%"' in charts.bars(rows, caption="", heads=("", ""))
    assert 'width="25.00%"' in charts.bars(rows, caption="", heads=("", ""), whole=100)


def test_columns_say_every_value_in_a_table() -> None:
    shown = [Column("below 1 h", 3, "3 traces"), Column("1 h and more", 0, "0 traces")]
    chart = charts.columns(shown, name="c", title="Took", desc="-", heads=("Took", "Traces"))
    cells = [cell.text for cell in parsed(chart).iter() if cell.tag in ("th", "td")]
    assert cells == ["Took", "Traces", "below 1 h", "3 traces", "1 h and more", "0 traces"]


def test_a_small_column_is_still_seen_and_nothing_is_not() -> None:
    shown = [Column("a", 100_000, ""), Column("b", 1, ""), Column("c", 0, "")]
    chart = parsed(charts.columns(shown, name="c", title="", desc="", heads=("", "")))
    heights = [one.get("height") for one in chart.iter("rect") if "fill" in (one.get("class") or "")]
    assert heights == [str(charts.PLOT), "2", "0"]


def test_nothing_to_show_is_said() -> None:
    assert "No clock has ended yet." in charts.columns(
        [], name="c", title="", desc="No clock has ended yet.", heads=("", "")
    )
    assert parsed(charts.shares([Bar("a", 0, "none")], name="s", title="")) is not None
    assert parsed(sparkline([], name="l", title="", told="")) is not None
    assert parsed(sketch([], name="k", title="", told="", limit=1)) is not None
    assert parsed(charts.bars([], caption="", heads=("", ""))) is not None


def test_parts_fill_the_whole_bar() -> None:
    chart = parsed(charts.shares([Bar("a", 3, "75 %"), Bar("b", 1, "25 %")], name="s", title="t"))
    picture = next(svg for svg in chart.iter("svg") if svg.get("role") == "img")
    drawn = [(one.get("x"), one.get("width")) for one in picture.iter("rect")]
    assert drawn == [("0.00%", "75.00%"), ("75.00%", "25.00%")]


def test_a_gap_parts_a_sparkline() -> None:
    whole = sparkline([1, 2, 3], name="l", title="", told="")
    parted = sparkline([1, 2, None, 3, 1], name="l", title="", told="")
    assert len(re.findall("<polyline", whole)) == 1
    assert len(re.findall("<polyline", parted)) == 2
