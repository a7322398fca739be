"""Lists as files: every row once, nothing a spreadsheet would run, flat memory, an end when nobody reads."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.dashboard.app import create_app
from monitor.dashboard.export import FINDING_COLUMNS, TRACE_COLUMNS, cell
from monitor.domain.verdict import FindingKind
from monitor.errors import StorageUnavailable
from monitor.settings import DashboardSettings
from monitor.storage.views import FindingFilter, Page, TraceFilter, TraceRow

HOSTILE = {
    '=HYPERLINK("http://x")': """'=HYPERLINK("http://x")""",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "＝1": "'＝1",
    "  =1": "'  =1",
    "\t=1": "'\t'=1",
    "\r=1": "\\u000d=1",
    "a;=1;b; -2": "a;'=1;b;' -2",
    "a\r\n=1": "a\n'=1",
    "1-2=3": "1-2=3",
    'a,"b"\r\nc': 'a,"b"\nc',
    "<script>": "<script>",
    "\ud800": "\\ud800",
    "\u202eabc\u200f": "\\u202eabc\\u200f",
    "\x00\x1b[31mred\x07": "\\u0000\\u001b[31mred\\u0007",
    "\ufeff=1": "\\ufeff=1",
    "ключ Ä 鍵": "ключ Ä 鍵",
    "=" + "W" * 1_000_000: f"'={'W' * 3999}… (996001 more characters are not shown)",
}
"""What a file says for each text."""
STARTS = re.compile(r"(?:^|[;\t\n\r])\s*[=+\-@＝＋－＠]")
"""What some spreadsheet runs, by whatever it divides a line."""
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def paged(make: SimpleNamespace, traces: int, size: int = 1000) -> Any:
    """A store of so many traces, in pages; one of them is partial."""

    @dataclass
    class Paged(make.Rows):  # type: ignore[misc,name-defined]
        fetched: list[str | None] = field(default_factory=list)
        fails_at: str | None = None

        async def traces(
            self, filter: TraceFilter, cursor: str | None = None, limit: int = 50
        ) -> Page[TraceRow]:
            await super().traces(filter, cursor, limit)
            self.fetched.append(cursor)
            if cursor is not None and cursor == self.fails_at:
                raise StorageUnavailable
            if cursor == "1000":  # looked for long, found nothing yet
                return Page([], "1000 and on", partial=True)
            begin = int((cursor or "0").removesuffix(" and on"))
            end = min(begin + size, traces)
            rows = [make.trace_row(number) for number in range(begin, end)]
            return Page(rows, str(end) if end < traces else None)

    return Paged()


@pytest.mark.parametrize(("path", "columns"), [("traces", TRACE_COLUMNS), ("findings", FINDING_COLUMNS)])
async def test_csv_has_a_header_and_a_row_for_each(
    path: str, columns: Any, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(
        trace_rows=tuple(make.trace_row(number, key=key) for number, key in enumerate(HOSTILE)),
        finding_rows=tuple(make.finding_row(trace_key=key, message=key) for key in HOSTILE),
    )
    async with client_for(rows) as client:
        for address in (f"/{path}.csv", f"/api/v1/{path}/export?format=csv"):
            response = await client.get(address)
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
            name = f"choreoscope-{path}-20260304T170211Z.csv"
            assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
            assert response.content.endswith(b"\r\n")
            header, *told = csv.reader(io.StringIO(response.content.decode(), newline=""))
            assert header == [name for name, _ in columns]
            assert len(told) == len(HOSTILE)
            for line, key in zip(told, HOSTILE, strict=True):
                assert line[1] == HOSTILE[key]
                assert not [text for text in line if STARTS.search(text) or UNSEEN.search(text)]
                assert all(len(text) < 32_767 for text in line)
    if path == "traces":
        assert told[0][4:] == [
            *("open", "conforming", "", "3", "2026-03-04T12:02:11Z", "2026-03-04T14:02:11Z", "7200.0"),
            *("0", "0", "ship", "GoodsShipped"),
        ]


def test_however_much_is_spelled_out_it_fits_into_a_cell() -> None:
    told = cell("\U000e0001" * 1_000_000)
    assert len(told) < 32_767
    assert told.endswith(" more characters are not shown)")


def test_cells_are_texts() -> None:
    assert [cell(value) for value in (None, True, 3, 1.5, (), ("=a", "b"))] == [
        *("", "true", "3", "1.5", "", "'=a; b"),
    ]
    with pytest.raises(TypeError):
        cell(object())


async def test_json_is_a_list_and_lines_are_rows(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = paged(make, 2500)
    async with client_for(rows) as client:
        whole = (await client.get("/traces.json?flow=order&sort=first")).json()
        lines = (await client.get("/api/v1/traces/export")).text.splitlines()
        api = (await client.get("/api/v1/traces?limit=1")).json()
        nothing = await client.get("/findings.json")
        none = await client.get("/api/v1/findings/export")
    assert [row["id"] for row in whole] == list(range(2500))
    assert whole[0] == api["items"][0]
    assert [json.loads(line) for line in lines] == whole
    assert rows.asked[0] == (TraceFilter(flow="order", sort="first"), None, 1000)
    assert nothing.json() == []
    assert none.content == b""


async def test_filters_are_those_of_the_list(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    rows = make.Rows()
    async with client_for(rows) as client:
        assert (await client.get("/findings.csv?kind=missing&acknowledged=no&q=o-1")).status_code == 200
        wrong = await client.get("/traces.csv?state=ajar")
        also_wrong = await client.get("/api/v1/traces/export?format=xml")
        assert (await client.head("/traces.csv")).content == b""
    assert rows.findings_asked[0][0] == FindingFilter(
        search="o-1", kind=FindingKind.MISSING, acknowledged=False
    )
    assert wrong.status_code == also_wrong.status_code == 400
    assert "csv" in also_wrong.json()["mend"]


async def test_a_database_that_is_away_is_told_before_anything_is_sent(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows(away="connection refused")) as client:
        assert (await client.get("/traces.csv")).status_code == 503
        assert (await client.get("/api/v1/findings/export")).status_code == 503


class Reader:
    """An ASGI server and its client in one: counts what comes, and may go away."""

    def __init__(self, app: Any, path: str, *, most: int | None = None) -> None:
        self._app, self._path, self._most = app, path, most
        self._gone = asyncio.Event()
        self.chunks = self.bytes = 0
        self.ended = False

    async def read(self) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "scheme": "http",
            "server": ("localhost", 80),
            "root_path": "",
        }
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Mapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if message["type"] != "http.response.body":
            return
        self.bytes += len(message.get("body", b""))
        self.chunks += 1
        self.ended = not message.get("more_body", False)
        if self._most is not None and self.chunks >= self._most:
            self._gone.set()
        await asyncio.sleep(0)


def served(make: SimpleNamespace, rows: Any) -> Any:
    return create_app(rows, flows=make.OneModel(), settings=DashboardSettings(), now=lambda: make.NOW)


async def test_memory_stays_flat_over_many_rows(make: SimpleNamespace) -> None:
    async def peak(traces: int) -> tuple[int, int]:
        reader = Reader(served(make, paged(make, traces)), "/traces.csv")
        tracemalloc.start()
        try:
            await reader.read()
            return tracemalloc.get_traced_memory()[1], reader.bytes
        finally:
            tracemalloc.stop()

    few, _ = await peak(2_000)
    many, sent = await peak(12_000)
    assert sent > 1_000_000
    assert many < few * 1.3


async def test_it_stops_when_the_client_goes_away(make: SimpleNamespace) -> None:
    rows = paged(make, 1_000_000)
    reader = Reader(served(make, rows), "/traces.csv", most=3)
    await asyncio.wait_for(reader.read(), 20)
    assert not reader.ended
    assert len(rows.fetched) < 10


async def test_a_file_that_cannot_be_finished_breaks_off(make: SimpleNamespace) -> None:
    rows = paged(make, 9_000)
    rows.fails_at = "4000"
    reader = Reader(served(make, rows), "/traces.csv")
    with pytest.raises(RuntimeError):
        await reader.read()
    assert reader.chunks > 2
    assert not reader.ended
