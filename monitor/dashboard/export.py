"""Whole lists as files: CSV for spreadsheets, JSON for programs.

They are streamed page by page, each page a transaction of its own, so memory stays flat and no transaction
lasts, however long the list and however slow the reader. Nothing limits a file: it ends with the last row.
One that could not be finished breaks off, so that nobody takes a part for the whole.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from monitor.dashboard import parameters
from monitor.dashboard.answers import to_json
from monitor.dashboard.api import PREFIX, finding_json, trace_json
from monitor.dashboard.body import inert
from monitor.dashboard.site import Handler, Site, route
from monitor.storage.views import FindingRow, Page, TraceRow

ROWS = 1000
"""Rows of a page."""

LONGEST = 4000
"""Longer texts are cut, in characters: spelled out, they fit into a cell (32,767 in most spreadsheets)."""

_FORMULA = re.compile("^(?=[\t\n]| *[=+@＝＋－＠-])|(?<=[;\t\n])(?= *[=+@＝＋－＠-])")
"""Where a spreadsheet begins a formula. Some divide a line at semicolons and tabs, quoted or not; some know
the wide signs."""

Row = TypeVar("Row")
Fetch = Callable[[str | None], Awaitable[Page[Row]]]
"""The page after a cursor."""

Column = tuple[str, Callable[[Row], object]]


@dataclass(frozen=True, slots=True)
class List(Generic[Row]):
    """A list that can be had as a file."""

    noun: str
    columns: Sequence[Column[Row]]
    told: Callable[[Row], object]
    fetch: Fetch[Row]


def export_routes(site: Site) -> list[Route]:
    lists: Mapping[str, Callable[[Site, Request], List[Any]]] = {"traces": _traces, "findings": _findings}
    pages = [
        route(site, f"/{noun}.{suffix}", _file(asked, suffix))
        for noun, asked in lists.items()
        for suffix in ("csv", "json")
    ]
    return [
        *pages,
        *(route(site, f"{PREFIX}/{noun}/export", _file(asked, None)) for noun, asked in lists.items()),
    ]


def _file(asked: Callable[[Site, Request], List[Any]], suffix: str | None) -> Handler:
    async def answered(site: Site, request: Request) -> Response:
        form = suffix or parameters.choice(request.query_params, "format", ("jsonl", "csv")) or "jsonl"
        found = asked(site, request)
        first = await found.fetch(None)  # what is wrong is told before anything is sent
        media, write = _FORMATS[form]
        name = f"choreoscope-{found.noun}-{site.now():%Y%m%dT%H%M%SZ}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        if request.method == "HEAD":
            return Response(headers=headers, media_type=media)
        return StreamingResponse(write(found, _pages(first, found.fetch)), headers=headers, media_type=media)

    return answered


def _traces(site: Site, request: Request) -> List[TraceRow]:
    now = site.now()
    wanted = parameters.trace_filter(request.query_params, now)
    return List(
        "traces",
        TRACE_COLUMNS,
        lambda row: trace_json(row, now),
        lambda cursor: site.views.traces(wanted, cursor, ROWS),
    )


def _findings(site: Site, request: Request) -> List[FindingRow]:
    wanted = parameters.finding_filter(request.query_params)
    return List(
        "findings",
        FINDING_COLUMNS,
        finding_json,
        lambda cursor: site.views.findings(wanted, cursor, ROWS),
    )


async def _pages(first: Page[Row], fetch: Fetch[Row]) -> AsyncIterator[Sequence[Row]]:
    page = first
    while True:
        yield page.rows
        if page.next is None:
            return
        page = await fetch(page.next)


# formats --------------------------------------------------------------------------------------------------


async def _csv(found: List[Row], pages: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([name for name, _ in found.columns])
    async for rows in pages:
        writer.writerows([cell(value(row)) for _, value in found.columns] for row in rows)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


async def _jsonl(found: List[Row], pages: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    async for rows in pages:
        yield b"".join(to_json(found.told(row)) + b"\n" for row in rows)


async def _json(found: List[Row], pages: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    before = b"[\n"
    async for rows in pages:
        told = [to_json(found.told(row)) for row in rows]
        if told:
            yield before + b",\n".join(told)
            before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


_FORMATS: dict[str, tuple[str, Callable[..., AsyncIterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8; header=present", _csv),
    "json": ("application/json", _json),
    "jsonl": ("application/jsonl", _jsonl),
}


def cell(value: object) -> str:
    """A cell's text: times in ISO 8601 UTC, lists with semicolons; texts inert as on pages, and none that is
    run as a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case int() | float():
            return str(value)
        case tuple():
            return cell("; ".join(value))
        case str():
            return _FORMULA.sub("'", inert(value, LONGEST))
    raise TypeError(type(value).__name__)


def _seconds(row: TraceRow) -> float | None:
    return None if row.duration is None else row.duration.total_seconds()


def _verdict(row: TraceRow) -> str:
    if row.confirmed:
        return "deviating"
    return "undecided" if row.undecided else "conforming" if row.conforms else "checking"


TRACE_COLUMNS: Sequence[Column[TraceRow]] = (
    ("trace", lambda row: row.id),
    ("key", lambda row: row.key),
    ("flow", lambda row: row.flow),
    ("version", lambda row: row.version),
    ("state", lambda row: "complete" if row.complete else "open"),
    ("verdict", _verdict),
    ("sla", lambda row: row.sla),
    ("events", lambda row: row.events),
    ("first_event", lambda row: row.first),
    ("last_event", lambda row: row.last),
    ("duration_seconds", _seconds),
    ("deviations", lambda row: row.deviations),
    ("confirmed_deviations", lambda row: row.confirmed),
    ("stands_at", lambda row: row.standing),
    ("expected_next", lambda row: row.expected),
)
FINDING_COLUMNS: Sequence[Column[FindingRow]] = (
    ("trace", lambda row: row.trace),
    ("key", lambda row: row.trace_key),
    ("flow", lambda row: row.flow),
    ("kind", lambda row: row.kind.value),
    ("state", lambda row: row.state.value),
    ("severity", lambda row: row.severity),
    ("element", lambda row: row.element),
    ("name", lambda row: row.name),
    ("message", lambda row: row.message),
    ("expected", lambda row: row.expected),
    ("event", lambda row: row.event),
    ("time", lambda row: row.time),
    ("found", lambda row: row.found),
    ("confirmed", lambda row: row.confirmed),
    ("retracted", lambda row: row.retracted),
    ("reason", lambda row: row.reason),
    ("historic", lambda row: row.historic),
    ("acknowledged", lambda row: row.acknowledged),
    ("acknowledged_by", lambda row: row.acknowledged_by),
    ("acknowledged_note", lambda row: row.acknowledged_note),
)
