"""The search box goes straight to the trace that is meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.dashboard.pages.search import meant
from monitor.storage.views import Page, TraceFilter, TraceRow


class Found:
    """Answers by what is searched; ``more``: searches that find more than are looked at."""

    def __init__(self, rows: dict[str, Sequence[TraceRow]], details: dict[int, Any], more: set[str]) -> None:
        self.rows, self.details, self.more = rows, details, more

    async def traces(self, filter: TraceFilter, cursor: str | None = None, limit: int = 50) -> Page[TraceRow]:
        wanted = filter.search or ""
        return Page(self.rows.get(wanted, ()), "more" if wanted in self.more else None)

    async def trace(self, trace_id: int) -> Any:
        return self.details.get(trace_id)


@pytest.fixture
def views(make: SimpleNamespace) -> Any:
    def row(number: int, key: str) -> TraceRow:
        made: TraceRow = make.trace_row(id=number, key=key)
        return made

    one, ten = row(1, "order=o-1"), row(10, "order=o-10")
    detail = SimpleNamespace(
        keys=(SimpleNamespace(name="payment", value="p-1"),), events=(SimpleNamespace(event_id="e-7"),)
    )
    return Found(
        {
            "o-1": (ten, one),
            "order=o-1": (one,),
            "o-": (ten, one),
            "p-1": (one,),
            "p-": (one,),
            "e-7": (one,),
            "payment=p-1": (one,),
            "o": (ten,),
            "order=o": (),
            "x-1": (row(3, "order=x-1"), row(4, "invoice=x-1")),
            "many": (ten,),
            "order=many": (row(5, "order=many"),),
        },
        {1: detail, 10: SimpleNamespace(keys=(), events=())},
        {"o", "many"},
    )


@pytest.mark.parametrize(
    ("wanted", "trace"),
    [
        ("o-1", 1),  # although another begins with it
        ("order=o-1", 1),
        ("p-1", 1),  # another of its keys
        ("payment=p-1", 1),
        ("e-7", 1),  # one of its events
        ("many", 5),  # although it is not among the first that begin with it
        ("o-", None),
        ("p-", None),  # only the beginning of a key
        ("o", None),
        ("x-1", None),  # the key of two
        ("nobody", None),
    ],
)
async def test_who_is_meant(wanted: str, trace: int | None, views: Any) -> None:
    assert await meant(views, wanted) == trace


@pytest.mark.parametrize(
    ("asked", "address"),
    [("q=o-17", "/traces/17"), ("q=o-1+7%26", "/traces?q=o-1+7%26"), ("q=+", "/traces"), ("", "/traces")],
)
async def test_where_the_box_leads(
    asked: str, address: str, make: SimpleNamespace, rows: Any, client_for: Callable[..., Any]
) -> None:
    rows.trace_rows = (make.trace_row(id=17, key="order=o-17"),)
    async with client_for(rows) as client:
        response = await client.get(f"/search?{asked}")
    assert response.status_code == 303
    assert response.headers["location"] == address
