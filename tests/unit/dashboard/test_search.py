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

    def __init__(self, rows: dict[str, Sequence[TraceRow]], more: set[str]) -> None:
        self.rows, self.more = rows, more

    async def traces(self, filter: TraceFilter, cursor: str | None = None, limit: int = 50) -> Page[TraceRow]:
        wanted = filter.search or ""
        return Page(self.rows.get(wanted, ()), "more" if wanted in self.more else None)


@pytest.fixture
def views(make: SimpleNamespace) -> Any:
    def row(number: int, key: str) -> TraceRow:
        made: TraceRow = make.trace_row(id=number, key=key)
        return made

    one = row(1, "order=o-1")
    return Found(
        {
            '"o-1"': (row(2, "order=o-2"), one),
            "order=o-1": (one,),
            '"p-1"': (one,),
            '"x-1"': (row(3, "order=x-1"), row(4, "invoice=x-1")),
            '"NL"': (one,),
            '"back\\\\slash"': (row(5, "order=back\\slash"),),
        },
        {'"NL"'},
    )


@pytest.mark.parametrize(
    ("wanted", "trace"),
    [
        ("o-1", 1),  # although another trace refers to it
        ("order=o-1", 1),
        ("p-1", 1),  # another of its keys, an event of it, or an attribute
        ("back\\slash", 5),
        ("x-1", None),  # the key of two
        ("NL", None),  # an attribute of many
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
    rows.trace_rows = (make.trace_row(id=17, key="order=o-17"), make.trace_row(id=18, key="order=o-18"))
    async with client_for(rows) as client:
        response = await client.get(f"/search?{asked}")
    assert response.status_code == 303
    assert response.headers["location"] == address
