"""Query parameters: what is understood, and how what is not is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import QueryParams

from monitor.dashboard import parameters
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.domain.verdict import FindingKind, FindingState
from monitor.storage.views import FindingFilter, TraceFilter

NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)


def filters(text: str) -> TraceFilter:
    return parameters.trace_filter(QueryParams(text), NOW)


def test_without_parameters_nothing_is_filtered() -> None:
    assert filters("") == TraceFilter()
    assert filters("q=&flow=+&state=&sort=") == TraceFilter()


def test_every_filter_is_understood() -> None:
    text = (
        "q=order%3Do-17&flow=order&state=open&verdict=deviating&finding=missing&sla=at_risk"
        "&since=2026-03-01T10:00&until=2026-03-02T10:00%2B02:00&sort=first&order=asc"
        "&version=2&element=Task_1&min=1.2s&max=1h30m&variant=ab12"
    )
    assert filters(text) == TraceFilter(
        search="order=o-17",
        flow="order",
        state="open",
        verdict="deviating",
        finding=FindingKind.MISSING,
        sla="at_risk",
        since=datetime(2026, 3, 1, 10, tzinfo=UTC),
        until=datetime(2026, 3, 2, 8, tzinfo=UTC),
        sort="first",
        ascending=True,
        version=2,
        element="Task_1",
        shortest=timedelta(seconds=1.2),
        longest=timedelta(minutes=90),
        variant="ab12",
    )


def test_every_filter_of_findings_is_understood() -> None:
    query = QueryParams(
        "q=o-1&flow=order&kind=missing&state=confirmed&element=T&severity=info&acknowledged=no"
    )
    assert parameters.finding_filter(query) == FindingFilter(
        search="o-1",
        flow="order",
        kind=FindingKind.MISSING,
        state=FindingState.CONFIRMED,
        element="T",
        severity="info",
        acknowledged=False,
    )
    for text in ("severity=bad", "acknowledged=maybe", "kind=x", "state=open"):
        with pytest.raises(BadParameter):
            parameters.finding_filter(QueryParams(text))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("100ms", timedelta(milliseconds=100)),
        ("1.2s", timedelta(seconds=1.2)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("7us", timedelta(microseconds=7)),
        ("1d2h3m4.5s", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("0.1s", timedelta(milliseconds=100)),
    ],
)
def test_durations_are_written_as_in_jaeger(text: str, meant: timedelta) -> None:
    assert filters(f"min={text}").shortest == meant


@pytest.mark.parametrize(
    ("within", "span"),
    [("15m", timedelta(minutes=15)), ("24h", timedelta(hours=24)), ("7d", timedelta(days=7))],
)
def test_within_counts_back_from_now(within: str, span: timedelta) -> None:
    assert filters(f"within={within}").since == NOW - span


@pytest.mark.parametrize(
    "text",
    [
        "state=sleeping",
        "verdict=good",
        "finding=x",
        "sla=blind",
        "sort=colour",
        "since=yesterday",
        "until=2026-13-01",
        "within=1y",
        "within=h",
        "within=1h&since=2026-03-01",
        "since=2026-03-02&until=2026-03-01",
        "since=0001-01-01T00:00%2B10:00",
        "q=" + "x" * 501,
        "min=5",
        "min=s",
        "min=-5s",
        "min=1.2.3s",
        "max=5 m",
        "max=999999999d",
        "max=999999999d999999999d",
        "min=2m&max=1m",
        "version=2",
        "flow=order&version=0",
        "flow=order&version=two",
        "order=down",
        "q=%00",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        filters(text)


def test_a_refusal_names_the_choices() -> None:
    with pytest.raises(BadParameter) as refused:
        filters("state=sleeping")
    assert "'sleeping'" in refused.value.message
    assert refused.value.mend == "It may be: open, complete."


def test_pages() -> None:
    assert parameters.slice_of(QueryParams("")) == parameters.Slice(None, 50)
    assert parameters.slice_of(QueryParams("cursor=abc&limit=200")) == parameters.Slice("abc", 200)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "١", "9" * 30])
def test_a_page_has_bounds(limit: str) -> None:
    with pytest.raises(BadParameter):
        parameters.slice_of(QueryParams({"limit": limit}))


@pytest.mark.parametrize("value", ["x", "-1", "", "٣", "9" * 30, "1.0"])
def test_what_can_be_no_rows_number_is_not_found(value: str) -> None:
    with pytest.raises(NotFound):
        parameters.identifier(value, "trace")
